/**
 * Q2_K: 256 weights in 16 runs of 16. scales[16] (low 4 bits scale, high 4 bits minimum), qs[64], halves d, dmin;
 * w = d·scale·q - dmin·minimum. Weight e has bits 2·(e%128/32) of qs[32·(e/128) + e%32].
 */
import type { BlockCodec } from "./codec.js";
import { greatest, nearest, smallest } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

export const Q2_K: BlockCodec = {
  type: "Q2_K",
  id: 10,
  elements: 256,
  bytes: 84,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at + 80);
    const dmin = readHalf(bytes, at + 82);
    for (let e = 0; e < 256; e++) {
      const scale = bytes[at + (e >> 4)]!;
      const q = (bytes[at + 16 + 32 * (e >> 7) + (e & 31)]! >> (2 * ((e >> 5) & 3))) & 3;
      out[to + e] = d * (scale & 15) * q - dmin * (scale >> 4);
    }
  },
  encode: (values, from, out, at) => {
    const low = Array.from({ length: 16 }, (_, g) => -Math.min(0, smallest(values, from + 16 * g, 16)));
    const step = low.map((m, g) => Math.max(0, greatest(values, from + 16 * g, 16) + m) / 3);
    writeHalf(Math.max(...step) / 15, out, at + 80);
    writeHalf(Math.max(...low) / 15, out, at + 82);
    const d = readHalf(out, at + 80);
    const dmin = readHalf(out, at + 82);
    for (let g = 0; g < 16; g++) {
      const scale = nearest(step[g]!, d, 0, 15);
      const minimum = nearest(low[g]!, dmin, 0, 15);
      out[at + g] = scale | (minimum << 4);
      for (let e = 16 * g; e < 16 * g + 16; e++) {
        const q = nearest(values[from + e]! + dmin * minimum, d * scale, 0, 3);
        out[at + 16 + 32 * (e >> 7) + (e & 31)]! |= q << (2 * ((e >> 5) & 3));
      }
    }
  },
};
