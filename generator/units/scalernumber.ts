/** How the scaler comes to one (m, e): the registers of the number at hand, one step per state. Contract sections 0, 1, 4, 6. */
import { bool, type EnumReg, lit, mux, type Of, regs, sint, uint, when } from "../hdl/index.js";
import { SCALINGS, type Scaling } from "../isa/instruction.js";
import { firstApproximation, multiplier } from "./scalermultiplier.js";
import { type normSum, SCALE_EXPONENT_BITS, type scaleJob } from "./scalerports.js";
import type { Bits, Int } from "./signals.js";
import { shrSteps, STEP } from "./squares.js";
import { SCALE_MANTISSA_BITS, SQUARES_BITS } from "./widths.js";

/** SS + (E >> 2s). */
const VALUE_BITS = SQUARES_BITS + 1;
const LENGTH_BITS = 6;
/** Mantissas have their highest 1 here. */
const TOP = SCALE_MANTISSA_BITS - 1;
type Job = Pick<Of<ReturnType<typeof scaleJob>>, "scaling" | "scaleM" | "scaleE">;

interface MantissaAndExponent {
  readonly m: Bits;
  readonly e: Int;
}

/** Bits of v: position of the leading one plus 1, 0 for 0. */
const bitLength = (v: Bits): Bits => {
  let length: Bits = lit(uint(LENGTH_BITS), 0);
  for (let i = 0; i < v.width; i++) length = mux(v.bit(i), lit(uint(LENGTH_BITS), i + 1), length);
  return length;
};
const plus = (e: Int, f: Int) => e.addMod(f).wrap(SCALE_EXPONENT_BITS);

const kindsOf = ({ scaling }: Job) => {
  const is = (name: Scaling) => scaling.eq(SCALINGS.indexOf(name)).as(`is_${name}`);
  return { constant: is("constant"), norm: is("norm"), softmax: is("softmax"), activation: is("activation") };
};

/** Exponent of 1/sqrt(v) times S, and of 1/v, from v's length: -16 - h, h = (length - 1) >> 1; -31 - e = -15 - length. */
const exponents = (length: Bits, s: Int): { root: Int; reciprocal: Int } => {
  const half = length.subMod(1).shr(1).toSigned();
  return {
    root: s.subMod(half.add(SCALE_MANTISSA_BITS)).wrap(SCALE_EXPONENT_BITS),
    reciprocal: lit(sint(SCALE_EXPONENT_BITS), -TOP).subMod(length.toSigned()).wrap(SCALE_EXPONENT_BITS),
  };
};

/** S·R(SS, s, E) is rsqrt(norm16(value)) times this S: s, as half of the argument's 2s, goes into its exponent. Contract section 2. */
export const rootArgument = ({ squares, epsilon }: Of<typeof normSum>, s: MantissaAndExponent) => {
  const { sum, steps } = squares;
  const shift = mux(steps.andR(), 2 * STEP, mux(steps.orR(), lit(uint(4), STEP), 0));
  return {
    value: sum.add(shrSteps(epsilon, steps)).as("root_argument"),
    s: { m: s.m, e: s.e.resize(SCALE_EXPONENT_BITS).subMod(shift.toSigned()).wrap(SCALE_EXPONENT_BITS) },
  };
};

export const SCALER_STATES = [
  "idle",
  "measure",
  "normalise",
  "seed",
  "square",
  "middle",
  "correct",
  "times_s",
  "times_k",
  "store",
] as const;

/** The number at hand, from the job's operands to (m, e): one method per state. */
export const computation = (head: Job, state: EnumReg<(typeof SCALER_STATES)[number]>) => {
  const is = kindsOf(head);
  const r = regs({
    value: uint(VALUE_BITS),
    length: uint(LENGTH_BITS),
    n: uint(SCALE_MANTISSA_BITS),
    s: uint(SCALE_MANTISSA_BITS),
    odd: bool,
    e: sint(SCALE_EXPONENT_BITS),
    zero: bool,
  });
  const odd = r.length.bit(0).not(); // (15 + e) & 1 with e = length - 16
  const r0 = firstApproximation(is.norm, odd, r.n, state.is("seed"));
  const { top, grow } = multiplier(
    {
      square: state.is("square"),
      middle: state.is("middle"),
      correct: state.is("correct"),
      timesS: state.is("times_s"),
      timesK: state.is("times_k"),
    },
    { isNorm: is.norm, isSoftmax: is.softmax, n: r.n, odd: r.odd, s: r.s, k: head.scaleM },
    r0,
  );
  return {
    is,
    load: (value: Bits, s: MantissaAndExponent): void => {
      const usesS = is.norm.or(is.activation);
      const noK = head.scaleM.bit(TOP).not();
      r.value.set(value.wrap(VALUE_BITS));
      r.s.set(s.m);
      r.e.set(mux(is.constant, head.scaleE.resize(SCALE_EXPONENT_BITS), s.e.resize(SCALE_EXPONENT_BITS)));
      r.zero.set(is.constant.not().and(noK.or(usesS.and(s.m.bit(TOP).not()))));
    },
    measure: (): void => r.length.set(bitLength(r.value).wrap(LENGTH_BITS)),
    normalise: (): void => {
      const aligned = r.value.dshl(lit(uint(LENGTH_BITS), VALUE_BITS).subMod(r.length));
      r.n.set(aligned.slice(VALUE_BITS - 1, VALUE_BITS - SCALE_MANTISSA_BITS).wrap(SCALE_MANTISSA_BITS));
      when(r.length.eq(0), () => r.zero.set(1));
    },
    seed: (): void => {
      const { root, reciprocal } = exponents(r.length, r.e);
      r.odd.set(odd);
      r.e.set(mux(is.norm, root, reciprocal).wrap(SCALE_EXPONENT_BITS));
    },
    timesK: (): void => r.e.set(plus(mux(is.norm, grow(r.e), r.e), head.scaleE)),
    /** K itself; products with Emax of the values on top. */
    result: (emax: Int): { m: Bits; e: Int } => {
      const values = mux(is.softmax, emax.wrap(SCALE_EXPONENT_BITS), 0);
      return {
        m: mux(is.constant, head.scaleM, mux(r.zero, 0, top)),
        e: mux(is.constant, r.e, mux(r.zero, 0, plus(grow(r.e), values))),
      };
    },
  };
};
