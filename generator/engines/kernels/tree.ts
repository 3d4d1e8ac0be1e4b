/**
 * Add/subtract tree in the fabric: a lane passes 2a, a or nothing, and the sign of its digit makes the adder of two
 * neighbours add or subtract. No multiplier, and nobody negates. TerEffic's ternary core (arXiv 2502.16473) and BitNet's
 * observation that ternary needs only additions (arXiv 2402.17764), with the fourth level of the two-bit digit added;
 * wider weights are two digits in two rows.
 */
import { defineModule, lit, select, type Sig, sint } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { alongside, digit, range, type Signed } from "../digits.js";
import { engineGroups, FAMILIES, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { addOrSubtract, pairsOfTerms, sumByLevels, sumOfTerms, type Term } from "./addsub.js";
import { groupSumsOfTerms } from "./groupterms.js";

/** |u|·a of the field u + 2, whose high bit is 0 where u is negative. */
export const laneOf = (field: Sig<"u", number>, a: Signed): Signed =>
  select(field, [a.shl(1), a.extend(9), lit(sint(9), 0), a.extend(9)]);

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
          const act = p.act.map((a, i) => a.as(`act_${i}`));
          const dots = range(c.rows).map((r) => {
            // The left lane has its register behind it, the right one before it and shares the adder's LUTs.
            const dot2 = range(GROUP / 2).map((i): Term => {
              const [left, right] = [digit(c, p.weights, r, 2 * i), digit(c, p.weights, r, 2 * i + 1)];
              const first = cut(laneOf(left, act[2 * i]!)).as(`lane_${r}_${2 * i}`);
              const second = laneOf(cut(right), cut(act[2 * i + 1]!)).as(`lane_${r}_${2 * i + 1}`);
              const unlike = cut(left.bit(1).ne(right.bit(1)));
              const value = addOrSubtract(first, second, unlike.not()).as(`dot2_${r}_${i}`);
              return { value, negative: cut(left.bit(1).not()) };
            });
            const { value, negative } = sumOfTerms(cut(pairsOfTerms(dot2)), cut);
            return { value: value.as(`dot_${r}`), negative };
          });
          return alongside(
            p,
            groupSumsOfTerms(p.code, dots, sumByLevels(act, cut).as("act_sum")).map((g) => cut(g)),
          );
        }),
      }),
    );
  },
};
