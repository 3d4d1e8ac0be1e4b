/** SiLU (or, where the hardware has it, squared ReLU) of the gate times the up projection. Contract section 7. */
import { SIGMOID } from "../../golden/contract/tables.js";
import { bool, defineModule, delay, lit, Mem, mux, reg, sint, uint, vec, when } from "../hdl/index.js";
import { type AcceleratorConfig, countBits, where } from "../isa/config.js";
import { tokWidth } from "./memories.js";
import { magnitude } from "./reciprocal.js";
import { type Bits, type Bool, type Int, ofToken, past, pastValid, range } from "./signals.js";
import { ELEMENT_BITS, VALUE_BITS } from "./widths.js";

/** Cycles from an up element to its h. */
export const GATEUP_LATENCY = 7;
/** Cycles from a gate element to its SiLU or square, which then waits for the up element. */
const SILU_LATENCY = 5;

/** Gate and up: 12 fraction bits. Sigmoid: 16, from a table of 256 intervals of 1/16 with linear interpolation. */
const SIGMOID_FRACTION = 16;
const INTERVALS = 256;
const INTERVAL_BITS = 8;
const INDEX_BITS = 8;
const UP_SHIFT = 8;
/** max(gate, 0)^2 loses as many bits as the sigmoid has; of 24-bit gates it stays below 2^30. */
const SQUARE_BITS = 31;
const SQUARE_UP_SHIFT = 18;
const heldBits = ({ features }: AcceleratorConfig): number => (features.relu2 ? SQUARE_BITS : VALUE_BITS);

const table = (name: string, bits: number, contents: readonly number[]) =>
  new Mem(name, uint(bits), INTERVALS, { contents, style: "block" });
/** What the sigmoid rises to the next entry: from a table of its own, so that no subtraction stands before the multiplier. */
const RISES = range(INTERVALS).map((i) => SIGMOID[i + 1]! - SIGMOID[i]!);
const RISE_BITS = countBits(Math.max(...RISES));

/** sigmoid(value) with 16 fraction bits, of the value one cycle ago and its sign two later: 3 registers. */
const sigmoid = (value: (age: number) => Int): Bits => {
  const size = magnitude(value(1)).as("size");
  const index = size.slice(INTERVAL_BITS + INDEX_BITS - 1, INTERVAL_BITS);
  const here = table("sigmoid", SIGMOID_FRACTION + 1, SIGMOID.slice(0, INTERVALS)).read(index);
  const slope = table("sigmoid_slope", RISE_BITS, RISES).read(index);
  const fraction = delay(size.slice(INTERVAL_BITS - 1, 0), 1, "fraction");
  const beyond = past(size.slice(VALUE_BITS - 1, INTERVAL_BITS + INDEX_BITS).orR(), "beyond");
  const rise = delay(slope.mul(fraction).roundShr(INTERVAL_BITS), 1, "rise");
  const base = delay(here, 1, "base");
  const one = lit(uint(SIGMOID_FRACTION + 1), 1 << SIGMOID_FRACTION);
  const interpolated = base.add(rise).wrap(SIGMOID_FRACTION + 1);
  const positive = mux(beyond(2), one, interpolated).as("positive");
  return delay(mux(value(3).isNeg(), one.subMod(positive), positive), 1, "sigma");
};

/** `other` for jobs with squared ReLU. */
const orSquared = (relu2: readonly Bool[], silu: Int, other: () => Int): Int =>
  relu2.reduce((value, is) => mux(is, other(), value), silu);

/** The SiLU or square of each token's gate element, held until its up element comes. */
const heldPerToken = (c: AcceleratorConfig, silu: Int, valid: Bool, tok: Bits): Int[] =>
  range(c.tokens).map((t) => {
    const held = reg(`silu_${t}`, sint(heldBits(c)));
    when(valid.and(tok.eq(t)), () => held.set(silu));
    return held;
  });

/**
 * Takes gate (even) and up (odd) rows of a token in turn, int24 with 12 fraction bits; h = sat(rshr(SiLU(gate)·up, 8), 32)
 * comes out GATEUP_LATENCY cycles after the up row. With `relu2`: s = rshr(max(gate, 0)^2, 16), h = sat(rshr(s·up, 18), 32).
 * Rows may come every cycle, tokens in any order. Contract section 7.
 */
export const gateup = (c: AcceleratorConfig) =>
  defineModule(
    "gateup",
    {
      in: {
        x: {
          valid: bool,
          value: sint(VALUE_BITS),
          odd: bool,
          tok: uint(tokWidth(c)),
          relu2: vec(bool, where(c.features.relu2)),
        },
      },
      out: { valid: bool, value: sint(ELEMENT_BITS), saturated: bool },
      doc: "SiLU(gate) times up (contract section 7).",
    },
    ({ x }) => {
      // 1: value; 2: table; 3: interpolated; 4: sigmoid; 5: gate·sigmoid; then held; 6: silu·up; 7: h
      const value = past<"s", number>(x.value, "value");
      const squares = x.relu2.map((is) => past(is, "relu2"));
      const relu2 = (age: number): readonly Bool[] => squares.map((at) => at(age));
      const sigma = sigmoid(value);
      const gateAt = value(SILU_LATENCY - 1);
      const factor = orSquared(relu2(SILU_LATENCY - 1), sigma.toSigned(), () =>
        mux(gateAt.isNeg(), 0, gateAt),
      );
      const product = delay(gateAt.mul(factor), 1, "gate_sigma");
      const silu = product.roundShr(SIGMOID_FRACTION).wrap(heldBits(c)).as("silu");
      const odd = delay(x.odd, SILU_LATENCY, "odd");
      const tok = delay(x.tok, SILU_LATENCY, "tok");
      const valid = pastValid(x.valid, "valid")(SILU_LATENCY);
      const gate = ofToken(tok, heldPerToken(c, silu, valid.and(odd.not()), tok));
      const scaled = delay(gate.mul(value(SILU_LATENCY)), 1, "silu_up");
      const rounded = orSquared(relu2(SILU_LATENCY + 1), scaled.roundShr(UP_SHIFT), () =>
        scaled.roundShr(SQUARE_UP_SHIFT),
      ).as("rounded");
      const h = rounded.sat(ELEMENT_BITS);
      const hValid = pastValid(valid.and(odd), "h_valid")(GATEUP_LATENCY - SILU_LATENCY);
      return {
        valid: hValid,
        value: delay(h, 1, "h"),
        saturated: delay(rounded.ne(h), 1, "clipped").and(hValid),
      };
    },
  );
