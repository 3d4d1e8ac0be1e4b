/**
 * Any model for any verb: the demo, what `gateloom quantise` wrote, or a checkpoint, which is quantised here and now. With its integers
 * come their float twin and, of a checkpoint, the float that it was.
 */
import { Option } from "commander";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { readDemo } from "../golden/import/demo.js";
import { openContainer, type OpenedModel, openModel } from "../golden/import/model.js";
import { loadFloatModel, weightsOf } from "../golden/import/modelFloat.js";
import { loadQuantised, QuantisedSource } from "../golden/import/quantised.js";
import { SafetensorsSource } from "../golden/import/safetensorsSource.js";
import { type TextTokenizer, Tokenizer } from "../golden/import/tokenizer.js";
import { openTokenizer, readTokenizer } from "../golden/import/tokenizerFile.js";
import type { FloatModel } from "../golden/model/float.js";
import type { CacheBits, QuantisedModel } from "../golden/model/types.js";
import type { Slots } from "../golden/quantise/assemble.js";
import { quantiseInMemory } from "../golden/quantise/pipeline/memory.js";
import { ownText, ownTextSize } from "../golden/quantise/pipeline/text.js";
import type { Levels, Recipe } from "../golden/quantise/recipe.js";
import { withMatrices } from "../golden/quantise/round.js";
import { attentionOf, type Config } from "../generator/config.js";
import { UsageError } from "./failure.js";
import { oneOf, wholeNumber } from "./options.js";
import { packageFile } from "./package.js";

export interface Loaded {
  readonly name: string;
  readonly tokenizer: TextTokenizer;
  readonly model: QuantisedModel;
  /** The float that the integers stand for; made anew. */
  twin(): FloatModel;
  /** The checkpoint before it was rounded, where it was one. */
  readonly source?: FloatModel;
}

/** To what a checkpoint of floats is rounded; commander's names. */
export interface FormatOptions {
  readonly weights?: Levels;
  readonly embedding?: "W4" | "W8";
  readonly kv?: CacheBits;
}

export interface ModelOptions extends FormatOptions {
  readonly tokenizer?: string;
}

/** Of verbs that run a model without hardware around it. */
export interface RunOptions extends ModelOptions {
  readonly window?: number;
  readonly sinks?: number;
  /** Positions that are needed. */
  readonly context: number;
}

const CHECKPOINTS = "for checkpoints of floats";

export const levelsOption = (why: string): Option =>
  new Option("--weights <format>", `of the linear matrices: w2, z2, ternary, w3, w4, w8; ${why}`).argParser(
    oneOf<Levels>("W2", "Z2", "TERNARY", "W3", "W4", "W8"),
  );
export const embeddingOption = (why: string): Option =>
  new Option("--embedding <format>", `of embedding and head: w4 or w8; ${why}`).argParser(
    oneOf<"W4" | "W8">("W4", "W8"),
  );
export const cacheOption = (flag: "--kv" | "--keys", why: string): Option =>
  new Option(
    `${flag} <bits>`,
    `of ${flag === "--kv" ? "keys and values" : "keys alone"}: 3, 4 or 8; ${why}`,
  ).argParser((text): CacheBits => (({ "3": 3, "4": 4, "8": 8 }) as const)[oneOf("3", "4", "8")(text)]);

export const modelOptions = (): Option[] => [
  new Option("--tokenizer <file>", "its tokenizer; default: the one that comes with the model"),
  levelsOption(`${CHECKPOINTS}; default: w4`),
  embeddingOption(`${CHECKPOINTS}; default: w4`),
  cacheOption("--kv", `${CHECKPOINTS}; default: 4`),
];

export const runOptions = (): Option[] => [
  ...modelOptions(),
  new Option("--window <n>", "attention sees the latest n positions; default: all").argParser(
    wholeNumber(1, 2 ** 31 - 1),
  ),
  new Option("--sinks <n>", "and the first n, with --window").argParser(wholeNumber(0, 2 ** 31 - 1)),
  new Option("--context <n>", "at most so many positions, up to the model's own")
    .argParser(wholeNumber(2, 1 << 20))
    .default(CONTEXT),
];

/** Positions unless told: work space grows with them. */
const CONTEXT = 2048;

const slotsOf = ({ sinks, window }: RunOptions): Slots | undefined => {
  if (sinks !== undefined && window === undefined)
    throw new UsageError("--sinks needs --window: without one, every position is seen");
  return window === undefined ? undefined : { sinks: sinks ?? 0, window };
};

interface Request {
  readonly options: ModelOptions;
  readonly slots: Slots | undefined;
  readonly context: number;
  /** Told what takes long. */
  progress(what: string): void;
}

/** What a file gives: its tokenizer may lie elsewhere. */
type Found = Omit<Loaded, "tokenizer"> & { readonly tokenizer: TextTokenizer | null };

const DEMO = "golden/demo/stories.safetensors";

/** More weights than this take too long to quantise every time anew. */
const MOST_ON_THE_FLY = 5e8;

/** Formats are chosen when a checkpoint is rounded, not afterwards. */
const refuseFormats = (file: string, options: FormatOptions): void => {
  for (const name of ["weights", "embedding", "kv"] as const)
    if (options[name] !== undefined)
      throw new UsageError(`--${name}: ${file} is quantised already; only checkpoints of floats take it`);
};

const demoFile = async (file: string, { options, slots }: Request): Promise<Found> => {
  refuseFormats(file, options);
  const { model, rounded } = readDemo(await readFile(file), file, slots);
  return { name: model.name, model, twin: () => rounded.float, tokenizer: null };
};

const savedModel = async (
  file: string,
  source: QuantisedSource,
  { slots, context }: Request,
): Promise<Omit<Found, "tokenizer">> => {
  const { model, rounded } = await loadQuantised(source, { context, ...(slots ? { slots } : {}) });
  const { float, embedding, layers, head } = rounded;
  return {
    name: path.basename(path.resolve(file)),
    model,
    twin: () => withMatrices(float, embedding, layers, head).float,
  };
};

/** Rounds a checkpoint of floats, and calibrates on text of its own. */
const checkpoint = async (
  file: string,
  opened: OpenedModel,
  request: Request,
): Promise<Omit<Found, "tokenizer">> => {
  const { options, context, progress } = request;
  const weights = weightsOf(opened.description);
  if (weights > MOST_ON_THE_FLY)
    throw new UsageError(
      `${file}: ${weights.toLocaleString("en")} weights are too many to quantise on the way; run gateloom quantise ${file} --out FOLDER once, and give that folder`,
    );
  progress(`reading ${weights.toLocaleString("en")} weights`);
  const source = await loadFloatModel(opened, { context });
  progress("calibrating on text that the model writes itself");
  const first = opened.tokenizer?.bos ?? Math.min(1, source.shape.vocab - 1);
  const text = ownText(source, first, ownTextSize(weights));
  const recipe: Recipe = {
    linear: { levels: options.weights ?? "W4", group: 32, rounding: "nearest", pruning: null },
    overrides: new Map(),
    embedding: options.embedding ?? "W4",
    head: options.embedding ?? "W4",
    cache: { keys: options.kv ?? 4, values: options.kv ?? 4 },
    rotate: false,
  };
  progress("rounding the weights");
  const saved = await quantiseInMemory({
    source: opened.source,
    description: { ...opened.description, shape: source.shape },
    ...{ recipe, text, kind: opened.kind },
    threads: weights < 2e6 ? 1 : availableParallelism(),
  });
  return { ...(await savedModel(file, saved, request)), source };
};

const anyFile = async (file: string, request: Request): Promise<Found> => {
  const opened = await openModel(file);
  try {
    const { container } = opened.source;
    const { tokenizer } = opened;
    if (!(container instanceof QuantisedSource))
      return { ...(await checkpoint(file, opened, request)), tokenizer };
    refuseFormats(file, request.options);
    return { ...(await savedModel(file, container, request)), tokenizer };
  } finally {
    await opened.source.close();
  }
};

const isDemo = async (file: string): Promise<boolean> => {
  const { source } = await openContainer(file);
  await source.close();
  return source instanceof SafetensorsSource && source.metadata.has("residual_max");
};

const tokenizerFor = async (file: string, found: Found, option?: string): Promise<TextTokenizer> => {
  const { vocab } = found.model.shape;
  const tokenizer =
    option === undefined
      ? (found.tokenizer ?? (await openTokenizer(path.dirname(file), vocab)))
      : await readTokenizer(option, vocab);
  if (tokenizer === null)
    throw new UsageError(
      `${file} needs its tokenizer: there is no tokenizer beside it; give --tokenizer tokenizer.json or tokenizer.bin`,
    );
  if (tokenizer.size > vocab)
    throw new UsageError(
      `the tokenizer has ${tokenizer.size} tokens, ${file} only ${vocab}; use the one that belongs to the model`,
    );
  return tokenizer;
};

const load = async (model: string | undefined, request: Request): Promise<Loaded> => {
  const file = model ?? packageFile(DEMO);
  const found =
    model === undefined || (await isDemo(file))
      ? await demoFile(file, request)
      : await anyFile(file, request);
  return {
    ...found,
    name: model === undefined ? "stories-w2 (demo)" : found.name,
    tokenizer: await tokenizerFor(file, found, request.options.tokenizer),
  };
};

/** For verbs that run the model itself. */
export const loadToRun = (
  model: string | undefined,
  options: RunOptions,
  progress: (what: string) => void = () => undefined,
): Promise<Loaded> => load(model, { options, slots: slotsOf(options), context: options.context, progress });

/** For verbs that put it into hardware, whose configuration says what attention sees of so many positions. */
export const loadModel = (
  { model, ...options }: ModelOptions & { readonly model?: string },
  config: Config,
  positions?: number,
): Promise<Loaded> =>
  load(model, {
    options,
    slots: attentionOf(config, positions),
    context: Math.max(CONTEXT, positions ?? 0),
    progress: () => undefined,
  });

/** Positions of a run unless told: their scores and tokens lie on the chip. */
const POSITIONS = 512;
export const positionsOption = (): Option =>
  new Option(
    "--positions <n>",
    `positions of a run at most; default: what the model was trained for, up to ${POSITIONS}`,
  ).argParser(wholeNumber(1, 2 ** 20));

/** A model for a board, and the positions of its runs. Throws UsageError for more than it was trained for. */
export const loadForBoard = async (
  options: ModelOptions & { readonly model?: string; readonly positions?: number },
  config: Config,
): Promise<{ readonly loaded: Loaded; readonly positions: number }> => {
  const asked = options.positions;
  const loaded = await loadModel(options, config, asked ?? POSITIONS);
  const { context } = loaded.model.shape;
  if (asked !== undefined && asked > context)
    throw new UsageError(
      `--positions ${asked}: ${loaded.name} was trained for ${context} positions; give at most that many`,
    );
  return { loaded, positions: asked ?? Math.min(POSITIONS, context) };
};

/** BOS and the prompt. Characters that llama2.c's vocabulary lacks would become bytes the model never saw: refused. */
export const encodePrompt = (tokenizer: TextTokenizer, prompt: string): number[] => {
  if (tokenizer instanceof Tokenizer) {
    const known = new Set(tokenizer.pieces);
    const unknown = [
      ...new Set([...prompt].filter((c) => !known.has(c) && !(c === "\n" && known.has("<0x0A>")))),
    ];
    if (unknown.length > 0)
      throw new UsageError(
        `--prompt: the model's vocabulary has no ${unknown.map((c) => JSON.stringify(c)).join(", ")}; use plain English letters and punctuation`,
      );
  }
  return tokenizer.encode(prompt);
};
