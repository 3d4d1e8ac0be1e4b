/** N of M columns, chosen once for V rows (golden/contract/formats.md, section 6), back to codes [rows·columns]. */
import { BitReader, CorruptWord } from "./bits.js";

export function unpackShared(
  bytes: Uint8Array,
  rows: number,
  columns: number,
  pattern: { readonly n: number; readonly m: number; readonly v: number },
): Int8Array {
  const { n, m, v } = pattern;
  const indexBits = { 4: 2, 8: 3, 16: 4 }[m];
  if (indexBits === undefined) throw new RangeError(`M is 4, 8 or 16; this one is ${m}`);
  const bits = n * indexBits + 2 * n * v;
  const perBlock = Math.ceil(((columns / m) * bits) / 8);
  const codes = new Int8Array(rows * columns);
  for (let top = 0; top < rows; top += v) {
    const reader = new BitReader(bytes, (top / v) * perBlock);
    for (let left = 0; left < columns; left += m) {
      const kept: number[] = [];
      for (let k = 0; k < n; k++) {
        const index = reader.take(indexBits);
        if (k > 0 && index <= kept[k - 1]!)
          throw new CorruptWord(
            `shared ${n}:${m} x${v}`,
            top,
            left,
            `index ${index} is not above ${kept[k - 1]}`,
          );
        kept.push(index);
      }
      for (let row = top; row < top + v; row++)
        for (const index of kept) codes[row * columns + left + index] = 2 * reader.take(2) - 3;
    }
    if (reader.take(perBlock * 8 - (columns / m) * bits) !== 0)
      throw new CorruptWord(`shared ${n}:${m} x${v}`, top, columns, "filling bits that are not 0");
  }
  return codes;
}
