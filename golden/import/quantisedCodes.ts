/**
 * Codes of a saved model: whole words of one byte, rows filled up to whole words. The words are those of golden/contract/formats.md
 * (`w2`, `ternary5`, `n24-index`); W4 lies two in a byte, the first column low, W8 one; both in two's complement.
 */
import type { WeightFormat } from "../model/types.js";

export interface Packing {
  /** Ending of the tensor's name. */
  readonly ending: "w2" | "ternary5" | "n24" | "w4" | "w8";
  /** Columns in a byte. */
  readonly columns: number;
  /** [256·columns]: the codes of every byte. */
  readonly codes: Int8Array;
  /** Why a byte is none that a writer makes; null where it is. */
  illegal(byte: number): string | null;
  /** What columns that the row does not have hold; null where rows are whole words. */
  readonly filling: number | null;
}

export const PACKINGS: Readonly<Record<WeightFormat, Packing>> = {
  W2: packing("w2", 4, (byte, i) => 2 * ((byte >> (2 * i)) & 3) - 3, -3),
  TERNARY: packing(
    "ternary5",
    5,
    (byte, i) => (Math.floor(byte / 3 ** i) % 3) - 1,
    0,
    (byte) => (byte > 242 ? "is above 242" : null),
  ),
  N24: packing("n24", 4, sparse, null, (byte) =>
    byte >> 6 <= ((byte >> 4) & 3)
      ? `keeps column ${byte >> 6} behind column ${(byte >> 4) & 3} in 2:4 weights`
      : null,
  ),
  W4: packing("w4", 2, (byte, i) => (((byte >> (4 * i)) & 15) ^ 8) - 8, 0),
  W8: packing(
    "w8",
    1,
    (byte) => (byte ^ 128) - 128,
    null,
    (byte) => (Math.abs((byte ^ 128) - 128) > 119 ? `is ${(byte ^ 128) - 128}, beyond 119` : null),
  ),
};

/** x[1:0], x[3:2]: codes of the two kept columns; x[5:4], x[7:6]: those columns. */
function sparse(byte: number, i: number): number {
  if (i === ((byte >> 4) & 3)) return 2 * (byte & 3) - 3;
  if (i === byte >> 6) return 2 * ((byte >> 2) & 3) - 3;
  return 0;
}

function packing(
  ending: Packing["ending"],
  columns: number,
  code: (byte: number, i: number) => number,
  filling: number | null,
  illegal: (byte: number) => string | null = () => null,
): Packing {
  const codes = Int8Array.from({ length: 256 * columns }, (_, n) =>
    code(Math.floor(n / columns), n % columns),
  );
  return { ending, columns, codes, filling, illegal };
}

export function bytesPerRow(format: WeightFormat, cols: number): number {
  return Math.ceil(cols / PACKINGS[format].columns);
}

/** Rows of codes from their bytes. `refuse` is told the byte that cannot be, and why; it throws. */
export function unpackRows(
  format: WeightFormat,
  bytes: Uint8Array,
  rows: number,
  cols: number,
  refuse: (at: number, why: string) => never,
): Int8Array {
  const { columns, codes: table, filling, illegal } = PACKINGS[format];
  const why = Array.from({ length: 256 }, (_, byte) => illegal(byte));
  const words = Math.ceil(cols / columns);
  const codes = new Int8Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    for (let word = 0; word < words; word++) {
      const at = row * words + word;
      const byte = bytes[at]!;
      if (why[byte] !== null) refuse(at, `byte ${byte} ${why[byte]}`);
      const from = word * columns;
      const to = Math.min(cols - from, columns);
      for (let i = 0; i < to; i++) codes[row * cols + from + i] = table[byte * columns + i]!;
      for (let i = to; i < columns; i++)
        if (table[byte * columns + i] !== filling)
          refuse(at, `byte ${byte} ends the row with codes of no column`);
    }
  }
  return codes;
}

/** Rows of codes to their bytes; the codes must be the format's. */
export function packRows(format: WeightFormat, codes: Int8Array, rows: number, cols: number): Uint8Array {
  const { columns, codes: table, filling } = PACKINGS[format];
  if (cols % columns !== 0 && filling === null)
    throw new RangeError(`${cols} columns of ${format} are no whole words of ${columns}`);
  const byteOf = bytesByKey(format);
  const words = Math.ceil(cols / columns);
  const out = new Uint8Array(rows * words);
  const word = new Int8Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let w = 0; w < words; w++) {
      const from = w * columns;
      for (let i = 0; i < columns; i++) word[i] = from + i < cols ? codes[row * cols + from + i]! : filling!;
      const byte = byteOf[key(word, 0, columns)]!;
      for (let i = 0; i < columns; i++)
        if (byte < 0 || table[byte * columns + i] !== word[i])
          throw new RangeError(`codes ${word.join(", ")} of row ${row}, column ${from} are not ${format}`);
      out[row * words + w] = byte;
    }
  }
  return out;
}

const KEYS = new Map<WeightFormat, Int16Array>();

/** The byte of each key, or -1. */
function bytesByKey(format: WeightFormat): Int16Array {
  const known = KEYS.get(format);
  if (known !== undefined) return known;
  const { columns, codes, illegal } = PACKINGS[format];
  const bytes = new Int16Array(columns === 1 ? 256 : 16 ** columns).fill(-1);
  for (let byte = 0; byte < 256; byte++)
    if (illegal(byte) === null) bytes[key(codes, byte * columns, columns)] = byte;
  KEYS.set(format, bytes);
  return bytes;
}

/** Four bits of each code side by side; a code alone keeps its eight. */
function key(codes: Int8Array, at: number, columns: number): number {
  if (columns === 1) return codes[at]! & 255;
  let value = 0;
  for (let i = 0; i < columns; i++) value = value * 16 + (codes[at + i]! & 15);
  return value;
}
