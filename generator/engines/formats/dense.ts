/** Formats without sparsity: two bits a weight, and five ternary weights a byte (TerEffic, arXiv 2502.16473, 1.6 bits). */
import { fourLevel, refuse, type WeightFormat } from "./format.js";

export const w2Format: WeightFormat = {
  name: "w2",
  rows: 1,
  columns: 4,
  bits: 8,
  filling: null,
  encode: ([codes], at) =>
    codes!.reduce((word, c, i) => word | (BigInt(fourLevel("w2", at, 0, i, c)) << BigInt(2 * i)), 0n),
  corrupt: () => null,
};

const WORDS = 3n ** 5n;

export const ternary5: WeightFormat = {
  name: "ternary5",
  rows: 1,
  columns: 5,
  bits: 8,
  filling: 0,
  encode: ([codes], at) =>
    codes!.reduceRight((word, c, i) => {
      if (c !== -1 && c !== 0 && c !== 1) refuse("ternary5", at, 0, i, `${c} is none of -1, 0, 1`);
      return 3n * word + BigInt(c + 1);
    }, 0n),
  corrupt: (word, columns) => {
    if (word >= WORDS) return `${word} is no byte of five ternary codes, 0 to 242 are`;
    const filling = word / 3n ** BigInt(columns);
    return 2n * filling + 1n === 3n ** BigInt(5 - columns) ? null : "the filling behind the row is not 0";
  },
};
