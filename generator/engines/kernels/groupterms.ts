/** From digit dot products that carry their signs apart to group sums: contract section 4, two adders a row. */
import { lit, mux, type Of, sint } from "../../hdl/index.js";
import { beatCode } from "../../isa/codes.js";
import type { Signed } from "../digits.js";
import { type engineGroups, GROUP_SUM_BITS } from "../kernel.js";
import type { engineBeat } from "../port.js";
import { addTerms, addOrSubtract, type Term } from "./addsub.js";

/**
 * As `groupSums` of digits.ts, from D_r = Σ u·a and Σa:
 *   w2: D_r + D_r + Σa     ternary: D_r     w4, even rows: D_r + 4·D_{r+1} + 2·Σa
 */
export const groupSumsOfTerms = (
  code: Of<ReturnType<typeof engineBeat>>["code"],
  dots: readonly Term[],
  all: Signed,
): Of<ReturnType<typeof engineGroups>>["groups"] => {
  const isW2 = code.eq(beatCode("w2")).as("code_is_w2");
  const isW4 = code.eq(beatCode("w4")).as("code_is_w4");
  const none = lit(sint(1), 0);
  const offset = mux(isW2, all, mux(isW4, all.shl(1), none)).as("offset");
  return dots.map((dot, r) => {
    const high = r & 1 ? undefined : dots[r + 1];
    const again = mux(isW2, dot.value, none);
    const second =
      high === undefined
        ? { value: again, negative: dot.negative }
        : {
            value: mux(isW4, high.value.shl(2), again),
            negative: mux(isW4, high.negative, dot.negative),
          };
    const digits = addTerms(dot, second);
    // modulo 2^16: |sum| <= 32·127·8 < 2^15
    const group = addOrSubtract(offset, digits.value.resize(GROUP_SUM_BITS), digits.negative.not());
    return group.wrap(GROUP_SUM_BITS).as(`group_${r}`);
  });
};
