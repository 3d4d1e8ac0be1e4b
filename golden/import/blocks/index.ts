/** All block formats that are read, and the names of those that are not (enum ggml_type, ggml-org/ggml include/ggml.h). */
import type { BlockCodec } from "./codec.js";
import { BF16, F16, F32 } from "./plain.js";
import { Q2_K } from "./q2k.js";
import { Q3_K } from "./q3k.js";
import { Q4_0, Q4_1 } from "./q4.js";
import { Q4_K, Q5_K } from "./q45k.js";
import { Q5_0, Q5_1 } from "./q5.js";
import { Q6_K } from "./q6k.js";
import { Q8_0 } from "./q8.js";
import { TQ1_0, TQ2_0 } from "./ternary.js";

export type { BlockCodec, SymmetricCodes } from "./codec.js";

export const BLOCKS: readonly BlockCodec[] = [
  ...[F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0],
  ...[Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, TQ1_0, TQ2_0],
];

const byId = new Map(BLOCKS.map((codec) => [codec.id, codec]));
const byType = new Map(BLOCKS.map((codec) => [codec.type, codec]));

export function blockById(id: number): BlockCodec | undefined {
  return byId.get(id);
}

export function blockByType(type: string): BlockCodec | undefined {
  return byType.get(type);
}

/** Types with a name but no decoder here: [weights, bytes] of a block. */
export const UNREAD: ReadonlyMap<number, readonly [name: string, elements: number, bytes: number]> = new Map([
  [9, ["Q8_1", 32, 40]],
  [15, ["Q8_K", 256, 292]],
  [16, ["IQ2_XXS", 256, 66]],
  [17, ["IQ2_XS", 256, 74]],
  [18, ["IQ3_XXS", 256, 98]],
  [19, ["IQ1_S", 256, 50]],
  [20, ["IQ4_NL", 32, 18]],
  [21, ["IQ3_S", 256, 110]],
  [22, ["IQ2_S", 256, 82]],
  [23, ["IQ4_XS", 256, 136]],
  [24, ["I8", 1, 1]],
  [25, ["I16", 1, 2]],
  [26, ["I32", 1, 4]],
  [27, ["I64", 1, 8]],
  [28, ["F64", 1, 8]],
  [29, ["IQ1_M", 256, 56]],
  [39, ["MXFP4", 32, 17]],
  [40, ["NVFP4", 64, 36]],
  [41, ["Q1_0", 128, 18]],
]);

/** Whole rows of weights to blocks. */
export function encodeRows(codec: BlockCodec, values: Float32Array): Uint8Array {
  const blocks = values.length / codec.elements;
  if (!Number.isInteger(blocks))
    throw new RangeError(`${values.length} weights are not whole blocks of ${codec.elements}`);
  const out = new Uint8Array(blocks * codec.bytes);
  for (let b = 0; b < blocks; b++) codec.encode(values, b * codec.elements, out, b * codec.bytes);
  return out;
}

/** Whole blocks to weights. */
export function decodeRows(codec: BlockCodec, bytes: Uint8Array): Float32Array {
  const blocks = bytes.length / codec.bytes;
  if (!Number.isInteger(blocks))
    throw new RangeError(`${bytes.length} bytes are not whole blocks of ${codec.bytes}`);
  const out = new Float32Array(blocks * codec.elements);
  for (let b = 0; b < blocks; b++) codec.decode(bytes, b * codec.bytes, out, b * codec.elements);
  return out;
}
