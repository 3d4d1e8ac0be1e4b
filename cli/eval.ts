import { Command, Option } from "commander";
import { setImmediate } from "node:timers/promises";
import { textWindows } from "../golden/quantise/evaluate.js";
import { type Judgement, judging } from "../golden/quantise/judge.js";
import { type LayerErrors, layerErrors } from "../golden/quantise/layerError.js";
import { type Models, steps } from "../golden/quantise/steps.js";
import { EVAL_MARK, evalPage } from "./evalPage.js";
import { type EvalReport, renderEval } from "./evalText.js";
import { UsageError } from "./failure.js";
import { type Loaded, loadToRun, type RunOptions, runOptions } from "./model.js";
import { wholeNumber } from "./options.js";
import { checkReplaceable, writeOne } from "./output.js";
import { Progress } from "./progress.js";
import { readText } from "./textFile.js";

interface EvalOptions extends RunOptions {
  readonly text: string;
  readonly tokens: number;
  readonly json?: boolean;
  readonly out?: string;
}

type EvaluatedModel = Models & Pick<Loaded, "name" | "tokenizer">;

/** Fewer for large models: golden/model itself is asked here, which keeps every tensor. */
const layerTokens = (model: EvaluatedModel): number => {
  const { dim, hidden, layers, vocab } = model.integer.shape;
  const weights = layers * dim * (4 * dim + 3 * hidden) + vocab * dim;
  return Math.min(256, Math.max(8, Math.round(2e9 / weights)));
};

const evaluateModel = async (
  model: EvaluatedModel,
  file: string,
  text: string,
  options: EvalOptions,
): Promise<EvalReport> => {
  const context = Math.min(options.context, model.integer.shape.context);
  const windows = textWindows(text, model.tokenizer, context, options.tokens);
  if (windows.sequences.length === 0 || windows.characters === 0)
    throw new UsageError(`--text ${file}: too short, there is no token to predict`);
  const progress = new Progress();
  const run = judging(model, windows);
  let rows: Judgement[] = [];
  for (;;) {
    const { done, value } = run.next();
    if (done) {
      rows = value;
      break;
    }
    progress.share(value.done, value.total, "tokens");
    await setImmediate(); // signals are heard between blocks
  }
  const few = windows.sequences[0]!.slice(0, layerTokens(model));
  const layers: LayerErrors[] = [];
  const passes = new Progress();
  for (const errors of layerErrors(steps(model), few)) {
    layers.push(errors);
    passes.share(layers.length, rows.length, "passes over the layers");
    await setImmediate();
  }
  progress.clear();
  return {
    model: model.name,
    text: {
      file,
      tokens: rows[0]!.tokens,
      characters: windows.characters,
      windows: windows.sequences.length,
      longest: Math.max(...windows.sequences.map((tokens) => tokens.length)),
      bos: model.tokenizer.bos !== null,
    },
    hasSource: model.source !== undefined,
    steps: rows.map(({ saturations: _, tokens, characters: __, ...row }) => ({
      ...row,
      tokensPerSecond: tokens / row.seconds,
    })),
    saturations: { ...rows.at(-1)!.saturations },
    layers: { tokens: few.length, steps: layers },
  };
};

export const evalCommand = (): Command => {
  const command = new Command("eval")
    .description(
      "Perplexity of the exact hardware arithmetic, beside every step on the way to it: float, rounded weights, 8-bit activations, small cache, window, integers.",
    )
    .argument("[model]", "model file or folder; default: the demo model")
    .requiredOption("--text <file>", "text in UTF-8; lines <|endoftext|> part documents, as in TinyStories")
    .addOption(
      new Option("--tokens <n>", "at most so many predicted tokens")
        .argParser(wholeNumber(1, 1_000_000_000))
        .default(4096),
    )
    .option("--out <file>", "write the report as a page too, one HTML file with charts and without scripts")
    .option("--json", "print the report as JSON");
  for (const option of runOptions()) command.addOption(option);
  return command
    .addHelpText(
      "after",
      `
What is scored: the text's tokens in windows of the context, one after the other, each from BOS; every token of the
text is predicted once, from what stands before it in its window. Without a BOS token a window begins with the token
before it. Bits per character are over the characters that begin in predicted tokens.

Checkpoints of floats are rounded here, each weight to its nearest code, and calibrated on text that the model
writes itself. Files that are quantised already are taken as they are; they have no float to compare with.

How to read the table:
  KL of step    what this step alone changes, against the line above; steadier than perplexity on little text
  top-1         how often the likeliest next token is that of the first line
  integer       the integers of the hardware, bit for bit; tokens/s are of this machine, not of hardware

Examples:
  gateloom eval --text golden/demo/heldout.txt
  gateloom eval model.gguf --text wiki.txt --tokens 1000 --weights W4 --kv 8`,
    )
    .action(async (file: string | undefined, options: EvalOptions) => {
      if (options.out !== undefined) await checkReplaceable(options.out, EVAL_MARK);
      const text = await readText("--text", options.text);
      const progress = new Progress();
      const loaded = await loadToRun(file, options, (what) => progress.say(what));
      const { name, tokenizer, model: integer, source } = loaded;
      const model: EvaluatedModel = {
        ...{ name, tokenizer, integer, rounded: loaded.twin() },
        ...(source ? { source } : {}),
      };
      progress.clear();
      const report = await evaluateModel(model, options.text, text, options);
      if (options.out !== undefined) await writeOne(options.out, evalPage(report), EVAL_MARK);
      console.log(options.json ? JSON.stringify(report, null, 2) : renderEval(report));
      if (options.out !== undefined && !options.json) console.log(`written to ${options.out}`);
    });
};
