/**
 * Q6_K: 256 weights in 16 runs of 16. ql[128], qh[64], signed scales[16], half d; w = d·scale·(q - 32).
 * Per half of 128 weights: lower four bits in byte e%64 (high nibble from e%128 = 64 on), upper two in byte e%32 at 2·(e%128/32).
 */
import type { BlockCodec } from "./codec.js";
import { extreme, nearest } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

export const Q6_K: BlockCodec = {
  type: "Q6_K",
  id: 14,
  elements: 256,
  bytes: 210,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at + 208);
    for (let e = 0; e < 256; e++) {
      const low = (bytes[at + 64 * (e >> 7) + (e & 63)]! >> (4 * ((e >> 6) & 1))) & 15;
      const high = (bytes[at + 128 + 32 * (e >> 7) + (e & 31)]! >> (2 * ((e >> 5) & 3))) & 3;
      const scale = (bytes[at + 192 + (e >> 4)]! << 24) >> 24;
      out[to + e] = d * scale * (low + 16 * high - 32);
    }
  },
  encode: (values, from, out, at) => {
    const step = Array.from({ length: 16 }, (_, g) => extreme(values, from + 16 * g, 16) / -32);
    writeHalf(extreme(Float32Array.from(step), 0, 16) / -128, out, at + 208);
    const d = readHalf(out, at + 208);
    for (let g = 0; g < 16; g++) {
      const scale = nearest(step[g]!, d, -128, 127);
      out[at + 192 + g] = scale;
      for (let e = 16 * g; e < 16 * g + 16; e++) {
        const q = nearest(values[from + e]!, d * scale, -32, 31) + 32;
        out[at + 64 * (e >> 7) + (e & 63)]! |= (q & 15) << (4 * ((e >> 6) & 1));
        out[at + 128 + 32 * (e >> 7) + (e & 31)]! |= (q >> 4) << (2 * ((e >> 5) & 3));
      }
    }
  },
};
