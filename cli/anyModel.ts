/** Any model file for eval and chat, with what evaluation compares: its integers, their float twin, and the checkpoint it was made from, where there is one. */
import { InvalidArgumentError, Option } from "commander";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { loadFloatModel } from "../golden/import/modelFloat.js";
import { weightsOf } from "../golden/import/modelFloat.js";
import { openContainer, openModel } from "../golden/import/model.js";
import { readDemo } from "../golden/import/demo.js";
import { SafetensorsSource } from "../golden/import/safetensorsSource.js";
import type { TextTokenizer } from "../golden/import/tokenizer.js";
import { openTokenizer, readTokenizer } from "../golden/import/tokenizerFile.js";
import type { CacheBits } from "../golden/model/types.js";
import type { Slots } from "../golden/quantise/assemble.js";
import { quantiseModel } from "../golden/quantise/quantise.js";
import type { Models } from "../golden/quantise/steps.js";
import { UsageError } from "./failure.js";
import { wholeNumber } from "./options.js";
import { packageFile } from "./package.js";

export interface AnyModel extends Models {
  readonly name: string;
  readonly tokenizer: TextTokenizer;
}

/** Options of commands that take any model; commander's names. */
export interface AnyModelOptions {
  readonly tokenizer?: string;
  /** For checkpoints of floats: what they are rounded to. */
  readonly weights?: "W2" | "W4" | "W8" | "TERNARY";
  readonly embedding?: "W4" | "W8";
  readonly kv?: CacheBits;
  readonly window?: number;
  readonly sinks?: number;
  /** Positions that are needed. */
  readonly context: number;
}

export const anyModelOptions = (): Option[] => [
  new Option("--tokenizer <file>", "its tokenizer; default: the one that comes with the model"),
  new Option("--weights <format>", "of the linear matrices, for checkpoints of floats; default: W4").choices([
    ...["W2", "TERNARY", "W4", "W8"],
  ]),
  new Option("--embedding <format>", "of embedding and head, for checkpoints of floats; default: W4").choices(
    [...["W4", "W8"]],
  ),
  new Option("--kv <bits>", "of keys and values, for checkpoints of floats: 3, 4 or 8; default: 4").argParser(
    (text): CacheBits => {
      const bits = ([3, 4, 8] as const).find((one) => String(one) === text);
      if (bits === undefined) throw new InvalidArgumentError("3, 4 or 8 is needed.");
      return bits;
    },
  ),
  new Option("--window <n>", "attention sees the latest n positions; default: all").argParser(
    wholeNumber(1, 2 ** 31 - 1),
  ),
  new Option("--sinks <n>", "and the first n, with --window").argParser(wholeNumber(0, 2 ** 31 - 1)),
  new Option("--context <n>", "at most so many positions, up to the model's own")
    .argParser(wholeNumber(2, 1 << 20))
    .default(2048),
];

const slotsOf = ({ sinks, window }: AnyModelOptions): Slots | undefined => {
  if (sinks !== undefined && window === undefined)
    throw new UsageError("--sinks needs --window: without one, every position is seen");
  return window === undefined ? undefined : { sinks: sinks ?? 0, window };
};

interface Loading extends Omit<AnyModelOptions, "sinks" | "window"> {
  readonly slots: Slots | undefined;
  /** Told what takes long. */
  progress(what: string): void;
}

const DEMO = "golden/demo/stories.safetensors";

/** Positions of calibration text that a model writes itself: fewer for large models, whose every token takes long. */
const calibration = (weights: number): { readonly sequences: number; readonly length: number } => {
  const positions = Math.min(1024, Math.max(64, Math.round(2e10 / weights)));
  const sequences = Math.ceil(positions / 256);
  return { sequences, length: Math.ceil(positions / sequences) };
};

/** A file that holds the integers already: format and calibration are its own. */
const quantisedFile = async (file: string, options: Loading): Promise<Omit<AnyModel, "tokenizer">> => {
  for (const name of ["weights", "embedding", "kv"] as const)
    if (options[name] !== undefined)
      throw new UsageError(`--${name}: ${file} is quantised already; only checkpoints of floats take it`);
  const { model, rounded } = readDemo(await readFile(file), file, options.slots);
  return { name: model.name, rounded: rounded.float, integer: model };
};

/** Rounds a checkpoint of floats, and calibrates on text of its own. */
const checkpoint = async (
  file: string,
  options: Loading,
): Promise<Omit<AnyModel, "tokenizer"> & { readonly tokenizer: TextTokenizer | null }> => {
  const { weights: format, embedding, kv, slots, context, progress } = options;
  const opened = await openModel(file);
  try {
    const weights = weightsOf(opened.description);
    progress(`reading ${weights.toLocaleString("en")} weights`);
    const source = await loadFloatModel(opened, { context });
    progress("rounding them and calibrating on text that the model writes itself");
    const { model, rounded } = quantiseModel(source, {
      ...calibration(weights),
      ...(format ? { format } : {}),
      ...(embedding ? { embedding, head: embedding } : {}),
      ...(kv ? { cache: { keys: kv, values: kv } } : {}),
      ...(slots ? { slots } : {}),
    });
    return {
      name: path.basename(file),
      source,
      rounded: rounded.float,
      integer: model,
      tokenizer: opened.tokenizer,
    };
  } finally {
    await opened.source.close();
  }
};

const isQuantised = async (file: string): Promise<boolean> => {
  const { source } = await openContainer(file);
  await source.close();
  return source instanceof SafetensorsSource && source.metadata.has("residual_max");
};

export const loadAnyModel = async (
  model: string | undefined,
  given: AnyModelOptions,
  progress: (what: string) => void = () => undefined,
): Promise<AnyModel> => {
  const options: Loading = { ...given, slots: slotsOf(given), progress };
  const file = model ?? packageFile(DEMO);
  const loaded: Omit<AnyModel, "tokenizer"> & { readonly tokenizer?: TextTokenizer | null } =
    model === undefined || (await isQuantised(file))
      ? await quantisedFile(file, options)
      : await checkpoint(file, options);
  const { vocab } = loaded.integer.shape;
  const tokenizer =
    options.tokenizer === undefined
      ? (loaded.tokenizer ?? (await openTokenizer(path.dirname(file), vocab)))
      : await readTokenizer(options.tokenizer, vocab);
  if (tokenizer === null)
    throw new UsageError(`${file}: no tokenizer beside it; give --tokenizer tokenizer.json or tokenizer.bin`);
  if (tokenizer.size > vocab)
    throw new UsageError(
      `the tokenizer has ${tokenizer.size} tokens, ${file} only ${vocab}; use the one that belongs to the model`,
    );
  return { ...loaded, name: model === undefined ? "stories-w2 (demo)" : loaded.name, tokenizer };
};
