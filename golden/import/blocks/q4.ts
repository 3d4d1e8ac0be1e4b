/** Q4_0: half d, 16 bytes of codes; w = d·(q - 8). Q4_1: halves d, m; w = d·q + m. Byte j holds weights j (low) and j + 16 (high). */
import type { BlockCodec } from "./codec.js";
import { clamp, extreme, f32, greatest, inverse, smallest } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

/** 4-bit code of weight i, with the codes at `at`. */
function nibble(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + (i & 15)]! >> (i < 16 ? 0 : 4)) & 15;
}

export const Q4_0: BlockCodec = {
  type: "Q4_0",
  id: 2,
  elements: 32,
  bytes: 18,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 32; i++) out[to + i] = d * (nibble(bytes, at + 2, i) - 8);
  },
  encode: (values, from, out, at) => {
    const d = f32(extreme(values, from, 32) / -8);
    const id = inverse(d);
    writeHalf(d, out, at);
    for (let i = 0; i < 32; i++) {
      const q = clamp(Math.trunc(f32(f32(values[from + i]! * id) + 8.5)), 0, 15);
      out[at + 2 + (i & 15)]! |= i < 16 ? q : q << 4;
    }
  },
  symmetric: {
    low: -8,
    high: 7,
    codes: (bytes, at, out, to) => {
      for (let i = 0; i < 32; i++) out[to + i] = nibble(bytes, at + 2, i) - 8;
      return readHalf(bytes, at);
    },
  },
};

export const Q4_1: BlockCodec = {
  type: "Q4_1",
  id: 3,
  elements: 32,
  bytes: 20,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at);
    const m = readHalf(bytes, at + 2);
    for (let i = 0; i < 32; i++) out[to + i] = d * nibble(bytes, at + 4, i) + m;
  },
  encode: (values, from, out, at) => {
    const m = smallest(values, from, 32);
    const d = f32(f32(greatest(values, from, 32) - m) / 15);
    const id = inverse(d);
    writeHalf(d, out, at);
    writeHalf(m, out, at + 2);
    for (let i = 0; i < 32; i++) {
      const q = clamp(Math.trunc(f32(f32(f32(values[from + i]! - m) * id) + 0.5)), 0, 15);
      out[at + 4 + (i & 15)]! |= i < 16 ? q : q << 4;
    }
  },
};
