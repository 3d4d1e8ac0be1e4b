/**
 * A two-bit field f = 2·f1 + f0 as two planes of signs: 2f - 3 = 2·s1 + s0 with s = 2f - 1 in {-1, 1}. So a row's planes
 * give W = Σ (2u + 1)·a exactly, and the group sums of contract section 4 follow from W and Σa.
 */
import { lit, mux, type Of, sint } from "../../hdl/index.js";
import { beatCode } from "../../isa/codes.js";
import type { Signed } from "../digits.js";
import { type engineGroups, GROUP_SUM_BITS } from "../kernel.js";
import type { engineBeat } from "../port.js";

/**
 * Group sums from W_r = Σ (2u + 1)·a and Σa:
 *   w2: W_r     ternary: (W_r - Σa) / 2     w4, even rows: (4·W_{r+1} + W_r - Σa) / 2
 * Both differences are even.
 */
export const groupSumsOfSigns = (
  code: Of<ReturnType<typeof engineBeat>>["code"],
  sums: readonly Signed[],
  all: Signed,
): Of<ReturnType<typeof engineGroups>>["groups"] => {
  const isW2 = code.eq(beatCode("w2")).as("code_is_w2");
  const isW4 = code.eq(beatCode("w4")).as("code_is_w4");
  const subtracted = mux(isW2, lit(sint(all.width), 0), all).as("subtracted");
  return sums.map((sum, r) => {
    const next = sums[r + 1];
    const high = r & 1 || next === undefined ? null : mux(isW4, next.shl(2), lit(sint(3), 0));
    const digits = high === null ? sum : high.add(sum);
    const twice = digits.sub(subtracted).as(`twice_${r}`);
    return mux(isW2, twice, twice.shr(1)).resize(GROUP_SUM_BITS).as(`group_${r}`);
  });
};
