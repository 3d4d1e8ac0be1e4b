/**
 * Q4_K and Q5_K: 256 weights in 8 runs of 32. Halves d, dmin; 12 bytes of 6-bit scales and minima; Q5_K: 32 bytes of fifth bits;
 * 128 bytes of 4-bit codes. w = d·scale·q - dmin·minimum. Weight e: byte 32·(e/64) + e%32, high nibble where e/32 is odd;
 * its fifth bit is bit e/32 of byte e%32.
 */
import type { BlockCodec } from "./codec.js";
import { greatest, nearest, smallest } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

/** Scales and minima of the 8 runs; of the last four the upper two bits lie above those of the first four. */
function scalesOf(bytes: Uint8Array, at: number, scales: Uint8Array, minima: Uint8Array): void {
  for (let g = 0; g < 4; g++) {
    const [a, b, c] = [bytes[at + g]!, bytes[at + 4 + g]!, bytes[at + 8 + g]!];
    scales[g] = a & 63;
    minima[g] = b & 63;
    scales[g + 4] = (c & 15) | ((a >> 6) << 4);
    minima[g + 4] = (c >> 4) | ((b >> 6) << 4);
  }
}

function putScales(scales: Uint8Array, minima: Uint8Array, out: Uint8Array, at: number): void {
  for (let g = 0; g < 4; g++) {
    out[at + g] = scales[g]! | ((scales[g + 4]! >> 4) << 6);
    out[at + 4 + g] = minima[g]! | ((minima[g + 4]! >> 4) << 6);
    out[at + 8 + g] = (scales[g + 4]! & 15) | ((minima[g + 4]! & 15) << 4);
  }
}

/** `fifth` bytes of fifth bits lie between scales and codes: 0 or 32. */
function codec(type: string, id: number, fifth: 0 | 32): BlockCodec {
  const largest = fifth === 0 ? 15 : 31;
  const codes = 16 + fifth;
  const scales = new Uint8Array(8);
  const minima = new Uint8Array(8);
  return {
    type,
    id,
    elements: 256,
    bytes: codes + 128,
    decode: (bytes, at, out, to) => {
      const d = readHalf(bytes, at);
      const dmin = readHalf(bytes, at + 2);
      scalesOf(bytes, at + 4, scales, minima);
      for (let e = 0; e < 256; e++) {
        const run = e >> 5;
        let q = (bytes[at + codes + 32 * (e >> 6) + (e & 31)]! >> (4 * (run & 1))) & 15;
        if (fifth > 0) q |= ((bytes[at + 16 + (e & 31)]! >> run) & 1) << 4;
        out[to + e] = d * scales[run]! * q - dmin * minima[run]!;
      }
    },
    encode: (values, from, out, at) => {
      const low = Array.from({ length: 8 }, (_, g) => -Math.min(0, smallest(values, from + 32 * g, 32)));
      const step = low.map((m, g) => Math.max(0, greatest(values, from + 32 * g, 32) + m) / largest);
      writeHalf(Math.max(...step) / 63, out, at);
      writeHalf(Math.max(...low) / 63, out, at + 2);
      const d = readHalf(out, at);
      const dmin = readHalf(out, at + 2);
      for (let g = 0; g < 8; g++) {
        scales[g] = nearest(step[g]!, d, 0, 63);
        minima[g] = nearest(low[g]!, dmin, 0, 63);
      }
      putScales(scales, minima, out, at + 4);
      for (let e = 0; e < 256; e++) {
        const run = e >> 5;
        const q = nearest(values[from + e]! + dmin * minima[run]!, d * scales[run]!, 0, largest);
        out[at + codes + 32 * (e >> 6) + (e & 31)]! |= (q & 15) << (4 * (run & 1));
        if (fifth > 0) out[at + 16 + (e & 31)]! |= (q >> 4) << run;
      }
    },
  };
}

export const Q4_K = codec("Q4_K", 12, 0);
export const Q5_K = codec("Q5_K", 13, 32);
