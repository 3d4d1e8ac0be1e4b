/**
 * Add/subtract tree in the fabric: every lane chooses among -2a, -a, 0 and a, and an adder tree sums 32 of them a row.
 * No multiplier. TerEffic's ternary core (arXiv 2502.16473) and BitNet's observation that ternary needs only additions
 * (arXiv 2402.17764), with the fourth level of the two-bit digit added; wider weights are two digits in two rows.
 */
import { defineModule, lit, select, sint, sum } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { activationSum, alongside, digit, fours, groupSums, range } from "../digits.js";
import { engineGroups, FAMILIES, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";

export const tree: Kernel = {
  name: "tree",
  title: "add/subtract tree in the fabric",
  source: "TerEffic, arXiv 2502.16473; BitNet b1.58, arXiv 2402.17764",
  codes: ["w2", "w4", "ternary"],
  families: FAMILIES,
  exactness: () => ({ depth: GROUP, reason: "every adder is as wide as its sum", minus128: "refused" }),
  cyclesPerBeat: () => 1,
  build: (c) => {
    checkKernelRows(c);
    return defineModule(
      `tree_kernel_${lanes(c)}`,
      { ...kernelPorts(c), doc: `Add/subtract tree: ${c.rows} rows of ${GROUP} two-bit lanes.` },
      ({ beat }) => ({
        groups: beat.pipe(engineGroups(c), (p, cut) => {
          // -a once per column, for all rows; a = -128 does not occur, so it fits 8 bits
          const weights = cut(p.weights.as("weights"));
          const act = p.act.map((a, i) => cut(a.as(`act_${i}`)));
          const negative = p.act.map((a, i) => cut(a.neg().wrap(8).as(`negative_${i}`)));
          const zero = lit(sint(9), 0);
          const dots = range(c.rows).map((r) => {
            const products = range(GROUP).map((i) =>
              select(digit(c, weights, r, i), [
                negative[i]!.shl(1),
                negative[i]!.extend(9),
                zero,
                act[i]!.extend(9),
              ]).as(`product_${r}_${i}`),
            );
            const dot4 = fours(products).map((s, i) => cut(s.as(`dot4_${r}_${i}`)));
            const dot16 = fours(dot4).map((s, i) => cut(s.as(`dot16_${r}_${i}`)));
            return sum(dot16).as(`dot_${r}`);
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
