/** Q5_0 and Q5_1: as Q4_0 (w = d·(q - 16)) and Q4_1, the fifth bit of weight i in bit i of a 32-bit word before the codes. */
import type { BlockCodec } from "./codec.js";
import { clamp, extreme, f32, greatest, inverse, smallest } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

/** 5-bit code of weight i; the word of fifth bits is at `at`, the codes behind it. */
function code(bytes: Uint8Array, at: number, i: number): number {
  const low = (bytes[at + 4 + (i & 15)]! >> (i < 16 ? 0 : 4)) & 15;
  return low | (((bytes[at + (i >> 3)]! >> (i & 7)) & 1) << 4);
}

function put(q: number, out: Uint8Array, at: number, i: number): void {
  out[at + 4 + (i & 15)]! |= i < 16 ? q & 15 : (q & 15) << 4;
  out[at + (i >> 3)]! |= (q >> 4) << (i & 7);
}

export const Q5_0: BlockCodec = {
  type: "Q5_0",
  id: 6,
  elements: 32,
  bytes: 22,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 32; i++) out[to + i] = d * (code(bytes, at + 2, i) - 16);
  },
  encode: (values, from, out, at) => {
    const d = f32(extreme(values, from, 32) / -16);
    const id = inverse(d);
    writeHalf(d, out, at);
    for (let i = 0; i < 32; i++)
      put(clamp(Math.trunc(f32(f32(values[from + i]! * id) + 16.5)), 0, 31), out, at + 2, i);
  },
};

export const Q5_1: BlockCodec = {
  type: "Q5_1",
  id: 7,
  elements: 32,
  bytes: 24,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at);
    const m = readHalf(bytes, at + 2);
    for (let i = 0; i < 32; i++) out[to + i] = d * code(bytes, at + 4, i) + m;
  },
  encode: (values, from, out, at) => {
    const m = smallest(values, from, 32);
    const d = f32(f32(greatest(values, from, 32) - m) / 31);
    const id = inverse(d);
    writeHalf(d, out, at);
    writeHalf(m, out, at + 2);
    for (let i = 0; i < 32; i++) {
      const q = clamp(Math.trunc(f32(f32(f32(values[from + i]! - m) * id) + 0.5)), 0, 31);
      put(q, out, at + 4, i);
    }
  },
};
