/**
 * TQ1_0: 48 bytes of five trits, 4 of four, half d; TQ2_0: 64 bytes of four 2-bit codes, half d. Both w = d·(q - 1).
 * A byte of TQ1_0 is a fraction of 256 whose base-3 digits are the trits: ⌈256·v/243⌉, v = Σ t_n·3^(4-n).
 */
import type { BlockCodec, SymmetricCodes } from "./codec.js";
import { extreme, f32, inverse } from "./fit.js";
import { readHalf, writeHalf } from "./half.js";

const POWERS = [1, 3, 9, 27, 81];

/** Byte and digit of weight e of a TQ1_0 block. */
function trit(e: number): [byte: number, digit: number] {
  if (e < 160) return [e % 32, Math.floor(e / 32)];
  if (e < 240) return [32 + ((e - 160) % 16), Math.floor((e - 160) / 16)];
  return [48 + ((e - 240) % 4), Math.floor((e - 240) / 4)];
}

const BYTE = Uint8Array.from({ length: 256 }, (_, e) => trit(e)[0]);
const POWER = Uint8Array.from({ length: 256 }, (_, e) => POWERS[trit(e)[1]]!);

/** w/d rounded, halves away from zero: -1, 0 or 1. */
function round(value: number, id: number): number {
  const v = f32(value * id);
  return Math.sign(v) * Math.floor(Math.abs(v) + 0.5);
}

const tq1: SymmetricCodes = {
  low: -1,
  high: 1,
  codes: (bytes, at, out, to) => {
    for (let e = 0; e < 256; e++) {
      const shifted = (bytes[at + BYTE[e]!]! * POWER[e]!) & 255;
      out[to + e] = ((shifted * 3) >> 8) - 1;
    }
    return readHalf(bytes, at + 52);
  },
};

/** Code 3, which ternary writers do not use, is 2 as in ggml. */
const tq2: SymmetricCodes = {
  low: -1,
  high: 2,
  codes: (bytes, at, out, to) => {
    for (let e = 0; e < 256; e++) {
      const byte = bytes[at + 32 * (e >> 7) + (e & 31)]!;
      out[to + e] = ((byte >> (2 * ((e >> 5) & 3))) & 3) - 1;
    }
    return readHalf(bytes, at + 64);
  },
};

const scratch = new Int8Array(256);

function decodeWith(symmetric: SymmetricCodes): BlockCodec["decode"] {
  return (bytes, at, out, to) => {
    const d = symmetric.codes(bytes, at, scratch, 0);
    for (let e = 0; e < 256; e++) out[to + e] = d * scratch[e]!;
  };
}

export const TQ1_0: BlockCodec = {
  type: "TQ1_0",
  id: 34,
  elements: 256,
  bytes: 54,
  decode: decodeWith(tq1),
  symmetric: tq1,
  encode: (values, from, out, at) => {
    const d = Math.abs(extreme(values, from, 256));
    const id = inverse(d);
    const sums = new Uint8Array(52);
    // the digit of weight 3^n is worth 3^(4-n)
    for (let e = 0; e < 256; e++) sums[BYTE[e]!]! += (round(values[from + e]!, id) + 1) * (81 / POWER[e]!);
    for (let b = 0; b < 52; b++) out[at + b] = Math.ceil((sums[b]! * 256) / 243);
    writeHalf(d, out, at + 52);
  },
};

export const TQ2_0: BlockCodec = {
  type: "TQ2_0",
  id: 35,
  elements: 256,
  bytes: 66,
  decode: decodeWith(tq2),
  symmetric: tq2,
  encode: (values, from, out, at) => {
    const d = Math.abs(extreme(values, from, 256));
    const id = inverse(d);
    for (let e = 0; e < 256; e++) {
      const q = round(values[from + e]!, id) + 1;
      out[at + 32 * (e >> 7) + (e & 31)]! |= q << (2 * ((e >> 5) & 3));
    }
    writeHalf(d, out, at + 64);
  },
};
