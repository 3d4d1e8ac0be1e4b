/** Two-bit digits of a beat, and from their dot products to group sums: contract section 4. */
import { type Cut, lit, mux, type Of, type Sig, sint, sum } from "../hdl/index.js";
import { beatCode } from "../isa/codes.js";
import { type engineGroups, GROUP_SUM_BITS } from "./kernel.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { type engineBeat, fieldAt } from "./port.js";

export type Signed = Sig<"s", number>;
type Beat = Of<ReturnType<typeof engineBeat>>;
type Groups = Of<ReturnType<typeof engineGroups>>;

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The field u + 2 of a row and column: two bits. */
export const digit = (
  c: AcceleratorConfig,
  weights: Beat["weights"],
  row: number,
  column: number,
): Sig<"u", number> => {
  const at = fieldAt(c.rows, row, column);
  return weights.slice(at + 1, at);
};

/** Sums of four neighbours: two adder levels. */
export const fours = (xs: readonly Signed[]): Signed[] =>
  range(xs.length / 4).map((i) => sum(xs.slice(4 * i, 4 * i + 4)));

/** Σa of the 32 activations, registered once per two adder levels; `name` for the Verilog. */
export const activationSum = (act: readonly Signed[], cut: Cut): Signed => {
  const act4 = fours(act).map((s, i) => cut(s.as(`act4_${i}`)));
  const act16 = fours(act4).map((s, i) => cut(s.as(`act16_${i}`)));
  return sum(act16).as("act_sum");
};

/**
 * Group sums from digit dot products D_r = Σ u·a and Σa:
 *   w2: 2·D_r + Σa     ternary: D_r     w4, even rows: 4·D_{r+1} + D_r + 2·Σa
 */
export const groupSums = (code: Beat["code"], dots: readonly Signed[], all: Signed): Groups["groups"] => {
  const isW2 = code.eq(beatCode("w2")).as("code_is_w2");
  const isW4 = code.eq(beatCode("w4")).as("code_is_w4");
  const none = lit(sint(all.width + 1), 0);
  const offset = mux(isW2, all.extend(all.width + 1), mux(isW4, all.shl(1), none)).as("offset");
  return dots.map((dot, r) => {
    const twice = mux(isW2, dot.shl(1), dot.extend(dot.width + 1)).resize(GROUP_SUM_BITS);
    const digits =
      r & 1 || r + 1 === dots.length
        ? twice
        : mux(isW4, dot.add(dots[r + 1]!.shl(2)).wrap(GROUP_SUM_BITS), twice);
    return digits.addMod(offset).wrap(GROUP_SUM_BITS).as(`group_${r}`); // |sum| <= 32·127·8 < 2^15
  });
};

/** The parts of a beat that only travel along. */
export const alongside = (beat: Beat, groups: Groups["groups"]): Groups => ({
  groups,
  mantissa: beat.mantissa,
  first: beat.first,
  last: beat.last,
  tag: beat.tag,
});
