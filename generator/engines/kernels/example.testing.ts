/**
 * Index multiplexers before an adder tree, for 2:4 weights. FlightLLM (arXiv 2401.03868), sparse DSP chain: a "sparse MUX" picks
 * the activation that each stored weight belongs to, so that only kept columns are multiplied.
 */
import { defineModule, select, sum } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { alongside, digit, fours, range } from "../digits.js";
import { engineGroups, FAMILIES, GROUP_SUM_BITS, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";

/** Two of every four columns. */
const KEPT = GROUP / 2;

export const indexMux: Kernel = {
  name: "index-mux",
  title: "index multiplexers before an adder tree",
  source: "FlightLLM, arXiv 2401.03868, sparse MUX",
  codes: ["n24"],
  families: FAMILIES,
  exactness: () => ({ depth: KEPT, reason: "every adder is as wide as its sum", minus128: "exact" }),
  cyclesPerBeat: () => 1,
  build: (c) => {
    checkKernelRows(c);
    return defineModule(
      `index_mux_kernel_${lanes(c)}`,
      { ...kernelPorts(c), doc: `${c.rows} rows of ${KEPT} kept columns, each with its index.` },
      ({ beat }) => ({
        groups: beat.pipe(engineGroups(c), (p, cut) => {
          const groups = range(c.rows).map((r) => {
            const products = range(KEPT).map((k) => {
              // Columns 4q..4q+3 of a row hold value, value, index, index.
              const q = 4 * (k >> 1);
              const value = digit(c, p.weights, r, q + (k & 1));
              const index = digit(c, p.weights, r, q + 2 + (k & 1));
              const kept = cut(select(index, p.act.slice(q, q + 4)).as(`kept_${r}_${k}`));
              // Field u + 2 stands for w = 2u + 1: -3, -1, 1, 3.
              const thrice = kept.shl(1).add(kept).as(`thrice_${r}_${k}`);
              const product = select(cut(value), [thrice.neg(), kept.neg(), kept, thrice]);
              return cut(product.as(`product_${r}_${k}`));
            });
            return cut(sum(fours(products)).as(`dot_${r}`)).extend(GROUP_SUM_BITS); // < 16·3·128 < 2^15
          });
          return alongside(p, groups);
        }),
      }),
    );
  },
};
