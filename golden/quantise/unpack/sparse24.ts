/** The three forms of 2:4 (golden/contract/formats.md, sections 3 to 5) back to codes [rows·columns], zeros included. */
import { BitReader, CorruptWord } from "./bits.js";

const PAIR_OF_POSITION = ["01", "02", "03", "12", "13", "23"] as const;

/** The four codes of a quad: 0 where nothing is kept. */
const quad = (first: number, second: number, code0: number, code1: number): number[] => {
  const codes = [0, 0, 0, 0];
  codes[first] = code0;
  codes[second] = code1;
  return codes;
};
const pairAt = (position: number): [number, number] => {
  const pair = PAIR_OF_POSITION[position]!;
  return [Number(pair[0]), Number(pair[1])];
};

type Quad = (reader: BitReader, row: number, column: number) => number[];

const rowsOfQuads = (
  bytes: Uint8Array,
  rows: number,
  columns: number,
  bitsPerQuad: number,
  read: Quad,
): Int8Array => {
  const quads = columns / 4;
  const perRow = Math.ceil((quads * bitsPerQuad) / 8);
  const codes = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const reader = new BitReader(bytes, row * perRow);
    for (let q = 0; q < quads; q++) codes.set(read(reader, row, 4 * q), row * columns + 4 * q);
    const filling = reader.take(perRow * 8 - quads * bitsPerQuad);
    if (filling !== 0) throw new CorruptWord("2:4", row, columns, "filling bits that are not 0");
  }
  return codes;
};

export const unpackN24Index = (bytes: Uint8Array, rows: number, columns: number): Int8Array =>
  rowsOfQuads(bytes, rows, columns, 8, (reader, row, column) => {
    const [code0, code1] = [2 * reader.take(2) - 3, 2 * reader.take(2) - 3];
    const [first, second] = [reader.take(2), reader.take(2)];
    if (second <= first)
      throw new CorruptWord("n24-index", row, column, `index ${second} is not above ${first}`);
    return quad(first, second, code0, code1);
  });

export const unpackN24Position = (bytes: Uint8Array, rows: number, columns: number): Int8Array =>
  rowsOfQuads(bytes, rows, columns, 7, (reader, row, column) => {
    const [code0, code1] = [2 * reader.take(2) - 3, 2 * reader.take(2) - 3];
    const position = reader.take(3);
    if (position > 5) throw new CorruptWord("n24-position", row, column, `position ${position} is above 5`);
    return quad(...pairAt(position), code0, code1);
  });

export const unpackTernary24 = (bytes: Uint8Array, rows: number, columns: number): Int8Array =>
  rowsOfQuads(bytes, rows, columns, 5, (reader, row, column) => {
    const word = reader.take(5);
    if (word > 23) throw new CorruptWord("ternary24", row, column, `word ${word} is above 23`);
    return quad(...pairAt(Math.floor(word / 4)), 2 * (word % 2) - 1, 2 * (Math.floor(word / 2) % 2) - 1);
  });
