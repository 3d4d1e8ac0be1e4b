/**
 * Wide formats: a beat holds R rows × 32 two-bit fields; one step of exponents per row block, one of mantissas per group.
 * What the fields of a row mean is the codec's: `w2`, `ternary`, `n24`.
 */
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
export const wideRowBlocks = (matrixRows: number, rows: number): number => Math.ceil(matrixRows / rows);

/** Beats of a matrix with scales. */
export const wideBeats = (rowBlocks: number, groups: number): number =>
  streamBeats(rowBlocks * groups, rowBlocks * (groups + 1));

/** Between the codes of one row and group, 32 of them, and their fields. */
export interface FieldCodec {
  /** Codes of a row that is padding: its mantissas are 0, the fields must be legal. */
  readonly padding: Int8Array;
  /** Throws a RangeError when the format has no fields for these codes. */
  encode(codes: Int8Array): number[];
  decode(fields: readonly number[]): number[];
}

/** Missing rows are padding. */
export const packWide = (
  matrix: readonly MatrixRow[],
  groups: number,
  rows: number,
  codec: FieldCodec,
): Uint8Array => {
  const rowBlocks = wideRowBlocks(matrix.length, rows);
  const out = new StepWriter(rows, wideBeats(rowBlocks, groups));
  const padding = codec.encode(codec.padding);
  for (let block = 0; block < rowBlocks; block++) {
    const row = Array.from({ length: rows }, (_, r) => matrix[block * rows + r]);
    for (let g = 0; g < groups; g++) {
      out.need(g === 0 ? 2 : 1);
      if (g === 0) out.put(row.map((r) => r?.exponent ?? PADDING_EXPONENT));
      out.put(row.map((r) => r?.mantissas[g] ?? 0));
      const at = out.weightBeat();
      const fields = row.map((r) =>
        r === undefined ? padding : codec.encode(r.codes.subarray(g * GROUP, (g + 1) * GROUP)),
      );
      for (let j = 0; j < rows / 2; j++)
        for (let c = 0; c < GROUP; c++)
          setNibble(out.data, at, GROUP * j + c, fields[2 * j]![c]! | (fields[2 * j + 1]![c]! << 2));
    }
  }
  return out.finish();
};

export const unpackWide = (
  bytes: Uint8Array,
  rowBlocks: number,
  groups: number,
  rows: number,
  codec: FieldCodec,
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
        const fields = Array.from({ length: GROUP }, (_, c) => {
          const nibble = getNibble(bytes, at, GROUP * (r >> 1) + c);
          return r & 1 ? nibble >> 2 : nibble & 3;
        });
        codes.set(codec.decode(fields), (row * groups + g) * GROUP);
      }
    }
  }
  if (reader.position !== wideBeats(rowBlocks, groups) * beatBytes(rows))
    throw new Error("wide: beats do not add up");
  return { rows: count, groups, codes, mantissas, exponents };
};
