import { Command, Option } from "commander";
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import pc from "picocolors";
import { openFile } from "../golden/import/access.js";
import { type OpenedModel, openModel } from "../golden/import/model.js";
import { loadFloatModel, weightsOf } from "../golden/import/modelFloat.js";
import { QuantisedSource } from "../golden/import/quantised.js";
import { type QuantisedAbout, recipeText, VERSION } from "../golden/import/quantisedAbout.js";
import { SafetensorsSource } from "../golden/import/safetensorsSource.js";
import type { TextTokenizer } from "../golden/import/tokenizer.js";
import { readTokenizer } from "../golden/import/tokenizerFile.js";
import { tokenizerFiles } from "../golden/import/write/tokenizerFiles.js";
import type { CacheBits } from "../golden/model/types.js";
import { joined } from "../golden/quantise/pipeline/parts.js";
import { type Progress as Done, quantiseInParts } from "../golden/quantise/pipeline/pipeline.js";
import { rotated } from "../golden/quantise/pipeline/rotated.js";
import { type MixedOptions, mixedRecipe } from "../golden/quantise/pipeline/sensitivity.js";
import { givenText, ownText, ownTextSize } from "../golden/quantise/pipeline/text.js";
import type { Pruning, Recipe } from "../golden/quantise/recipe.js";
import { EXIT, UsageError } from "./failure.js";
import { sizeText } from "./inspectText.js";
import { cacheOption, embeddingOption, type FormatOptions, levelsOption } from "./model.js";
import { byteCount, oneOf, wholeNumber } from "./options.js";
import { Progress, timeText } from "./progress.js";
import { WorkFolder } from "./quantiseFolder.js";
import { readText } from "./textFile.js";

export interface QuantiseOptions extends FormatOptions {
  readonly out: string;
  readonly group: 32 | 64 | 128;
  readonly method: "nearest" | "gptq";
  readonly prune?: Pruning;
  readonly keys?: CacheBits;
  readonly rotate?: boolean;
  readonly budget?: number;
  readonly calibration?: string;
  readonly calibrationTokens?: number;
  readonly tokenizer?: string;
  readonly threads: number;
  readonly json?: boolean;
}

/** Larger models write too slowly to be calibrated on text of their own. */
const MOST_OWN_TEXT = 5e8;
/** Positions of a calibration sequence, and of all of them, unless told. */
const LENGTH = 512;
const TOKENS = 4096;

const recipeOf = (options: QuantiseOptions): Recipe => {
  const { weights = "W4", group, method, prune = null, embedding = "W4", kv = 4 } = options;
  if (options.budget !== undefined && (options.weights !== undefined || prune !== null))
    throw new UsageError("--budget chooses the formats itself: leave --weights and --prune away");
  if (prune !== null && weights !== "W2")
    throw new UsageError(
      `--prune keeps two of four weights of --weights w2, not of ${weights.toLowerCase()}`,
    );
  return {
    linear: { levels: weights, group, rounding: method, pruning: prune },
    overrides: new Map(),
    ...{ embedding, head: embedding, rotate: options.rotate === true },
    cache: { keys: options.keys ?? kv, values: kv },
  };
};

type Text = readonly (readonly number[])[];

const calibrationText = async (
  model: string,
  opened: OpenedModel,
  tokenizer: TextTokenizer | null,
  options: QuantiseOptions,
  say: (what: string) => void,
): Promise<Text> => {
  const { calibration: file, calibrationTokens } = options;
  const context = Math.min(LENGTH, opened.description.shape.context);
  if (file !== undefined) {
    if (tokenizer === null)
      throw new UsageError(`--calibration needs the tokenizer of ${model}: give --tokenizer`);
    const given = givenText(await readText("--calibration", file), tokenizer, {
      tokens: calibrationTokens ?? TOKENS,
      length: context,
    });
    if (given.length === 0) throw new UsageError(`--calibration ${file}: the text is too short`);
    return given;
  }
  const weights = weightsOf(opened.description);
  if (weights > MOST_OWN_TEXT)
    throw new UsageError(
      `${model}: with ${weights.toLocaleString("en")} weights it is too large to write its own calibration text; give --calibration FILE, some pages of text like what it will read`,
    );
  say(`reading ${weights.toLocaleString("en")} weights, for the model writes its own calibration text`);
  const float = await loadFloatModel(opened, { context });
  const first = tokenizer?.bos ?? Math.min(1, float.shape.vocab - 1);
  const size = ownTextSize(weights);
  const sequences =
    calibrationTokens === undefined ? size.sequences : Math.ceil(calibrationTokens / size.length);
  return ownText(float, first, { ...size, sequences });
};

/** Everything that the parts depend on, so that an unfinished run is not mixed with another. */
const jobOf = async (opened: OpenedModel, recipe: Recipe, text: Text): Promise<string> => {
  const files = [...new Set([...opened.source.tensors.values()].map((tensor) => tensor.file))];
  const sources = await Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return { file: path.resolve(file), size, changed: mtimeMs };
    }),
  );
  return `${JSON.stringify(
    {
      generator: "gateloom quantise",
      format: VERSION,
      model: opened.description,
      recipe: JSON.parse(recipeText(recipe)),
      text: createHash("sha256").update(JSON.stringify(text)).digest("hex"),
      sources,
    },
    null,
    2,
  )}\n`;
};

/** Bytes that the work folder holds at most: the parts, the model made of them, hidden states twice. */
const roomOf = ({ description }: OpenedModel, recipe: Recipe, text: Text): number => {
  const of = { W2: 2, TERNARY: 2, Z2: 4, W3: 4, W4: 4, W8: 8 };
  const bits = Math.max(
    of[recipe.linear.levels],
    ...[...recipe.overrides.values()].map((spec) => of[spec.levels]),
  );
  const tables = recipe.embedding === "W8" ? 8 : 4;
  const positions = text.reduce((sum, tokens) => sum + tokens.length, 0);
  const { vocab, dim } = description.shape;
  const table = (description.architecture.tied ? 1 : 2) * vocab * dim;
  const model = ((weightsOf(description) - table) * (bits + 0.5) + table * (tables + 0.5)) / 8;
  return 2 * model + 2 * 4 * positions * dim;
};

/** What came out, for the report. */
interface Summary {
  readonly out: string;
  readonly model: string;
  readonly weights: number;
  readonly bytes: number;
  /** Of the file over the weights. */
  readonly bitsPerWeight: number;
  readonly calibrationTokens: number;
  /** Squared error over squared weights, mean over matrices that were rounded; null where all codes were kept. */
  readonly meanError: number | null;
  readonly worst: { readonly tensor: string; readonly error: number } | null;
  /** Matrices whose codes are those of the checkpoint, and what rounding their scales lost at most. */
  /** Linear matrices by levels, where a budget chose them. */
  readonly chosen: Readonly<Record<string, number>> | null;
  readonly kept: { readonly matrices: number; readonly largestError: number };
  readonly seconds: number;
}

const summaryOf = (
  { description, losses, recipe }: QuantisedAbout,
  rest: Pick<Summary, "out" | "bytes" | "calibrationTokens" | "seconds">,
): Summary => {
  const all = [...losses].map(([tensor, loss]) => ({ tensor, ...loss }));
  const rounded = all.filter(({ kept }) => !kept);
  const kept = all.filter((loss) => loss.kept);
  const worst = rounded.reduce<(typeof rounded)[number] | null>(
    (most, loss) => (most === null || loss.error > most.error ? loss : most),
    null,
  );
  const weights = weightsOf(description);
  const chosen: Record<string, number> = {};
  for (const { levels } of recipe.overrides.values()) chosen[levels] = (chosen[levels] ?? 0) + 1;
  return {
    ...rest,
    chosen: recipe.overrides.size === 0 ? null : chosen,
    model: description.name,
    weights,
    bitsPerWeight: (8 * rest.bytes) / weights,
    meanError:
      rounded.length === 0 ? null : rounded.reduce((sum, { error }) => sum + error, 0) / rounded.length,
    worst: worst && { tensor: worst.tensor, error: worst.error },
    kept: { matrices: kept.length, largestError: Math.max(0, ...kept.map(({ error }) => error)) },
  };
};

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;

const render = (summary: Summary): string => {
  const { model, weights, bytes, bitsPerWeight, meanError, worst, chosen, kept, calibrationTokens } = summary;
  return [
    `${pc.bold(model)}: ${weights.toLocaleString("en")} weights in ${sizeText(bytes)}, ${bitsPerWeight.toFixed(2)} bits each, calibrated on ${calibrationTokens} tokens`,
    ...(chosen === null
      ? []
      : [
          `chosen within the budget: ${Object.entries(chosen)
            .map(([levels, count]) => `${count} matrices ${levels}`)
            .join(", ")}`,
        ]),
    ...(meanError === null || worst === null
      ? []
      : [
          `rounded: squared error ${percent(meanError)} of the squared weights on average, ${percent(worst.error)} in ${worst.tensor}`,
        ]),
    ...(kept.matrices === 0
      ? []
      : [
          `kept: the codes of ${kept.matrices} matrices are the checkpoint's own; rounding their scales lost at most ${percent(kept.largestError)}`,
        ]),
    `written to ${summary.out} in ${timeText(summary.seconds)}`,
  ].join("\n");
};

const aboutIn = async (file: string): Promise<QuantisedAbout> => {
  const source = new QuantisedSource(await SafetensorsSource.from(await openFile(file)));
  try {
    return source.about();
  } finally {
    await source.close();
  }
};

const share = (progress: Progress, { done, before, total }: Done, what: string): void => {
  const millions = (weights: number): number => Number((weights / 1e6).toFixed(1));
  if (done > before) progress.share(millions(done - before), millions(total - before), what);
};

/** The recipe with a format for every matrix, where there is a budget. */
const withBudget = async ({
  budget,
  ...options
}: Omit<MixedOptions, "budget" | "progress"> & { readonly budget?: number }): Promise<Recipe> => {
  if (budget === undefined) return options.recipe;
  const progress = new Progress();
  const { recipe } = await mixedRecipe({
    ...{ ...options, budget },
    progress: (now) => share(progress, now, "million weights measured"),
  });
  progress.clear();
  return recipe;
};

const quantise = async (model: string, options: QuantiseOptions): Promise<Summary> => {
  const start = performance.now();
  const given = recipeOf(options);
  const progress = new Progress();
  const opened = await openModel(model);
  try {
    if (opened.source.container instanceof QuantisedSource)
      throw new UsageError(`${model} is quantised already; give the checkpoint that it was made from`);
    const { vocab } = opened.description.shape;
    const tokenizer =
      options.tokenizer === undefined ? opened.tokenizer : await readTokenizer(options.tokenizer, vocab);
    const text = await calibrationText(model, opened, tokenizer, options, (what) => progress.say(what));
    const { source, description } = options.rotate
      ? await rotated(opened.source, opened.description)
      : opened;
    const recipe = await withBudget({ source, description, recipe: given, text, ...options });
    const work = await WorkFolder.open(options.out, await jobOf(opened, recipe, text));
    progress.clear();
    if (work.resumed) process.stderr.write("going on behind what an interrupted run has done\n");
    if (work.discarded)
      process.stderr.write("an unfinished run with other settings or another checkpoint was discarded\n");
    await work.checkRoom(roomOf(opened, recipe, text));
    const rounding = new Progress();
    await quantiseInParts({
      ...{ source, description, recipe, text, keeper: work, threads: options.threads },
      progress: (now) => share(rounding, now, "million weights"),
    });
    rounding.clear();
    const files = await tokenizerFiles(model, vocab, options.tokenizer);
    if (files.size === 0) process.stderr.write("there is no tokenizer beside the model: none was saved\n");
    const manifest = { generator: "gateloom", kind: "quantised model", model: description.name };
    const bytes = await work.finish(
      joined(work, { description, recipe, source: opened.kind }),
      new Map<string, Uint8Array | string>(files).set(
        "manifest.json",
        `${JSON.stringify(manifest, null, 2)}\n`,
      ),
    );
    return summaryOf(await aboutIn(path.join(options.out, "model.safetensors")), {
      ...{ out: options.out, bytes },
      calibrationTokens: text.reduce((sum, tokens) => sum + tokens.length, 0),
      seconds: (performance.now() - start) / 1000,
    });
  } finally {
    await opened.source.close();
  }
};

export const quantiseCommand = (): Command =>
  new Command("quantise")
    .description(
      "Quantises a checkpoint layer by layer, in the memory of one matrix, and saves it; an interrupted run goes on where it stopped.",
    )
    .argument("<model>", "Hugging Face folder, GGUF file or llama2.c checkpoint")
    .addOption(
      new Option(
        "--out <folder>",
        "where the quantised model goes; whole or not at all",
      ).makeOptionMandatory(),
    )
    .addOption(levelsOption("default: w4"))
    .addOption(
      new Option("--group <n>", "weights that share a scale: 32, 64 or 128")
        .argParser((text) => ({ "32": 32, "64": 64, "128": 128 })[oneOf("32", "64", "128")(text)])
        .default(32),
    )
    .addOption(
      new Option(
        "--method <name>",
        "nearest: each weight by itself; gptq: the error handed on, column by column",
      )
        .argParser(oneOf("nearest", "gptq"))
        .default("nearest"),
    )
    .addOption(
      new Option("--prune <name>", "with w2, keep two of four: magnitude, wanda, sparsegpt").argParser(
        oneOf<Pruning>("magnitude", "wanda", "sparsegpt"),
      ),
    )
    .addOption(embeddingOption("default: w4"))
    .addOption(cacheOption("--kv", "default: 4"))
    .addOption(cacheOption("--keys", "default: as --kv"))
    .addOption(
      new Option(
        "--budget <bytes>",
        "w2, w4 or w8 for every matrix, so that all fit into so many bytes (90MB) with the least error",
      ).argParser(byteCount),
    )
    .option("--rotate", "fold Hadamard rotations into the weights, so that few bits hold outliers better")
    .option("--calibration <file>", "text in UTF-8 like what the model will read; default: text of its own")
    .addOption(
      new Option("--calibration-tokens <n>", `at most so many tokens of it; default: ${TOKENS}`).argParser(
        wholeNumber(1, 1 << 24),
      ),
    )
    .option("--tokenizer <file>", "its tokenizer; default: the one that comes with the model")
    .addOption(
      new Option("--threads <n>", "default: all")
        .argParser(wholeNumber(1, 1024))
        .default(availableParallelism(), "all"),
    )
    .option("--json", "print the summary as JSON")
    .addHelpText(
      "after",
      `
What is in the folder:
  model.safetensors   codes, scales, norms, and as metadata the recipe, the calibrated ranges and what was lost;
                      golden/quantise/README.md describes it, with a reader in Python
  tokenizer.*         the model's tokenizer, chat template included

Codes that a checkpoint already has in two bits or ternary (GPTQ, BitNet, TQ1_0, TQ2_0, quantisation-aware
floats) are kept exactly, whatever --weights says; only their scales are rounded, and the loss is told.

While it runs, its work is in FOLDER.partial. Ctrl-C, a crash or a power cut lose at most one layer: the same
command goes on. Give the folder to eval, chat, generate, simulate, estimate and export.

Examples:
  gateloom quantise SmolLM2-135M-Instruct/ --out smol-w4 --calibration pages.txt --method gptq
  gateloom quantise model.gguf --out model-w2 --weights w2 --group 64 --rotate

Exit codes: 0 good, 2 usage or input, 130 interrupted.`,
    )
    .action(async (model: string, options: QuantiseOptions) => {
      // What is done so far stays.
      process.removeAllListeners("SIGINT");
      process.on("SIGINT", () => {
        process.stderr.write("\ninterrupted; the same command goes on where it stopped\n");
        process.exit(EXIT.interrupted);
      });
      const summary = await quantise(model, options);
      console.log(options.json ? JSON.stringify(summary, null, 2) : render(summary));
    });
