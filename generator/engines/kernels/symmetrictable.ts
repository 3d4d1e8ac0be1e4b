/**
 * Table lookup with mirrored tables: T-MAC (arXiv 2407.00088: bit-wise lookup, mirror consolidation) and LUT Tensor Core
 * (arXiv 2408.06003: symmetric tables). A weight plane holds signs; of the 2^G signed sums of G activations only those with
 * +a_0 are built, once for all rows; the rest are their negatives, and the adders subtract them. The two planes of the digit
 * stand side by side.
 */
import { cat, type Cut, defineModule, replicate, select, type Sig } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { activationSum, alongside, digit, range, type Signed } from "../digits.js";
import { engineGroups, FAMILIES, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { addTerms, settled, sumOfTerms, type Term } from "./addsub.js";
import { groupSumsOfSigns } from "./signs.js";

/** Activations per table. Four, as in the papers, store eight entries: two LUTs and more a bit, where three take one LUT6. */
const G = 3;
/** Columns of each table; the last may have fewer. */
const TABLES = range(Math.ceil(GROUP / G)).map((g) => range(GROUP).slice(G * g, G * g + G));

/** Entry e is a_0 ± a_1 ± ..., plus a_k where bit k-1 of e is 1. Its halves are such tables too, the right one mirrored. */
export const halfTable = (act: readonly Signed[]): Signed[] => {
  if (act.length === 1) return [...act];
  const size = 2 ** (act.length - 1);
  const bits = Math.ceil(act.length / 2); // of the left half
  const left = halfTable(act.slice(0, bits));
  const right = halfTable(act.slice(bits));
  return range(size).map((e) => {
    const a = left[e % left.length]!;
    const signs = Math.floor(e / left.length); // of the right half
    const [plus, rest] = [signs % 2 === 1, signs >> 1];
    return plus ? a.add(right[rest]!) : a.sub(right[right.length - 1 - rest]!);
  });
};

/**
 * The entry for the signs of a plane (1: plus): the stored half, or its mirror image negated. Registers before and after,
 * so that each bit of the choice stays one LUT.
 */
export const lookUp = (table: readonly Signed[], signs: readonly Sig<"u", 1>[], cut: Cut): Term => {
  const negative = signs[0]!.not();
  const address = cut(cat(...signs.slice(1).reverse()).xor(replicate(negative, signs.length - 1)));
  return cut({ value: select(address, cut(table)), negative: cut(negative) });
};

export const symmetricTable: Kernel = {
  name: "symmetric-table",
  title: `mirrored tables of ${G} activations, looked up by sign planes`,
  source: "T-MAC, arXiv 2407.00088: mirror consolidation; LUT Tensor Core, arXiv 2408.06003",
  codes: ["w2", "w4", "ternary"],
  families: FAMILIES,
  exactness: () => ({
    depth: GROUP,
    reason: "tables and adders are as wide as their sums",
    minus128: "refused",
  }),
  cyclesPerBeat: () => 1,
  build: (c) => {
    checkKernelRows(c);
    return defineModule(
      `symmetric_table_kernel_${lanes(c)}`,
      { ...kernelPorts(c), doc: `Mirrored tables of ${G} activations for ${c.rows} rows of sign planes.` },
      ({ beat }) => ({
        groups: beat.pipe(engineGroups(c), (p, cut) => {
          const tables = TABLES.map((columns, g) =>
            halfTable(columns.map((i) => p.act[i]!)).map((t, e) => t.as(`table_${g}_${e}`)),
          );
          const plane = (r: number, bit: number): Term => {
            const found = tables.map((table, g) => {
              const signs = TABLES[g]!.map((i) => digit(c, p.weights, r, i).bit(bit));
              const { value, negative } = lookUp(table, signs, cut);
              return { value: value.as(`found_${r}_${bit}_${g}`), negative };
            });
            return sumOfTerms(found, cut);
          };
          const sums = range(c.rows).map((r) => {
            const high = plane(r, 1);
            const sum = addTerms({ ...high, value: high.value.shl(1) }, plane(r, 0));
            return settled(cut(sum)).as(`sum_${r}`);
          });
          const all = activationSum(cut(p.act), cut);
          return alongside(
            p,
            groupSumsOfSigns(p.code, sums, all).map((g) => cut(g)),
          );
        }),
      }),
    );
  },
};
