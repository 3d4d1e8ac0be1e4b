/** The int8 tensors of llama2.c's version 2: groups run over the flattened tensor. */
import { toFloats } from "./numbers.js";

export function groupsOf(bytes: Uint8Array): Float32Array {
  return toFloats("F32", bytes);
}

/**
 * Weights from their bytes. `start` is the flat index of the first; `scales[0]` belongs to the group that holds it.
 */
export function fromGroups(
  bytes: Uint8Array,
  scales: Float32Array,
  start: number,
  group: number,
): Float32Array {
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = Math.floor(start / group);
  const out = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++)
    out[i] = codes[i]! * scales[Math.floor((start + i) / group) - first]!;
  return out;
}
