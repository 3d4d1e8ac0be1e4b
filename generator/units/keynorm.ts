/**
 * The norm of keys, in hardware for models that have one: 1/rms of a head, then each of its values by that and minus the mean,
 * on the way from the cache writer's buffers to their codes. Contract section 5a.
 */
import {
  bool,
  enumReg,
  lit,
  match,
  mux,
  type Of,
  reg,
  regs,
  sint,
  type Stream,
  uint,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { SCALINGS } from "../isa/instruction.js";
import { type ConstantWrite, constantRam } from "./constants.js";
import type { keyNormConstants } from "./normconstants.js";
import { magnitude } from "./reciprocal.js";
import { computation, rootArgument, SCALER_STATES } from "./scalernumber.js";
import type { Bits, Bool, Int } from "./signals.js";
import type { squares } from "./squares.js";
import { SCALE_MANTISSA_BITS, VALUE_BITS } from "./widths.js";

const MEAN_STRIDE = 32;
const SHIFT_BITS = 6;
const MOST_SHIFT = 2 ** SHIFT_BITS - 1;
const PRODUCT_BITS = VALUE_BITS + SCALE_MANTISSA_BITS + 1;
/** S = 1 changes nothing: mul(1, r) = r. */
const ONE = { m: 2 ** 15, e: -15 };

/** R = mul(R(SK, s, E), K_knorm), by the steps of the scaler, ten cycles from `start` to `done`. */
const keyRoot = (sums: Of<typeof squares>, k: Of<typeof keyNormConstants>, clips: () => void) => {
  const state = enumReg("root_state", SCALER_STATES);
  const norm = lit(uint(2), SCALINGS.indexOf("norm"));
  const number = computation({ scaling: norm, scaleM: k.m, scaleE: k.e }, state);
  const root = regs({ root_m: uint(SCALE_MANTISSA_BITS), root_shift: uint(SHIFT_BITS) });
  match(state, {
    idle: () => undefined,
    measure: () => {
      number.measure();
      state.go("normalise");
    },
    normalise: () => {
      number.normalise();
      state.go("seed");
    },
    seed: () => {
      number.seed();
      state.go("square");
    },
    square: () => state.go("middle"),
    middle: () => state.go("correct"),
    correct: () => state.go("times_s"),
    times_s: () => state.go("times_k"),
    times_k: () => {
      number.timesK();
      state.go("store");
    },
    store: () => {
      const { m, e } = number.result(lit(sint(16), 0));
      const shift = e.neg().as("shift"); // of more than 62 bits nothing is left
      const low = mux(shift.gt(MOST_SHIFT), MOST_SHIFT, shift.asUnsigned().resize(SHIFT_BITS));
      root.root_m.set(m);
      root.root_shift.set(mux(shift.isNeg(), 0, low).resize(SHIFT_BITS));
      when(shift.isNeg(), clips);
      state.go("idle");
    },
  });
  return {
    m: root.root_m,
    shift: root.root_shift,
    done: state.is("store"),
    start: (): void => {
      const one = { m: lit(uint(SCALE_MANTISSA_BITS), ONE.m), e: lit(sint(6), ONE.e) };
      const root = rootArgument({ squares: sums, epsilon: k.epsilon }, one);
      number.load(root.value, root.s);
      state.go("measure");
    },
  };
};

/** A value on its way from the buffer to its code. */
export interface Travelling {
  readonly value: Int;
  /** Its place in the head. */
  readonly element: Bits;
  readonly valid: Bool;
}
export interface Stages extends Travelling {
  /** Under `moves`. */
  step(): void;
}

/** The head at hand. */
export interface HeadAtHand {
  readonly isValue: Bool;
  readonly normed: Bool;
  /** Row of its element 0. */
  readonly row: Bits;
}
/** Sums of squares, a head and token after the other; E and K_knorm; writes of the mean. */
export interface NormOfKeys {
  readonly squares: Stream<typeof squares>;
  readonly constants: Of<typeof keyNormConstants>;
  readonly load: ConstantWrite;
}

/** Three registers: v·Rm, sat(rshr(.., -Re), 24), minus the mean. Keys without a norm keep their value, values of V in all three. */
const keyStages = (
  c: AcceleratorConfig,
  h: HeadAtHand & { readonly m: Bits; readonly shift: Bits },
  load: ConstantWrite,
  from: Travelling,
  moves: Bool,
  clips: () => void,
): Stages => {
  const element = uint(from.element.width);
  const r = regs({
    rooted: sint(PRODUCT_BITS),
    rooted_element: element,
    rounded: sint(VALUE_BITS),
    rounded_element: element,
    centred: sint(VALUE_BITS),
    centred_element: element,
  });
  const rootedValid = reg("rooted_valid", bool, { reset: 0 });
  const roundedValid = reg("rounded_valid", bool, { reset: 0 });
  const centredValid = reg("centred_valid", bool, { reset: 0 });

  // rshr(a, n) = ((2a >> n) + 1) >> 1 for every n
  const rshr = r.rooted.shl(1).dshr(h.shift).add(1).shr(1).as("rshr");
  const clipped = rshr.sat(VALUE_BITS);
  // the mean of what is rounded in the next cycle: its RAM takes one
  const ahead = mux(moves, r.rooted_element, r.rounded_element);
  const index = h.row.addMod(ahead.resize(h.row.width)).as("mean_index");
  const { element: mean } = constantRam(c, "kmean", c.kmeanEntries, VALUE_BITS, MEAN_STRIDE).inst("u_kmean", {
    write: load,
    index: index.resize(log2(c.kmeanEntries)),
  });
  const difference = r.rounded.sub(mean.asSigned()).as("difference");
  const key = difference.sat(VALUE_BITS);
  return {
    value: r.centred,
    element: r.centred_element,
    valid: centredValid,
    step: (): void => {
      rootedValid.set(from.valid);
      r.rooted_element.set(from.element);
      r.rooted.set(mux(h.normed, from.value.mul(h.m.toSigned()), from.value).resize(PRODUCT_BITS));
      roundedValid.set(rootedValid);
      r.rounded_element.set(r.rooted_element);
      r.rounded.set(mux(h.normed, clipped, r.rooted.wrap(VALUE_BITS)));
      centredValid.set(roundedValid);
      r.centred_element.set(r.rounded_element);
      r.centred.set(mux(h.isValue, r.rounded, key));
      when(rootedValid.and(h.normed).and(rshr.ne(clipped)), clips);
      when(roundedValid.and(h.isValue.not()).and(difference.ne(key)), clips);
    },
  };
};

/** The norm of the head at hand, for the writing side: `start` to `rooted`, then `clear` and `measure` each value, then codes. */
export const keyNorm = (c: AcceleratorConfig, h: HeadAtHand, norm: NormOfKeys, moves: Bool) => {
  const saturated = reg("norm_saturated", bool, { reset: 0 });
  const clips = (): void => saturated.set(1);
  const root = keyRoot(norm.squares.payload, norm.constants, clips);
  norm.squares.consume(root.done);
  const peak = reg("normed_peak", uint(VALUE_BITS));
  return {
    normed: h.normed,
    saturated,
    start: root.start,
    rooted: root.done,
    /** Largest magnitude that was measured. */
    peak,
    clear: (): void => peak.set(0),
    measure: ({ value, valid }: Travelling): void => {
      const size = magnitude(value).as("normed_size");
      when(valid.and(size.gt(peak)), () => peak.set(size));
    },
    stages: (from: Travelling): Stages =>
      keyStages(c, { ...h, m: root.m, shift: root.shift }, norm.load, from, moves, clips),
  };
};
