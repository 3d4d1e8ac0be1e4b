/**
 * Shared activation: three rows in one multiplier. Their digits stand 12 bits apart in the wide operand, the activation is the other
 * one, and a cascade sums eight columns before its lanes could overflow (AccLLM, arXiv 2505.03745, packs W2A8 so; lanes as in
 * DSP-Packing, arXiv 2203.11028, but exact: dsp/packing.ts). The fields u + 2 are wired to the operand as they are, and the pre-adder
 * takes the 2 off in every lane. Weights 2u + 1 and digit pairs follow from the sums: digits.ts.
 */
import { defineModule, type Sig } from "../../hdl/index.js";
import { type AcceleratorConfig, lanes } from "../../isa/config.js";
import { activationSum, alongside, digit, groupSums, range, type Signed } from "../digits.js";
import { type Product, SLICES } from "../dsp/cascade.js";
import { cascadeDepth, packedDots, type Unpack } from "../dsp/dots.js";
import { type Packing, packing, sideBySide } from "../dsp/packing.js";
import { engineGroups, FAMILIES, type Family, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";

/** The values of a digit: all four, or without -2, which halves the products and doubles the depth. */
export interface Digits {
  readonly name: string;
  readonly largest: 1 | 2;
}
const FOUR_LEVELS: Digits = { name: "shared_activation", largest: 2 };
const TERNARY: Digits = { name: "shared_activation_ternary", largest: 1 };

/** So many rows in one operand: three where it is wide enough, else two. */
export const rowPacking = (family: Family, digits: Digits, rows: number): Packing =>
  packing({
    operand: SLICES[family].multiplicand,
    lanes: rows,
    value: 3, // the field u + 2 before the pre-adder, and -2 with a borrow behind it
    largest: 127 * digits.largest,
    wanted: GROUP,
  });
const mostRows = (family: Family): number => (SLICES[family].multiplicand >= 25 ? 3 : 2);

/** Rows by multiplier: as few multipliers as possible, and two and two rather than three and one. */
export const rowGroups = (rows: number, most: number): number[][] => {
  const groups = Math.ceil(rows / most);
  let at = 0;
  return range(groups).map((g) => {
    const size = Math.ceil((rows - at) / (groups - g));
    at += size;
    return range(size).map((i) => at - size + i);
  });
};

/** The fields u + 2 of some rows and their activation. */
export const rowProduct = (pack: Packing, fields: readonly Sig<"u", number>[], act: Signed): Product => ({
  ...sideBySide(pack, fields, 2),
  multiplier: act,
});

/** `unpack` is for tests. */
export const buildSharedActivation = (
  c: AcceleratorConfig,
  family: Family,
  digits: Digits = FOUR_LEVELS,
  unpack?: Unpack,
) => {
  checkKernelRows(c);
  const multipliers = rowGroups(c.rows, mostRows(family)).map((rows) => ({
    rows,
    pack: rowPacking(family, digits, rows.length),
  }));
  return defineModule(
    `${digits.name}_kernel_${lanes(c)}_${family}`,
    {
      ...kernelPorts(c),
      doc: `Shared activation: rows ${multipliers.map(({ rows }) => rows.join("+")).join(", ")} in one multiplier each.`,
    },
    ({ beat }) => ({
      groups: beat.pipe(engineGroups(c), (p, cut, stages) => {
        const fields = range(c.rows).map((r) =>
          range(GROUP).map((i) => digit(c, p.weights, r, i).as(`field_${r}_${i}`)),
        );
        const dots = multipliers.flatMap(({ rows, pack }) =>
          packedDots(
            { family, name: `rows_${rows.join("_")}`, packing: pack, ...(unpack && { unpack }) },
            (column, at) =>
              rowProduct(
                pack,
                rows.map((r) => at(fields[r]![column]!)),
                at(p.act[column]!),
              ),
            cut,
            stages,
          ),
        );
        const named = dots.map((dot, r) => dot.as(`dot_${r}`));
        return alongside(
          p,
          groupSums(p.code, named, activationSum(p.act, cut)).map((g) => cut(g)),
        );
      }),
    }),
  );
};

const exactness = (digits: Digits) => (c: AcceleratorConfig) => {
  const three = rowPacking("xcup", digits, Math.min(3, c.rows));
  return {
    depth: cascadeDepth(three),
    reason: `|u·a| <= ${three.largest}, so ${three.spacing} bits hold the sum of ${three.depth} products and not of one more`,
    minus128: "refused",
  } as const;
};

export const sharedActivation: Kernel = {
  name: "shared-activation",
  title: "three rows in one multiplier, sharing the activation",
  source: "AccLLM, arXiv 2505.03745; DSP-Packing, arXiv 2203.11028",
  codes: ["w2", "w4", "ternary"],
  families: FAMILIES,
  exactness: exactness(FOUR_LEVELS),
  cyclesPerBeat: () => 1,
  build: (c, family) => buildSharedActivation(c, family),
};

export const sharedActivationTernary: Kernel = {
  ...sharedActivation,
  name: "shared-activation-ternary",
  title: "three ternary rows in one multiplier, in cascades twice as deep",
  codes: ["ternary"],
  exactness: exactness(TERNARY),
  build: (c, family) => buildSharedActivation(c, family, TERNARY),
};
