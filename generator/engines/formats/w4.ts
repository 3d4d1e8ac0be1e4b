/**
 * w4 and w8: a beat holds R/2 rows × 32 digits of four bits; w8 has two beats a group, high digits before low ones. One step per
 * group, mantissa and exponent of each row in turn.
 */
import {
  beatBytes,
  GROUP,
  getNibble,
  type MatrixRow,
  PADDING_EXPONENT,
  STEPS_PER_BEAT,
  setNibble,
  type UnpackedMatrix,
} from "./beats.js";
import { StepReader, StepWriter, streamBeats } from "./steps.js";

/** Between a code and its digits, one for each beat of the group, as nibbles. */
export interface DigitCodec {
  readonly beats: 1 | 2;
  /** Throws a RangeError when the format has no digits for the code. */
  nibbles(code: number): readonly number[];
  code(nibbles: readonly number[]): number;
}

const checked = (format: string, c: number, least: number, most: number): number => {
  if (!(Number.isInteger(c) && c >= least && c <= most)) throw new RangeError(`${c} is no ${format} code`);
  return c;
};

export const w4Codec: DigitCodec = {
  beats: 1,
  nibbles: (c) => [checked("W4", c, -8, 7) + 8],
  code: ([nibble]) => nibble! - 8,
};

/** c = 16h + l, both digits in -8..7 and stored as digit + 8. */
export const w8Codec: DigitCodec = {
  beats: 2,
  nibbles: (c) => {
    const high = Math.floor((checked("W8", c, -128, 119) + 8) / 16);
    return [high + 8, c - 16 * high + 8];
  },
  code: ([high, low]) => 16 * (high! - 8) + low! - 8,
};

/** Row blocks of R/2 rows. */
export const w4RowBlocks = (matrixRows: number, rows: number): number => Math.ceil(matrixRows / (rows / 2));

/** Beats of a matrix with scales. */
export const w4Beats = (rowBlocks: number, groups: number, codec = w4Codec): number =>
  streamBeats(rowBlocks * groups * codec.beats, rowBlocks * groups);

/** Row blocks that are together a whole number of scale and weight beats: what EMB fetches for one token. */
export const w4UnitRowBlocks = (groups: number): number => {
  let unit = 1;
  while ((unit * groups) % STEPS_PER_BEAT !== 0) unit *= 2;
  return unit;
};

/** Missing rows are padding; `rowBlocks` may ask for more of them. */
export const packW4 = (
  matrix: readonly MatrixRow[],
  groups: number,
  rows: number,
  rowBlocks = w4RowBlocks(matrix.length, rows),
  codec = w4Codec,
): Uint8Array => {
  const half = rows / 2;
  const out = new StepWriter(rows, w4Beats(rowBlocks, groups, codec));
  for (let block = 0; block < rowBlocks; block++) {
    for (let g = 0; g < groups; g++) {
      const step = new Uint8Array(rows);
      for (let j = 0; j < half; j++) {
        const row = matrix[block * half + j];
        step[2 * j] = row?.mantissas[g] ?? 0;
        step[2 * j + 1] = row?.exponent ?? PADDING_EXPONENT;
      }
      out.need(1);
      out.put(step);
      const at = Array.from({ length: codec.beats }, () => out.weightBeat());
      for (let j = 0; j < half; j++) {
        const row = matrix[block * half + j];
        for (let c = 0; c < GROUP; c++) {
          const nibbles = codec.nibbles(row?.codes[g * GROUP + c] ?? 0);
          for (const [d, beat] of at.entries()) setNibble(out.data, beat, GROUP * j + c, nibbles[d]!);
        }
      }
    }
  }
  return out.finish();
};

export const unpackW4 = (
  bytes: Uint8Array,
  rowBlocks: number,
  groups: number,
  rows: number,
  codec = w4Codec,
): UnpackedMatrix => {
  const half = rows / 2;
  const reader = new StepReader(bytes, rows);
  const count = rowBlocks * half;
  const codes = new Int8Array(count * groups * GROUP);
  const mantissas = new Uint8Array(count * groups);
  const exponents = new Uint8Array(count);
  for (let block = 0; block < rowBlocks; block++) {
    for (let g = 0; g < groups; g++) {
      reader.need(1);
      const step = reader.step();
      const at = Array.from({ length: codec.beats }, () => reader.weightBeat());
      for (let j = 0; j < half; j++) {
        const row = block * half + j;
        mantissas[row * groups + g] = bytes[step + 2 * j]!;
        exponents[row] = bytes[step + 2 * j + 1]!;
        for (let c = 0; c < GROUP; c++)
          codes[(row * groups + g) * GROUP + c] = codec.code(
            at.map((beat) => getNibble(bytes, beat, GROUP * j + c)),
          );
      }
    }
  }
  if (reader.position !== w4Beats(rowBlocks, groups, codec) * beatBytes(rows))
    throw new Error("w4: beats do not add up");
  return { rows: count, groups, codes, mantissas, exponents };
};
