import type { Format } from "./instruction.js";

/** What the two-bit fields of a weight beat mean to an engine. See README.md, "Memory". */
export const BEAT_CODES = [
  "w2", // R rows: u + 2, weight 2u + 1 in {-3, -1, 1, 3}
  "w4", // R/2 rows of two fields, low digit in the even row: weight 4·u1 + u0 + 2 in -8..7; also keys and values
  "ternary", // R rows: u + 2, weight u in {-1, 0, 1}
  "n24", // R rows, 2 of every 4 columns kept: fields of columns 4q..4q+3 = value, value (as w2), index, index
] as const;
export type BeatCode = (typeof BEAT_CODES)[number];
export const BEAT_CODE_BITS = 2;
export const beatCode = (code: BeatCode): number => BEAT_CODES.indexOf(code);

/** The code of a format's beats. */
export const codeOf = (format: Format): BeatCode => {
  switch (format) {
    case "w2":
    case "ternary":
    case "n24":
      return format;
    case "w4":
    case "keys":
    case "values":
    case "w8": // two beats of w4 digits
    case "keys8":
    case "values8":
      return "w4";
  }
};
