/**
 * The tokenizer that lies beside a checkpoint which has none inside: tokenizer.bin, tok*.bin of llama2.c, tokenizer.json, or
 * tokenizer.gguf (a GGUF file of metadata alone, as llama.cpp's vocabularies are). And the files that save it beside another model.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "./error.js";
import { openFile } from "./access.js";
import { GgufSource } from "./gguf.js";
import { ggufTokenizer } from "./ggufTokenizer.js";
import { openHuggingFaceTokenizer, readHuggingFaceTokenizer } from "./huggingfaceTokenizer.js";
import { readTokenizerBin, readTokenizerJson, type TextTokenizer } from "./tokenizer.js";

/** Reads a file that the user named, or the folder's. */
export async function readTokenizer(path: string, vocab: number): Promise<TextTokenizer> {
  if (path.endsWith(".gguf")) return readGgufTokenizer(path);
  const bytes = await readFile(path).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new InputError(`the tokenizer cannot be opened (${code})`, { file: path }, "Check the path");
  });
  if (path.endsWith(".bin")) return readTokenizerBin(bytes, vocab, path);
  const text = new TextDecoder().decode(bytes);
  if (text.includes('"pieces"')) return readTokenizerJson(text, path);
  // Beside a file of the usual name lies what it leaves out: stops, chat template.
  const beside =
    basename(path) === "tokenizer.json" ? await openHuggingFaceTokenizer(dirname(path), null) : null;
  return beside ?? readHuggingFaceTokenizer(text, { file: path });
}

async function readGgufTokenizer(path: string): Promise<TextTokenizer> {
  const source = await GgufSource.from(await openFile(path));
  try {
    return ggufTokenizer(source);
  } finally {
    await source.close();
  }
}

/** tokenizer.bin, or a lone tok<number>.bin, or tokenizer.json of either kind, or tokenizer.gguf; null where there is none. */
export async function openTokenizer(folder: string, vocab: number): Promise<TextTokenizer | null> {
  const names = await readdir(folder);
  const named = names.filter((name) => /^tok\d+\.bin$/.test(name));
  const fitting = named.includes(`tok${vocab}.bin`) ? `tok${vocab}.bin` : null;
  const binary = names.includes("tokenizer.bin") ? "tokenizer.bin" : fitting;
  const found = binary ?? ["tokenizer.json", "tokenizer.gguf"].find((name) => names.includes(name));
  return found === undefined ? null : readTokenizer(join(folder, found), vocab);
}
