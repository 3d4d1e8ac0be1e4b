/**
 * Q3_K: 256 weights in 16 runs of 16. hmask[32], qs[64], scales[12], half d; w = d·(scale - 32)·(q - 4).
 * The lower two bits of q lie as in Q2_K, the third of weight e is bit e/32 of hmask[e%32].
 * Scale g has 6 bits: four in a nibble of scales[g%8] (high for g >= 8), two in scales[8 + g%4] at 2·(g/4).
 */
import type { BlockCodec } from "./codec.js";
import { extreme, nearest } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

const scaleOf = (bytes: Uint8Array, at: number, g: number): number =>
  ((bytes[at + (g & 7)]! >> (4 * (g >> 3))) & 15) | (((bytes[at + 8 + (g & 3)]! >> (2 * (g >> 2))) & 3) << 4);

function putScale(scale: number, out: Uint8Array, at: number, g: number): void {
  out[at + (g & 7)]! |= (scale & 15) << (4 * (g >> 3));
  out[at + 8 + (g & 3)]! |= (scale >> 4) << (2 * (g >> 2));
}

export const Q3_K: BlockCodec = {
  type: "Q3_K",
  id: 11,
  elements: 256,
  bytes: 110,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at + 108);
    for (let e = 0; e < 256; e++) {
      const low = (bytes[at + 32 + 32 * (e >> 7) + (e & 31)]! >> (2 * ((e >> 5) & 3))) & 3;
      const high = (bytes[at + (e & 31)]! >> (e >> 5)) & 1;
      out[to + e] = d * (scaleOf(bytes, at + 96, e >> 4) - 32) * (low + 4 * high - 4);
    }
  },
  encode: (values, from, out, at) => {
    const step = Array.from({ length: 16 }, (_, g) => extreme(values, from + 16 * g, 16) / -4);
    writeHalf(extreme(Float32Array.from(step), 0, 16) / -32, out, at + 108);
    const d = readHalf(out, at + 108);
    for (let g = 0; g < 16; g++) {
      const scale = nearest(step[g]!, d, -32, 31);
      putScale(scale + 32, out, at + 96, g);
      for (let e = 16 * g; e < 16 * g + 16; e++) {
        const q = nearest(values[from + e]!, d * scale, -4, 3) + 4;
        out[at + 32 + 32 * (e >> 7) + (e & 31)]! |= (q & 3) << (2 * ((e >> 5) & 3));
        out[at + (e & 31)]! |= (q >> 2) << (e >> 5);
      }
    }
  },
};
