/** The tokenizer that lies beside a checkpoint which has none inside: tokenizer.bin, tok*.bin of llama2.c, or tokenizer.json. */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "./error.js";
import { openHuggingFaceTokenizer, readHuggingFaceTokenizer } from "./huggingfaceTokenizer.js";
import { readTokenizerBin, readTokenizerJson, type TextTokenizer } from "./tokenizer.js";

/** Reads a file that the user named, or the folder's. */
export async function readTokenizer(path: string, vocab: number): Promise<TextTokenizer> {
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

/** tokenizer.bin, or a lone tok<number>.bin, or tokenizer.json of either kind; null where there is none. */
export async function openTokenizer(folder: string, vocab: number): Promise<TextTokenizer | null> {
  const names = await readdir(folder);
  const named = names.filter((name) => /^tok\d+\.bin$/.test(name));
  const fitting = named.includes(`tok${vocab}.bin`) ? `tok${vocab}.bin` : null;
  const binary = names.includes("tokenizer.bin") ? "tokenizer.bin" : fitting;
  if (binary !== null) return readTokenizer(join(folder, binary), vocab);
  return names.includes("tokenizer.json") ? readTokenizer(join(folder, "tokenizer.json"), vocab) : null;
}
