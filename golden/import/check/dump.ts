/**
 * Development only: `npx tsx golden/import/check/dump.ts FILE.gguf OUT` writes every readable tensor of a GGUF file as float32, one
 * after another, and a JSON list beside it. check.py compares them with the Python reader's.
 */
import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { openGguf } from "../gguf.js";

const [path, out] = process.argv.slice(2);
if (path === undefined || out === undefined) throw new RangeError("give a GGUF file and an output file");
const source = await openGguf(path);
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
