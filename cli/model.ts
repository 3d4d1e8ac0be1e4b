import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { readDemo } from "../golden/import/demo.js";
import { readLlama2c } from "../golden/import/llama2c.js";
import { readTokenizerBin, readTokenizerJson, type Tokenizer } from "../golden/import/tokenizer.js";
import type { QuantisedModel } from "../golden/model/types.js";
import { quantiseModel } from "../golden/quantise/quantise.js";
import { UsageError } from "./failure.js";
import { packageFile } from "./package.js";

export interface Loaded {
  readonly model: QuantisedModel;
  readonly tokenizer: Tokenizer;
  readonly name: string;
}

export interface ModelOptions {
  readonly model?: string;
  readonly tokenizer?: string;
}

const DEMO = { model: "golden/demo/stories.safetensors", tokenizer: "golden/demo/tokenizer.json" };

/** Reads a file, with the option's name in the message when it cannot be read. */
const bytesOf = async (file: string, option: string): Promise<Uint8Array> => {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(
      `${option} ${file}: ${code === "ENOENT" ? "no such file" : code === "EISDIR" ? "this is a folder, a file was expected" : `cannot be read (${code})`}`,
    );
  }
};

/** `tokenizer.json` in the folder of a model, if there is one. */
const tokenizerBeside = (file: string): string | undefined => {
  const name = path.join(path.dirname(file), "tokenizer.json");
  return existsSync(name) ? name : undefined;
};

/** The demo, a file of its format (.safetensors), or a llama2.c version 0 checkpoint (.bin) whose linear weights have four levels or become W4. */
export const loadModel = async (
  options: ModelOptions,
  slots?: { readonly sinks: number; readonly window: number },
): Promise<Loaded> => {
  const file = options.model ?? packageFile(DEMO.model);
  const bytes = await bytesOf(file, "--model");
  const beside =
    options.model === undefined ? packageFile(DEMO.tokenizer) : (options.tokenizer ?? tokenizerBeside(file));
  if (beside === undefined)
    throw new UsageError(
      `--model ${file} needs its tokenizer: --tokenizer tokenizer.json or tokenizer.bin, or tokenizer.json beside the model`,
    );
  const name = options.model === undefined ? "stories-w2 (demo)" : path.basename(file);
  const model = file.endsWith(".bin")
    ? quantiseModel(readLlama2c(bytes, file), slots ? { slots } : {}).model
    : readDemo(bytes, file, slots).model;
  const text = await bytesOf(beside, "--tokenizer");
  const tokenizer = beside.endsWith(".bin")
    ? readTokenizerBin(text, model.shape.vocab, beside)
    : readTokenizerJson(new TextDecoder().decode(text), beside);
  if (tokenizer.pieces.length !== model.shape.vocab)
    throw new UsageError(
      `${beside}: ${tokenizer.pieces.length} pieces, but the model's vocabulary has ${model.shape.vocab}; use the tokenizer that belongs to the model`,
    );
  return { model, tokenizer, name };
};

/** BOS and the prompt. Characters that the vocabulary lacks would become bytes the model never saw: refused. */
export const encodePrompt = (tokenizer: Tokenizer, prompt: string): number[] => {
  const known = new Set(tokenizer.pieces);
  const unknown = [
    ...new Set([...prompt].filter((c) => !known.has(c) && !(c === "\n" && known.has("<0x0A>")))),
  ];
  if (unknown.length > 0)
    throw new UsageError(
      `--prompt: the model's vocabulary has no ${unknown.map((c) => JSON.stringify(c)).join(", ")}; use plain English letters and punctuation`,
    );
  return tokenizer.encode(prompt);
};
