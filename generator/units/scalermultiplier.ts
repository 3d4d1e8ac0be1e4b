/** The scaler's one multiplier, and what it works on in each state. Contract sections 0 and 1. */
import { cat, lit, Mem, mux, reg, sint, uint, when } from "../hdl/index.js";
import { RECIP, RSQRT } from "../../golden/contract/tables.js";
import type { Bits, Bool, Int } from "./signals.js";
import { SCALE_EXPONENT_BITS } from "./scalerports.js";
import { SCALE_MANTISSA_BITS } from "./widths.js";

const M = SCALE_MANTISSA_BITS;
/** No product reaches 2^33: the contract clamps to 2^15..2^16 - 1, which changes nothing for any mantissa (tests try all). */
const PRODUCT_BITS = 2 * M + 1;
const FACTOR_BITS = M + 2;
const TABLE_INDEX_BITS = 8;

/** States in which it multiplies. */
export interface Steps {
  readonly square: Bool;
  readonly middle: Bool;
  readonly correct: Bool;
  readonly timesS: Bool;
  readonly timesK: Bool;
}
export interface Operands {
  readonly isNorm: Bool;
  readonly isSoftmax: Bool;
  /** Mantissa whose reciprocal or root is taken, its exponent's parity, the vector's mantissa and K. */
  readonly n: Bits;
  readonly odd: Bool;
  readonly s: Bits;
  readonly k: Bits;
}

/** Table of both first approximations r0, one cycle behind `n`; the root's by the exponent's parity. */
export const firstApproximation = (isNorm: Bool, odd: Bool, n: Bits, enable: Bool): Bits => {
  const tables = new Mem("tables", uint(M), 2 ** TABLE_INDEX_BITS, {
    contents: [...RECIP, ...RSQRT],
    readDuringWrite: "old",
  });
  const ofRoot = cat(lit(uint(1), 1), odd, n.slice(14, 9));
  const ofReciprocal = cat(lit(uint(1), 0), n.slice(14, 8));
  return tables.read(mux(isNorm, ofRoot, ofReciprocal), enable).as("r0");
};

/** The value of the first condition that holds. */
const firstOf = (cases: readonly (readonly [Bool, Bits])[], other: Bits): Bits =>
  cases.reduceRight<Bits>((rest, [condition, value]) => mux(condition, value, rest), other);

/**
 * One product a cycle into `product`; each state takes what it needs of the last one:
 * root: square r0·r0, middle (r0²>>16)·w, correct r0·(3·2^16 - t2), then times S and K;
 * reciprocal: square n·r0, middle r0·(2^32 - t >> 15), then times K.
 */
export const multiplier = (steps: Steps, o: Operands, r0: Bits) => {
  const p = reg("product", uint(PRODUCT_BITS));
  const top = mux(p.bit(31), p.slice(31, 16), p.slice(30, 15)).as("top"); // mul of section 0: 16 bits
  const root = p.slice(32, 17).as("root");
  const reciprocal = p.slice(31, 16).as("reciprocal");
  const rest = lit(uint(PRODUCT_BITS), 1n << 32n)
    .subMod(p.slice(31, 0).resize(PRODUCT_BITS))
    .slice(31, 15)
    .as("rest"); // (2^32 - m·r0) >> 15
  const correction = lit(uint(FACTOR_BITS), 3 * 2 ** 16)
    .subMod(p.slice(32, 15))
    .as("correction"); // 3·2^16 - t2
  const oddN = mux(o.odd, o.n.shl(1), o.n.resize(M + 1)).as("odd_n");
  const a = firstOf(
    [
      [steps.square, mux(o.isNorm, r0, o.n)],
      [steps.middle, mux(o.isNorm, p.slice(31, 16), r0)],
      [steps.correct, r0],
      [steps.timesS, root],
    ],
    mux(o.isNorm, top, mux(o.isSoftmax, reciprocal, o.s)),
  ).as("factor_a");
  const b = firstOf(
    [
      [steps.square, r0.resize(FACTOR_BITS)],
      [steps.middle, mux(o.isNorm, oddN, rest).resize(FACTOR_BITS)],
      [steps.correct, correction],
      [steps.timesS, o.s.resize(FACTOR_BITS)],
    ],
    o.k.resize(FACTOR_BITS),
  ).as("factor_b");
  const multiplies = steps.square.or(steps.middle).or(steps.correct).or(steps.timesS).or(steps.timesK);
  const product = a.mul(b).wrap(PRODUCT_BITS).as("multiplier");
  when(multiplies, () => p.set(product));
  return {
    /** Mantissa of the product of two scales. */
    top,
    /** Its exponent, from the sum of theirs. */
    grow: (e: Int) => e.addMod(mux(p.bit(31), lit(sint(6), M), M - 1)).wrap(SCALE_EXPONENT_BITS),
  };
};
