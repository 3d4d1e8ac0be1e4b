/** `w2` and `ternary5` (golden/contract/formats.md, sections 1 and 2) back to codes [rows·columns]. */
import { CorruptWord } from "./bits.js";

/** -3, -1, 1, 3 by field. */
const LEVELS = [-3, -1, 1, 3] as const;

export function unpackW2Rows(bytes: Uint8Array, rows: number, columns: number): Int8Array {
  const codes = new Int8Array(rows * columns);
  const perRow = columns / 4;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const byte = bytes[row * perRow + Math.floor(column / 4)]!;
      codes[row * columns + column] = LEVELS[Math.floor(byte / 4 ** (column % 4)) % 4]!;
    }
  return codes;
}

export function unpackTernary5(bytes: Uint8Array, rows: number, columns: number): Int8Array {
  const codes = new Int8Array(rows * columns);
  const perRow = Math.ceil(columns / 5);
  for (let row = 0; row < rows; row++)
    for (let word = 0; word < perRow; word++) {
      let rest = bytes[row * perRow + word]!;
      if (rest >= 243) throw new CorruptWord("ternary5", row, 5 * word, `byte ${rest} is above 242`);
      for (let i = 0; i < 5; i++) {
        const digit = rest % 3;
        rest = (rest - digit) / 3;
        const column = 5 * word + i;
        if (column < columns) codes[row * columns + column] = digit - 1;
        else if (digit !== 1) throw new CorruptWord("ternary5", row, column, "filling that is not 0");
      }
    }
  return codes;
}
