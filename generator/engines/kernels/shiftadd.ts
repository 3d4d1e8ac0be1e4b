/**
 * Shift and add in place of multiplication: MixPE (arXiv 2411.16158: shift-add PE, and dequantisation after the integer sum
 * of a group). A digit u in {-2..1} shifts its activation by one place, by none, or drops it; its sign makes the adder of two
 * neighbours add or subtract. Scales and zero points meet the group sum, once.
 */
import { defineModule, lit, select, type Sig, sint } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { activationSum, alongside, digit, groupSums, range, type Signed } from "../digits.js";
import { engineGroups, FAMILIES, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { addOrSubtract, pairsOfTerms, settled, sumOfTerms, type Term } from "./addsub.js";

/** |u|·a of the field u + 2, whose high bit is 0 where u is negative. */
export const shifted = (field: Sig<"u", number>, a: Signed): Signed =>
  select(field, [a.shl(1), a.extend(9), lit(sint(9), 0), a.extend(9)]);

export const shiftAdd: Kernel = {
  name: "shift-add",
  title: "activations shifted by the digits, then added or subtracted",
  source: "MixPE, arXiv 2411.16158: shift-add PE",
  codes: ["w2", "w4", "ternary"],
  families: FAMILIES,
  exactness: () => ({ depth: GROUP, reason: "every adder is as wide as its sum", minus128: "refused" }),
  cyclesPerBeat: () => 1,
  build: (c) => {
    checkKernelRows(c);
    return defineModule(
      `shift_add_kernel_${lanes(c)}`,
      { ...kernelPorts(c), doc: `Shift-add: ${c.rows} rows of ${GROUP} two-bit lanes.` },
      ({ beat }) => ({
        groups: beat.pipe(engineGroups(c), (p, cut) => {
          const weights = cut(p.weights.as("weights"));
          const act = p.act.map((a, i) => cut(a.as(`act_${i}`)));
          const dots = range(c.rows).map((r) => {
            const dot2 = range(GROUP / 2).map((i): Term => {
              const [left, right] = [digit(c, weights, r, 2 * i), digit(c, weights, r, 2 * i + 1)];
              const minus = left.bit(1).not();
              const alike = cut(left.bit(1).eq(right.bit(1)));
              // The left shift has a register behind it, the right one before it and shares the adder's LUTs.
              const first = cut(shifted(left, act[2 * i]!)).as(`shifted_${r}_${2 * i}`);
              const second = shifted(cut(right), cut(act[2 * i + 1]!)).as(`shifted_${r}_${2 * i + 1}`);
              const value = addOrSubtract(first, second, alike).as(`dot2_${r}_${i}`);
              return { value, negative: cut(minus) };
            });
            return settled(cut(sumOfTerms(cut(pairsOfTerms(dot2)), cut))).as(`dot_${r}`);
          });
          return alongside(
            p,
            groupSums(p.code, dots, activationSum(act, cut)).map((g) => cut(g)),
          );
        }),
      }),
    );
  },
};
