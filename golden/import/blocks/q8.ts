/** Q8_0: half d, 32 signed bytes; w = d·q. */
import type { BlockCodec } from "./codec.js";
import { extreme, f32, inverse } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

const signed = (byte: number): number => (byte << 24) >> 24;

export const Q8_0: BlockCodec = {
  type: "Q8_0",
  id: 8,
  elements: 32,
  bytes: 34,
  decode: (bytes, at, out, to) => {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 32; i++) out[to + i] = d * signed(bytes[at + 2 + i]!);
  },
  encode: (values, from, out, at) => {
    const d = f32(Math.abs(extreme(values, from, 32)) / 127);
    const id = inverse(d);
    writeHalf(d, out, at);
    for (let i = 0; i < 32; i++) {
      const v = f32(values[from + i]! * id);
      out[at + 2 + i] = Math.sign(v) * Math.floor(Math.abs(v) + 0.5); // halves away from zero
    }
  },
  symmetric: {
    low: -128,
    high: 127,
    codes: (bytes, at, out, to) => {
      for (let i = 0; i < 32; i++) out[to + i] = bytes[at + 2 + i]!;
      return readHalf(bytes, at);
    },
  },
};
