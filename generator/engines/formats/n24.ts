/**
 * n24 beats with a checker: of every four columns two are kept; the fields of columns 4q to 4q + 3 of a row are the two codes
 * and their two columns, ascending (golden/contract/formats.md, section 3). What is wrong is named by row and column.
 */
import { GROUP, type MatrixRow, type UnpackedMatrix } from "./beats.js";
import { n24Codec } from "./codecs.js";
import { n24Index } from "./sparse24.js";
import { packWide, unpackWide } from "./wide.js";

const QUADS = Array.from({ length: GROUP / 4 }, (_, q) => 4 * q);

/** Two of every four codes are -3, -1, 1 or 3, the others 0. Missing rows are padding. */
export const packN24 = (matrix: readonly MatrixRow[], groups: number, rows: number): Uint8Array => {
  for (const [row, { codes }] of matrix.entries())
    for (let column = 0; column < groups * GROUP; column += 4)
      n24Index.encode([[...codes.subarray(column, column + 4)]], { row, column });
  return packWide(matrix, groups, rows, n24Codec);
};

/** Throws a RangeError where indices do not ascend. */
export const unpackN24 = (
  bytes: Uint8Array,
  rowBlocks: number,
  groups: number,
  rows: number,
): UnpackedMatrix => {
  let decoded = 0; // rows of beats, which come block by block, group by group
  const decode = (fields: readonly number[]): number[] => {
    const beat = Math.floor(decoded / rows);
    const row = Math.floor(beat / groups) * rows + (decoded++ % rows);
    for (const q of QUADS) {
      const word = [0, 1, 2, 3].reduce((w, k) => w | (BigInt(fields[q + k]!) << BigInt(2 * k)), 0n);
      const wrong = n24Index.corrupt(word, 4);
      if (wrong !== null)
        throw new RangeError(`n24: row ${row}, column ${(beat % groups) * GROUP + q}: ${wrong}`);
    }
    return n24Codec.decode(fields);
  };
  return unpackWide(bytes, rowBlocks, groups, rows, { ...n24Codec, decode });
};
