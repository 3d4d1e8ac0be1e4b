/**
 * Development only: `npx tsx golden/import/check/dump.ts FILE OUT` writes every tensor of a GGUF or safetensors file that is readable as
 * float32, one after another, and a JSON list beside it; gguf_equal.py and safetensors_equal.py compare them with the Python readers'.
 */
import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { openFile } from "../access.js";
import { GgufSource } from "../gguf.js";
import { SafetensorsSource } from "../safetensorsSource.js";

const [path, out] = process.argv.slice(2);
if (path === undefined || out === undefined) throw new RangeError("give a file and an output file");
const access = await openFile(path);
const source = await (path.endsWith(".gguf") ? GgufSource : SafetensorsSource).from(access);
const file = await open(out, "w");
const list: { name: string; type: string; shape: readonly number[]; unsupported: string | undefined }[] = [];
for (const { name, type, shape, unsupported } of source.tensors.values()) {
  list.push({ name, type, shape, unsupported });
  if (unsupported === undefined) {
    const values = await source.read(name);
    await file.write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
}
await file.close();
await source.close();
writeFileSync(`${out}.json`, JSON.stringify(list));
