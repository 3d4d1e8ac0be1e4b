/** The files that keep a model's tokenizer beside another file of the same model: what openTokenizer (tokenizerFile.ts) reads back alike. */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { openFile } from "../access.js";
import { GgufSource } from "../gguf.js";
import type { GgufValue } from "../ggufCursor.js";
import { textIn } from "../huggingface.js";
import { type GgufEntry, writeGguf } from "./gguf.js";

/** What a Hugging Face tokenizer lies in. */
const FOLDER = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] as const;

/** Files by name; none where the model has no tokenizer. `model` and `tokenizer` are paths as the user gave them. */
export async function tokenizerFiles(
  model: string,
  vocab: number,
  tokenizer?: string,
): Promise<Map<string, Uint8Array>> {
  if (tokenizer !== undefined) return filesOf(tokenizer);
  const folder = (await stat(model)).isDirectory() ? model : dirname(model);
  if (folder !== model && model.endsWith(".gguf")) return filesOf(model);
  const beside = ["tokenizer.bin", `tok${vocab}.bin`, "tokenizer.json", "tokenizer.gguf"];
  // a folder of Hugging Face has the tokenizer that it is opened with; llama2.c's lie beside checkpoints
  for (const name of folder === model ? ["tokenizer.json", ...beside] : beside)
    if ((await stat(join(folder, name)).catch(() => null)) !== null) return filesOf(join(folder, name));
  return new Map();
}

async function filesOf(tokenizer: string): Promise<Map<string, Uint8Array>> {
  if (tokenizer.endsWith(".gguf")) return new Map([["tokenizer.gguf", await vocabulary(tokenizer)]]);
  if (tokenizer.endsWith(".bin")) return new Map([["tokenizer.bin", await readFile(tokenizer)]]);
  const files = new Map<string, Uint8Array>([["tokenizer.json", await readFile(tokenizer)]]);
  if (basename(tokenizer) !== "tokenizer.json") return files;
  const folder = dirname(tokenizer);
  for (const name of FOLDER.slice(1)) {
    const text = await textIn(folder, name);
    if (text !== null) files.set(name, new TextEncoder().encode(text));
  }
  const stops = await stopsIn(folder);
  if (stops.length > 0)
    files.set(
      "generation_config.json",
      new TextEncoder().encode(`${JSON.stringify({ eos_token_id: stops }, null, 2)}\n`),
    );
  return files;
}

/** Stops stand in two files of a folder, one of which describes the float model and is not kept. They were checked when it was opened. */
async function stopsIn(folder: string): Promise<number[]> {
  const stops: number[] = [];
  for (const name of ["generation_config.json", "config.json"]) {
    const text = await textIn(folder, name);
    if (text === null) continue;
    const { eos_token_id: found }: { eos_token_id?: number | readonly number[] | null } = JSON.parse(text);
    stops.push(...[found ?? []].flat());
  }
  return [...new Set(stops)];
}

/** The tokenizer's part of the metadata of a GGUF file, as a GGUF file without tensors. */
async function vocabulary(path: string): Promise<Uint8Array> {
  const source = await GgufSource.from(await openFile(path));
  try {
    const entries = new Map<string, GgufEntry>();
    for (const [key, value] of source.metadata)
      if (key.startsWith("tokenizer.")) {
        const entry = entryOf(value);
        if (entry !== null) entries.set(key, entry);
      }
    return writeGguf(entries, new Map());
  } finally {
    await source.close();
  }
}

/** Null for kinds of values that no tokenizer's key has. */
function entryOf(value: GgufValue): GgufEntry | null {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value };
  if (typeof value === "bigint") return { type: value < 0n ? "i64" : "u64", value };
  if (typeof value === "number")
    return Number.isInteger(value) && value >= 0 && value < 2 ** 32
      ? { type: "u32", value }
      : { type: "f64", value };
  if (value instanceof Float64Array) {
    const whole = value.every((v) => Number.isInteger(v) && Math.abs(v) < 2 ** 31);
    return { type: whole ? "i32s" : "f32s", value: [...value] };
  }
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return null;
  return isTexts(value) ? { type: "strings", value } : null;
}

function isTexts(value: readonly string[] | readonly boolean[]): value is readonly string[] {
  return value.every((one) => typeof one === "string");
}
