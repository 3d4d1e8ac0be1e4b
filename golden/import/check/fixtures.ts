/**
 * Development only: `npx tsx golden/import/check/fixtures.ts FOLDER` writes a safetensors file, and GGUF files with a tensor of every block type, once with
 * weights encoded by our own writer (and the weights themselves as F32), once with random bytes where scales are finite.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BLOCKS } from "../blocks/index.js";
import { randomBlocks, randomWeights } from "../blocks/sample.js";
import { writeSafetensors } from "../safetensors.js";
import { ggufTensor, writeGguf } from "../write/gguf.js";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new RangeError("give a folder");
mkdirSync(folder, { recursive: true });

const metadata = new Map([["general.architecture", { type: "string", value: "none" } as const]]);
const [rows, cols] = [24, 768];
const weights = randomWeights(rows * cols, 1);
const encoded = new Map(BLOCKS.map((codec) => [codec.type, ggufTensor(codec.type, [rows, cols], weights)]));
writeFileSync(join(folder, "encoded.gguf"), writeGguf(metadata, encoded));

const random = new Map(
  BLOCKS.map((codec, i) => [
    codec.type,
    { type: codec.type, shape: [rows, cols], bytes: randomBlocks(codec, (rows * cols) / codec.elements, i) },
  ]),
);
writeFileSync(join(folder, "random.gguf"), writeGguf(metadata, random));

const bytes = new Uint8Array(weights.buffer);
const entry = (dtype: "F32" | "I32" | "I16" | "I8" | "U8", width: number) =>
  [dtype, { dtype, shape: [rows, (4 * cols) / width], bytes }] as const;
writeFileSync(
  join(folder, "ours.safetensors"),
  writeSafetensors(
    new Map([entry("F32", 4), entry("I32", 4), entry("I16", 2), entry("I8", 1), entry("U8", 1)]),
  ),
);
