/** w2: a beat holds R rows × 32 codes of two bits; one step of exponents per row block, one of mantissas per group. */
import {
  beatBytes,
  GROUP,
  getNibble,
  type MatrixRow,
  PADDING_EXPONENT,
  setNibble,
  type UnpackedMatrix,
} from "./beats.js";
import { StepReader, StepWriter, streamBeats } from "./steps.js";

/** Row blocks of R rows. */
export const w2RowBlocks = (matrixRows: number, rows: number): number => Math.ceil(matrixRows / rows);

/** Beats of a matrix with scales. */
export const w2Beats = (rowBlocks: number, groups: number): number =>
  streamBeats(rowBlocks * groups, rowBlocks * (groups + 1));

/** Codes -3, -1, 1, 3 are stored as u + 2, c = 2u + 1. Missing rows are padding. */
export const packW2 = (matrix: readonly MatrixRow[], groups: number, rows: number): Uint8Array => {
  const rowBlocks = w2RowBlocks(matrix.length, rows);
  const out = new StepWriter(rows, w2Beats(rowBlocks, groups));
  for (let block = 0; block < rowBlocks; block++) {
    const row = Array.from({ length: rows }, (_, r) => matrix[block * rows + r]);
    for (let g = 0; g < groups; g++) {
      out.need(g === 0 ? 2 : 1);
      if (g === 0) out.put(row.map((r) => r?.exponent ?? PADDING_EXPONENT));
      out.put(row.map((r) => r?.mantissas[g] ?? 0));
      const at = out.weightBeat();
      for (let j = 0; j < rows / 2; j++) {
        for (let c = 0; c < GROUP; c++) {
          const low = code(row[2 * j]?.codes[g * GROUP + c] ?? 1);
          const high = code(row[2 * j + 1]?.codes[g * GROUP + c] ?? 1);
          setNibble(out.data, at, GROUP * j + c, low | (high << 2));
        }
      }
    }
  }
  return out.finish();
};

const code = (c: number): number => {
  const u = (c - 1) / 2;
  if (!(Number.isInteger(u) && u >= -2 && u <= 1)) throw new RangeError(`${c} is no W2 code`);
  return u + 2;
};

export const unpackW2 = (
  bytes: Uint8Array,
  rowBlocks: number,
  groups: number,
  rows: number,
): UnpackedMatrix => {
  const reader = new StepReader(bytes, rows);
  const count = rowBlocks * rows;
  const codes = new Int8Array(count * groups * GROUP);
  const mantissas = new Uint8Array(count * groups);
  const exponents = new Uint8Array(count);
  for (let block = 0; block < rowBlocks; block++) {
    for (let g = 0; g < groups; g++) {
      reader.need(g === 0 ? 2 : 1);
      const exponent = g === 0 ? reader.step() : -1;
      const mantissa = reader.step();
      const at = reader.weightBeat();
      for (let r = 0; r < rows; r++) {
        const row = block * rows + r;
        if (g === 0) exponents[row] = bytes[exponent + r]!;
        mantissas[row * groups + g] = bytes[mantissa + r]!;
        for (let c = 0; c < GROUP; c++) {
          const nibble = getNibble(bytes, at, GROUP * (r >> 1) + c);
          codes[(row * groups + g) * GROUP + c] = 2 * ((r & 1 ? nibble >> 2 : nibble & 3) - 2) + 1;
        }
      }
    }
  }
  if (reader.position !== w2Beats(rowBlocks, groups) * beatBytes(rows))
    throw new Error("w2: beats do not add up");
  return { rows: count, groups, codes, mantissas, exponents };
};
