/** w4: a beat holds R/2 rows × 32 codes of four bits; one step per group, mantissa and exponent of each row in turn. */
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

/** Row blocks of R/2 rows. */
export const w4RowBlocks = (matrixRows: number, rows: number): number => Math.ceil(matrixRows / (rows / 2));

/** Beats of a matrix with scales. */
export const w4Beats = (rowBlocks: number, groups: number): number =>
  streamBeats(rowBlocks * groups, rowBlocks * groups);

/** Row blocks that are together a whole number of scale and weight beats: what EMB fetches for one token. */
export const w4UnitRowBlocks = (groups: number): number => {
  let unit = 1;
  while ((unit * groups) % STEPS_PER_BEAT !== 0) unit *= 2;
  return unit;
};

/** Codes -8..7 are stored as code + 8. Missing rows are padding; `rowBlocks` may ask for more of them. */
export const packW4 = (
  matrix: readonly MatrixRow[],
  groups: number,
  rows: number,
  rowBlocks = w4RowBlocks(matrix.length, rows),
): Uint8Array => {
  const half = rows / 2;
  const out = new StepWriter(rows, w4Beats(rowBlocks, groups));
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
      const at = out.weightBeat();
      for (let j = 0; j < half; j++) {
        const row = matrix[block * half + j];
        for (let c = 0; c < GROUP; c++)
          setNibble(out.data, at, GROUP * j + c, code(row?.codes[g * GROUP + c] ?? 0));
      }
    }
  }
  return out.finish();
};

const code = (c: number): number => {
  if (!(Number.isInteger(c) && c >= -8 && c <= 7)) throw new RangeError(`${c} is no W4 code`);
  return c + 8;
};

export const unpackW4 = (
  bytes: Uint8Array,
  rowBlocks: number,
  groups: number,
  rows: number,
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
      const at = reader.weightBeat();
      for (let j = 0; j < half; j++) {
        const row = block * half + j;
        mantissas[row * groups + g] = bytes[step + 2 * j]!;
        exponents[row] = bytes[step + 2 * j + 1]!;
        for (let c = 0; c < GROUP; c++)
          codes[(row * groups + g) * GROUP + c] = getNibble(bytes, at, GROUP * j + c) - 8;
      }
    }
  }
  if (reader.position !== w4Beats(rowBlocks, groups) * beatBytes(rows))
    throw new Error("w4: beats do not add up");
  return { rows: count, groups, codes, mantissas, exponents };
};
