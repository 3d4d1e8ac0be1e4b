/** N of every M, the columns chosen once for V rows: N/M·(2 + log2(M)/V) bits a weight; at 2:4 that is 1 + 1/V. */
import { fourLevel, keptColumns, refuse, type WeightFormat } from "./format.js";

/** N of M columns are kept, the same ones in V rows. */
export interface SharedPattern {
  readonly n: number;
  readonly m: number;
  readonly v: number;
}

const isPower = (x: number): boolean => Number.isInteger(x) && x >= 1 && Math.log2(x) % 1 === 0;

export const indexBits = (m: number): number => Math.log2(m);

/** What is wrong with a pattern, and what would work; null when nothing is. */
export const patternProblem = ({ n, m, v }: SharedPattern): string | null => {
  if (m !== 4 && m !== 8 && m !== 16) return `M is 4, 8 or 16; this one is ${m}`;
  if (!(isPower(n) && n < m)) return `N of ${n}:${m} is a power of two below ${m}; this one is ${n}`;
  if (!(isPower(v) && v <= 16)) return `V is 1, 2, 4, 8 or 16; this one is ${v}`;
  return null;
};

export const sharedFormat = (pattern: SharedPattern): WeightFormat => {
  const problem = patternProblem(pattern);
  if (problem !== null) throw new RangeError(problem);
  const { n, m, v } = pattern;
  const name = `shared ${n}:${m} x${v}`;
  const b = indexBits(m);
  return {
    name,
    rows: v,
    columns: m,
    bits: n * b + 2 * n * v,
    filling: null,
    encode: (block, at) => {
      const kept = keptColumns(name, at, 0, block[0]!, n);
      let word = kept.reduce((w, i, k) => w | (BigInt(i) << BigInt(b * k)), 0n);
      for (const [row, codes] of block.entries()) {
        const other = keptColumns(name, at, row, codes, n).findIndex((i, k) => i !== kept[k]);
        if (other >= 0)
          refuse(name, at, row, 0, `other columns are kept than in row ${at.row}, whose index it shares`);
        for (const [k, i] of kept.entries())
          word |= BigInt(fourLevel(name, at, row, i, codes[i]!)) << BigInt(n * b + 2 * (row * n + k));
      }
      return word;
    },
    corrupt: (word) => {
      const index = Array.from({ length: n }, (_, k) => Number((word >> BigInt(b * k)) & BigInt(m - 1)));
      const at = index.findIndex((i, k) => k > 0 && i <= index[k - 1]!);
      if (at < 0) return null;
      return index[at] === index[at - 1]
        ? `indices ${at - 1} and ${at} are both ${index[at]}`
        : `the indices ${index.join(", ")} do not ascend`;
    },
  };
};
