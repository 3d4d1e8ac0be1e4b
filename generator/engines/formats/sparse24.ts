/** Two of every four: with two indices (2 bits a weight), with a code for the pair of columns (1.75), ternary in one joint code (1.25). */
import { fourLevel, keptColumns, type Place, refuse, type WeightFormat } from "./format.js";

/** Pairs of columns in the order of their position code. */
const PAIRS: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [0, 3],
  [1, 2],
  [1, 3],
  [2, 3],
];

const four = { rows: 1, columns: 4, filling: null } as const;

const values = (name: string, at: Place, codes: readonly number[], kept: readonly number[]): bigint =>
  kept.reduce((word, i, k) => word | (BigInt(fourLevel(name, at, 0, i, codes[i]!)) << BigInt(2 * k)), 0n);

export const n24Index: WeightFormat = {
  ...four,
  name: "n24-index",
  bits: 8,
  encode: ([codes], at) => {
    const kept = keptColumns("n24-index", at, 0, codes!, 2);
    return values("n24-index", at, codes!, kept) | (BigInt(kept[0]! + 4 * kept[1]!) << 4n);
  },
  corrupt: (word) => {
    const [first, second] = [(word >> 4n) & 3n, word >> 6n];
    if (first === second) return `both indices are ${first}`;
    return first < second ? null : `the indices ${first}, ${second} do not ascend`;
  },
};

const pairCode = (kept: readonly number[]): number =>
  PAIRS.findIndex(([a, b]) => a === kept[0] && b === kept[1]);

export const n24Position: WeightFormat = {
  ...four,
  name: "n24-position",
  bits: 7,
  encode: ([codes], at) => {
    const kept = keptColumns("n24-position", at, 0, codes!, 2);
    return values("n24-position", at, codes!, kept) | (BigInt(pairCode(kept)) << 4n);
  },
  corrupt: (word) => (word >> 4n < 6n ? null : `position ${word >> 4n} is no pair of columns, 0 to 5 are`),
};

export const ternary24: WeightFormat = {
  ...four,
  name: "ternary24",
  bits: 5,
  encode: ([codes], at) => {
    const kept = keptColumns("ternary24", at, 0, codes!, 2);
    const sign = (i: number): number => {
      const c = codes![i]!;
      return c === 1 ? 1 : c === -1 ? 0 : refuse("ternary24", at, 0, i, `${c} is none of -1, 1`);
    };
    return BigInt(4 * pairCode(kept) + 2 * sign(kept[1]!) + sign(kept[0]!));
  },
  corrupt: (word) => (word < 24n ? null : `${word} is no joint code, 0 to 23 are`),
};
