/**
 * Binary decomposition of both operands: ABQ-LLM, arXiv 2408.08554. Weight planes times activation planes, each an AND and
 * a count of ones, shifted by both places and added; so any width by any width. All planes stand side by side: one of eight
 * activation planes a cycle would save seven eighths of the counters, and lose as much of the rate.
 */
import { defineModule, type Sig, sum } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { activationSum, alongside, digit, groupSums, range, type Signed } from "../digits.js";
import { engineGroups, FAMILIES, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";

const WEIGHT_PLANES = 2;
const ACTIVATION_PLANES = 8;
/** Ones counted before a register. */
const COUNTED = 8;

/** Σ 2^i·v_i, neighbours first. */
export const shiftedSum = (values: readonly Signed[]): Signed => {
  if (values.length === 1) return values[0]!;
  const half = Math.ceil(values.length / 2);
  return shiftedSum(values.slice(0, half)).add(shiftedSum(values.slice(half)).shl(half));
};

/** Places of two's complement: the highest counts as minus. */
export const twosComplement = (counts: readonly Sig<"u", number>[]): Signed[] =>
  counts.map((n, k) => (k === counts.length - 1 ? n.neg() : n.toSigned()));

export const binary: Kernel = {
  name: "binary",
  title: "planes of weights and of activations: AND, count, shift",
  source: "ABQ-LLM, arXiv 2408.08554: arbitrary bits from binary products",
  codes: ["w2", "w4", "ternary"],
  families: FAMILIES,
  exactness: () => ({
    depth: GROUP,
    reason: "counts and adders are as wide as their sums",
    minus128: "refused",
  }),
  cyclesPerBeat: () => 1,
  build: (c) => {
    checkKernelRows(c);
    return defineModule(
      `binary_kernel_${lanes(c)}`,
      {
        ...kernelPorts(c),
        doc: `Binary decomposition: ${c.rows} rows of ${GROUP} columns of two by eight planes.`,
      },
      ({ beat }) => ({
        groups: beat.pipe(engineGroups(c), (p, cut) => {
          const weights = cut(p.weights.as("weights"));
          const act = p.act.map((a, i) => cut(a.as(`act_${i}`)));
          const all = activationSum(act, cut);
          const dots = range(c.rows).map((r) => {
            const fields = range(WEIGHT_PLANES).map((j) => {
              const counts = range(ACTIVATION_PLANES).map((k) => {
                const ones = range(GROUP).map((i) => digit(c, weights, r, i).bit(j).and(act[i]!.bit(k)));
                const parts = range(GROUP / COUNTED).map((i) =>
                  sum(ones.slice(COUNTED * i, COUNTED * i + COUNTED)),
                );
                return sum(cut(parts)).as(`ones_${r}_${j}_${k}`);
              });
              return cut(shiftedSum(twosComplement(cut(counts)))).as(`plane_${r}_${j}`);
            });
            return shiftedSum(fields).sub(all.shl(1)).as(`dot_${r}`); // digits u + 2, so minus 2·Σa
          });
          return alongside(
            p,
            groupSums(p.code, cut(dots), all).map((g) => cut(g)),
          );
        }),
      }),
    );
  },
};
