/** A weight format as words: what encoder and checker of all formats share. Written in golden/contract/formats.md. */

/** Where a word stands, for messages. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

/** Codes of one word: [V][M]. */
export type Block = readonly (readonly number[])[];

export interface WeightFormat {
  readonly name: string;
  /** What a word holds: V rows × M columns in so many bits. */
  readonly rows: number;
  readonly columns: number;
  readonly bits: number;
  /** The code that fills the last word of a row; null when a row is whole words. */
  readonly filling: number | null;
  /** Throws a RangeError that names row and column when the codes have no word. */
  encode(block: Block, at: Place): bigint;
  /** What is wrong with a word of which so many columns belong to the row; null when nothing is. */
  corrupt(word: bigint, columns: number): string | null;
}

export const bitsPerWeight = (f: WeightFormat): number => f.bits / (f.rows * f.columns);

/** Words of a row; of V rows together. */
export const wordsPerRow = (f: WeightFormat, columns: number): number => Math.ceil(columns / f.columns);

/** Bytes of a row; of V rows together. */
export const rowBytes = (f: WeightFormat, columns: number): number =>
  Math.ceil((wordsPerRow(f, columns) * f.bits) / 8);

export const matrixBytes = (f: WeightFormat, rows: number, columns: number): number =>
  (rows / f.rows) * rowBytes(f, columns);

const checkSize = (f: WeightFormat, rows: number, columns: number): void => {
  if (rows % f.rows !== 0)
    throw new RangeError(`${f.name}: ${rows} rows; an index is shared by ${f.rows}, so pad to a multiple`);
  if (f.filling === null && columns % f.columns !== 0)
    throw new RangeError(`${f.name}: ${columns} columns; pad to a multiple of ${f.columns}`);
};

/** Codes [rows·columns] as bytes. */
export const encodeMatrix = (
  f: WeightFormat,
  codes: Int8Array,
  rows: number,
  columns: number,
): Uint8Array => {
  checkSize(f, rows, columns);
  const bytes = new Uint8Array(matrixBytes(f, rows, columns));
  for (let row = 0; row < rows; row += f.rows) {
    let bit = (row / f.rows) * rowBytes(f, columns) * 8;
    for (let column = 0; column < columns; column += f.columns) {
      const block = Array.from({ length: f.rows }, (_, v) =>
        Array.from({ length: f.columns }, (_, i) =>
          column + i < columns ? codes[(row + v) * columns + column + i]! : f.filling!,
        ),
      );
      putBits(bytes, bit, f.bits, f.encode(block, { row, column }));
      bit += f.bits;
    }
  }
  return bytes;
};

/** Throws at the first word, filling bit or byte that no encoder writes. */
export const checkStream = (f: WeightFormat, bytes: Uint8Array, rows: number, columns: number): void => {
  checkSize(f, rows, columns);
  const expected = matrixBytes(f, rows, columns);
  if (bytes.length !== expected)
    throw new RangeError(
      `${f.name}: ${bytes.length} bytes; ${rows} rows of ${columns} columns are ${expected}`,
    );
  const words = wordsPerRow(f, columns);
  const perRow = rowBytes(f, columns);
  for (let block = 0; block < rows / f.rows; block++) {
    const start = block * perRow * 8;
    for (let word = 0; word < words; word++) {
      const used = Math.min(f.columns, columns - word * f.columns);
      const wrong = f.corrupt(getBits(bytes, start + word * f.bits, f.bits), used);
      if (wrong !== null)
        throw new RangeError(`${f.name}: row ${block * f.rows}, column ${word * f.columns}: ${wrong}`);
    }
    const used = words * f.bits;
    if (getBits(bytes, start + used, perRow * 8 - used) !== 0n)
      throw new RangeError(`${f.name}: row ${block * f.rows}: bits behind the last word are not 0`);
  }
};

const putBits = (bytes: Uint8Array, at: number, count: number, value: bigint): void => {
  for (let i = 0; i < count; i++) if ((value >> BigInt(i)) & 1n) bytes[(at + i) >> 3]! |= 1 << ((at + i) & 7);
};
const getBits = (bytes: Uint8Array, at: number, count: number): bigint => {
  let value = 0n;
  for (let i = 0; i < count; i++) if ((bytes[(at + i) >> 3]! >> ((at + i) & 7)) & 1) value |= 1n << BigInt(i);
  return value;
};

/** `format: row r, column c: ...` */
export const refuse = (format: string, at: Place, row: number, column: number, why: string): never => {
  throw new RangeError(`${format}: row ${at.row + row}, column ${at.column + column}: ${why}`);
};

/** The field u + 2 of a four-level code 2u + 1. */
export const fourLevel = (format: string, at: Place, row: number, column: number, code: number): number =>
  code === -3 || code === -1 || code === 1 || code === 3
    ? (code + 3) / 2
    : refuse(format, at, row, column, `${code} is none of -3, -1, 1, 3`);

/** The columns that are not 0: exactly `keep` of them. */
export const keptColumns = (
  format: string,
  at: Place,
  row: number,
  codes: readonly number[],
  keep: number,
): number[] => {
  const kept = codes.flatMap((c, i) => (c === 0 ? [] : [i]));
  return kept.length === keep
    ? kept
    : refuse(format, at, row, 0, `${kept.length} of ${codes.length} columns are not 0, ${keep} must be`);
};
