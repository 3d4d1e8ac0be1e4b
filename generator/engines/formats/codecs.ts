/** Codes of a row and group of 32 to two-bit fields and back: isa/codes.ts. */
import type { MatrixFormat } from "../../isa/instruction.js";
import { GROUP } from "./beats.js";
import { type DigitCodec, w4Codec, w8Codec } from "./w4.js";
import type { FieldCodec } from "./wide.js";

const QUAD = 4;
const KEPT = 2;

/** Four levels: code c in {-3, -1, 1, 3} as u + 2, c = 2u + 1. */
const level = (c: number): number => {
  const field = (c - 1) / 2 + 2;
  if (!Number.isInteger(field) || field < 0 || field > 3)
    throw new RangeError(`${c} is no W2 code (-3, -1, 1, 3)`);
  return field;
};
const ofLevel = (field: number): number => 2 * (field - 2) + 1;

export const w2Codec: FieldCodec = {
  padding: new Int8Array(GROUP).fill(1),
  encode: (codes) => Array.from(codes, level),
  decode: (fields) => fields.map(ofLevel),
};

/** Ternary: u + 2; field 0 does not occur. */
export const ternaryCodec: FieldCodec = {
  padding: new Int8Array(GROUP),
  encode: (codes) =>
    Array.from(codes, (c) => {
      if (c < -1 || c > 1) throw new RangeError(`${c} is no ternary code (-1, 0, 1)`);
      return c + 2;
    }),
  decode: (fields) => fields.map((f) => f - 2),
};

/** 2:4: of four columns two are kept, as value, value, index, index; indices ascend. */
export const n24Codec: FieldCodec = {
  padding: Int8Array.from({ length: GROUP }, (_, i) => (i % QUAD < KEPT ? 1 : 0)),
  encode: (codes) => {
    const fields: number[] = [];
    for (let at = 0; at < GROUP; at += QUAD) {
      const kept = [0, 1, 2, 3].filter((i) => codes[at + i] !== 0);
      if (kept.length !== KEPT)
        throw new RangeError(
          `columns ${at} to ${at + 3} of a group keep ${kept.length} weights; 2:4 keeps 2 of 4`,
        );
      fields.push(...kept.map((i) => level(codes[at + i]!)), ...kept);
    }
    return fields;
  },
  decode: (fields) => {
    const codes = new Array<number>(GROUP).fill(0);
    for (let at = 0; at < GROUP; at += QUAD)
      for (let k = 0; k < KEPT; k++) codes[at + fields[at + KEPT + k]!] = ofLevel(fields[at + k]!);
    return codes;
  },
};

/** Codecs of the formats whose beats hold digits of four bits. */
export const DIGIT_CODECS = { w4: w4Codec, w8: w8Codec } as const satisfies Partial<
  Record<MatrixFormat, DigitCodec>
>;
export type DigitFormat = keyof typeof DIGIT_CODECS;
export const isDigits = (format: MatrixFormat): format is DigitFormat => format in DIGIT_CODECS;

/** Codec of the wide formats. */
export const CODECS: Readonly<Record<Exclude<MatrixFormat, DigitFormat>, FieldCodec>> = {
  w2: w2Codec,
  ternary: ternaryCodec,
  n24: n24Codec,
};
