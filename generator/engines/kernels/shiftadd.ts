/**
 * Shift and add in place of multiplication: MixPE (arXiv 2411.16158: shift-add PE, and dequantisation after the integer sum
 * of a group). The digit is f = u + 2 with zero point 2: each bit of it adds its activation, shifted to the bit's place.
 * The zero point meets the group sum, once, as 2·Σa; the scale follows in `finish`.
 */
import { defineModule, lit, mux, type Sig, sint, sum } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { alongside, digit, fours, groupSums, range, type Signed } from "../digits.js";
import { engineGroups, FAMILIES, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { sumByLevels } from "./addsub.js";

/** f·a: one shifted activation for each bit of f. */
export const shiftedAndAdded = (f: Sig<"u", number>, a: Signed): Signed =>
  sum(range(f.width).map((bit) => mux(f.bit(bit), a.shl(bit), lit(sint(1), 0))));

export const shiftAdd: Kernel = {
  name: "shift-add",
  title: "each bit of a weight adds its activation, shifted",
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
          const zero = sumByLevels(p.act, cut).shl(1).as("zero_points");
          const dots = range(c.rows).map((r) => {
            const products = p.act.map((a, i) => {
              const f = digit(c, p.weights, r, i);
              return cut(shiftedAndAdded(f, a).as(`product_${r}_${i}`));
            });
            const dot4 = fours(products).map((s, i) => cut(s.as(`dot4_${r}_${i}`)));
            const dot16 = fours(dot4).map((s, i) => cut(s.as(`dot16_${r}_${i}`)));
            return cut(cut(sum(dot16)).sub(zero).as(`dot_${r}`));
          });
          return alongside(
            p,
            groupSums(p.code, dots, zero.shr(1)).map((g) => cut(g)),
          );
        }),
      }),
    );
  },
};
