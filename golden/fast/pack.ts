/**
 * Matrices as kernels/matrix.ts reads them: tiles of four rows, in them group after group, in those row after row. 32 codes
 * of 4 bits make eight int16, of which number j holds the codes of columns j, 8 + j, 16 + j, 24 + j; codes of 8 bits stand in
 * order. Rows and columns that are missing to the full are 0.
 */
import { GROUP } from "../contract/tables.js";
import type { QuantisedMatrix, WeightFormat } from "../model/types.js";
import { TILE_BYTES, TILE_ROWS } from "./kernels/matrix.js";
import type { Layout } from "./layout.js";

export interface PackedMatrix {
  readonly codes: number;
  readonly mantissas: number;
  readonly exponents: number;
  readonly rows: number;
  readonly groups: number;
  readonly wide: boolean;
}

/** Whether codes need 8 bits. */
function isWide(format: WeightFormat): boolean {
  switch (format) {
    case "W2":
    case "W4":
    case "TERNARY":
    case "N24":
      return false;
    case "W8":
      return true;
  }
}

export function packMatrix(layout: Layout, matrix: QuantisedMatrix): PackedMatrix {
  const { rows, cols, exponents, format } = matrix;
  const groups = Math.ceil(cols / GROUP);
  const tiles = Math.ceil(rows / TILE_ROWS);
  const wide = isWide(format);
  const bytes = wide ? TILE_BYTES.wide : TILE_BYTES.narrow;
  return {
    codes: layout.place(tiles * groups * bytes, (memory, address) => {
      const to = new Uint8Array(memory, address, tiles * groups * bytes);
      if (wide) writeWide(matrix, to);
      else writeNarrow(matrix, to);
    }),
    mantissas: layout.place(tiles * groups * TILE_ROWS, (memory, address) => {
      const to = new Uint8Array(memory, address, tiles * groups * TILE_ROWS);
      for (let row = 0; row < rows; row++)
        for (let group = 0; group < groups; group++)
          to[unit(row, group, groups)] = matrix.mantissas[row * groups + group]!;
    }),
    exponents: layout.place(rows, (memory, address) => new Uint8Array(memory, address, rows).set(exponents)),
    rows,
    groups,
    wide,
  };
}

/** Index of a row's group in the order of the tiles. */
function unit(row: number, group: number, groups: number): number {
  return (Math.floor(row / TILE_ROWS) * groups + group) * TILE_ROWS + (row % TILE_ROWS);
}

function writeNarrow(matrix: QuantisedMatrix, to: Uint8Array): void {
  const { rows, cols, codes } = matrix;
  const groups = Math.ceil(cols / GROUP);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const code = codes[row * cols + col]!;
      if (code < -8 || code > 7)
        throw new RangeError(`${matrix.format} has no code ${code} (row ${row}, column ${col})`);
      const quarter = (col >> 3) & 3;
      const at = 16 * unit(row, col >> 5, groups) + 2 * (col & 7) + (quarter >> 1);
      to[at] = to[at]! | ((code & 15) << (4 * (quarter & 1)));
    }
  }
}

function writeWide(matrix: QuantisedMatrix, to: Uint8Array): void {
  const { rows, cols, codes } = matrix;
  const groups = Math.ceil(cols / GROUP);
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++)
      to[GROUP * unit(row, col >> 5, groups) + (col & 31)] = codes[row * cols + col]!;
}
