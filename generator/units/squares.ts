/**
 * Sums of squares with a block exponent: SS·2^2s with s = 0, 7 or 14, so that z = x >> s has 18 bits for elements of any size.
 * One element a cycle: s of a token grows before the multiplier, its sum is shifted when the first z² of the larger s joins it.
 * Contract section 2.
 */
import { cat, delay, delayValid, lit, mux, reg, select, uint, when } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { type Bits, type Bool, type Int, ofToken, range } from "./signals.js";
import { SQUARES_BITS } from "./widths.js";

/** Each bit of `steps` stands for so much of s. */
export const STEP = 7;
const MOST_STEPS = 2;
const Z_BITS = 18;

/** SS and s: 0b00 is s = 0, 0b01 is 7, 0b11 is 14. The larger of two s is their OR. */
export const squares = { sum: uint(SQUARES_BITS), steps: uint(MOST_STEPS) };

/** v >> 2·STEP for each bit of `steps`. */
export const shrSteps = (v: Bits, steps: Bits): Bits => {
  const by = (n: number): Bits => v.shr(2 * STEP * n).resize(v.width);
  return mux(steps.andR(), by(2), mux(steps.orR(), by(1), v));
};

/** s that x needs: a bit for each range that it leaves, [-2^17, 2^17) and [-2^24, 2^24). */
const stepsOf = (x: Int): Bits => {
  const leaves = range(MOST_STEPS).map((step) => {
    const signs = Z_BITS - 1 + STEP * step;
    if (signs >= x.width) return lit(uint(1), 0);
    const high = x.slice(x.width - 1, signs);
    return high.andR().or(high.orR().not()).not();
  });
  return cat(...leaves.reverse());
};

/** What a sum does before it takes z². */
const [KEEP, BY_ONE, CLEAR, BY_TWO] = [0, 1, 2, 3];

/** An element before the multiplier: z, its token's s from now on, and how the sum follows. `before`: s so far. */
export const blockElement = (x: Int, first: Bool, before: Bits) => {
  const old = mux(first, 0, before).as("old_steps");
  const steps = old.or(stepsOf(x)).as("new_steps");
  const grows = steps.xor(old);
  const by = (n: number): Int => x.shr(STEP * n).resize(Z_BITS);
  return {
    z: mux(steps.bit(1), by(2), mux(steps.bit(0), by(1), by(0))).as("narrow"),
    steps,
    align: mux(first, CLEAR, cat(grows.andR(), grows.orR())).as("align"),
  };
};

/** The sum with z², `align` being that of its element. */
export const withSquare = (sum: Bits, align: Bits, square: Bits): Bits => {
  const by = (n: number): Bits => sum.shr(2 * STEP * n).resize(SQUARES_BITS);
  return select(
    align,
    [
      [KEEP, sum],
      [BY_ONE, by(1)],
      [BY_TWO, by(2)],
    ],
    lit(uint(SQUARES_BITS), 0),
  ).addMod(square);
};

/** SS and s per token: the sum is there three cycles after its last element. `first` starts afresh. */
export const squaresPerToken = (c: AcceleratorConfig, x: Int, valid: Bool, first: Bool, tok: Bits) => {
  const steps = range(c.tokens).map((t) => reg(`steps_${t}`, uint(MOST_STEPS)));
  const element = blockElement(x, first, ofToken(tok, steps));
  for (const [t, s] of steps.entries()) when(valid.and(tok.eq(t)), () => s.set(element.steps));

  const z = delay(element.z, 1, "z");
  const square = delay(z.mul(z).asUnsigned(), 1, "z_squared");
  const sums = range(c.tokens).map((t) => reg(`squares_${t}`, uint(SQUARES_BITS)));
  const squareTok = delay(tok, 2, "square_tok");
  const squareValid = delayValid(valid, 2, "square_valid");
  const total = withSquare(ofToken(squareTok, sums), delay(element.align, 2, "align"), square).as("total");
  for (const [t, s] of sums.entries()) when(squareValid.and(squareTok.eq(t)), () => s.set(total));
  return range(c.tokens).map((t) => ({ sum: sums[t]!, steps: steps[t]! }));
};
