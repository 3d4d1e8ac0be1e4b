/** Which container a path is, from its first bytes; what else it may be, in words. */
import { stat } from "node:fs/promises";
import { openFile } from "./access.js";
import { InputError } from "./error.js";
import { hasLlama2cMagic, LLAMA2C_HEADER, parseLlama2c } from "./llama2c.js";

export type ContainerKind = "folder" | "gguf" | "llama2c" | "safetensors";

const KINDS = "a Hugging Face folder, a GGUF file, a safetensors file or a llama2.c checkpoint";

export async function recognise(path: string): Promise<ContainerKind> {
  const about = await stat(path).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new InputError(
      code === "ENOENT" ? "there is no such file or folder" : `it cannot be opened (${code})`,
      { file: path },
      "Check the path and who may read it",
    );
  });
  if (about.isDirectory()) return "folder";
  const access = await openFile(path);
  try {
    const first = await access.read(0, Math.min(LLAMA2C_HEADER, access.size));
    if (startsWith(first, "GGUF")) return "gguf";
    if (hasLlama2cMagic(first)) return "llama2c";
    if (first.length >= 9 && first[8] === 0x7b && !path.endsWith(".bin")) return "safetensors";
    const other = lookOf(first, path);
    if (other === null && path.endsWith(".bin")) return "llama2c"; // version 0 has no mark: its reader judges
    if (other === null && path.endsWith(".safetensors")) return "safetensors";
    if (other === null && isVersion0(first, access.size, path)) return "llama2c";
    throw new InputError(
      `this is not a model that is read${other === null ? "" : `: it looks like ${other.what}`}`,
      { file: path, offset: 0 },
      other?.remedy ?? `Give ${KINDS}`,
    );
  } finally {
    await access.close();
  }
}

function isVersion0(first: Uint8Array, size: number, path: string): boolean {
  try {
    return parseLlama2c(first, size, path).version === 0;
  } catch {
    return false;
  }
}

const SAVE = "Save the model with transformers: model.save_pretrained(folder, safe_serialization=True)";
const LOOKS: readonly (readonly [start: string, what: string, remedy: string])[] = [
  ["PK\u0003\u0004", "a PyTorch pickle (or another zip archive)", SAVE],
  ["\u0080\u0002", "a pickle", SAVE],
  ["ggml", "a GGML file from before GGUF", "Convert the model again with a current convert_hf_to_gguf.py"],
  ["tjgg", "a GGML file from before GGUF", "Convert the model again with a current convert_hf_to_gguf.py"],
  ["\u0089HDF", "an HDF5 file", SAVE],
  ["version https://git-lfs", "a pointer of Git LFS, not the file itself", "Fetch it with git lfs pull"],
  ["<!DOCTYPE", "a web page", "Download the file itself"],
  ["<html", "a web page", "Download the file itself"],
  ["\u001f\u008b", "a gzip archive", "Unpack it"],
];

function lookOf(first: Uint8Array, path: string): { what: string; remedy: string } | null {
  if (first.length === 0) return { what: "an empty file", remedy: "Copy it again" };
  const look = LOOKS.find(([start]) => startsWith(first, start));
  if (look !== undefined) return { what: look[1], remedy: look[2] };
  if (path.endsWith(".json")) return { what: "JSON", remedy: "Give the folder that it lies in" };
  return null;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return bytes.length >= text.length && [...text].every((c, i) => bytes[i] === c.charCodeAt(0));
}
