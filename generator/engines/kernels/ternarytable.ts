/**
 * Ternary table lookup (TLMM): TeLLMe, arXiv 2504.16266. The 27 signed sums of G = 3 activations are built online, once for
 * all rows; three ternary weights are the address. Around the zero in the middle the sums are each other's negatives: 13 are
 * stored, and adders subtract the others. The last table has the two columns that are left of 32.
 */
import { cat, defineModule, lit, select, type Sig, sint, uint } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { alongside, digit, range, type Signed } from "../digits.js";
import { engineGroups, FAMILIES, GROUP_SUM_BITS, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { settled, sumOfTerms } from "./addsub.js";

/** Activations per table. */
const G = 3;
const ENTRY = sint(10); // at most 3·128, so -128 too
const ADDRESS = uint(4);
/** Columns of each table. */
const TABLES = range(Math.ceil(GROUP / G)).map((g) => range(GROUP).slice(G * g, G * g + G));

/** Entry v = Σ 3^k·t_k >= 0 is Σ t_k·a_k, with t_k in {-1, 0, 1}: all below 3^k, then those with a_k around a_k itself. */
export const ternarySums = (act: readonly Signed[]): Signed[] => {
  let table: Signed[] = [lit(ENTRY, 0)];
  for (const a of act) {
    const lower = table.slice(1);
    table = [...table, ...lower.map((t) => a.sub(t)).reverse(), a, ...lower.map((t) => a.add(t))];
  }
  return table;
};

/** Σ 3^k·t_k of fields t_k + 2, as magnitude and sign: one LUT a bit. */
export const ternaryAddress = (fields: readonly Sig<"u", number>[]) => {
  const index = cat(...[...fields].reverse());
  const values = range(4 ** fields.length).map((code) =>
    fields.reduce((sum, _, k) => sum + 3 ** k * (((code >> (2 * k)) & 3) - 2), 0),
  );
  // a field of 0 does not occur
  const magnitude = values.map((v) => lit(ADDRESS, Math.min(Math.abs(v), 15)));
  return {
    entry: select(index, magnitude),
    negative: select(
      index,
      values.map((v) => lit(uint(1), v < 0 ? 1 : 0)),
    ),
  };
};

export const ternaryTable: Kernel = {
  name: "ternary-table",
  title: `tables of the ${3 ** G} signed sums of ${G} activations, addressed by ternary weights`,
  source: "TeLLMe, arXiv 2504.16266: TLMM",
  codes: ["ternary"],
  families: FAMILIES,
  exactness: () => ({
    depth: GROUP,
    reason: "entries and adders are as wide as their sums",
    minus128: "exact",
  }),
  cyclesPerBeat: () => 1,
  build: (c) => {
    checkKernelRows(c);
    return defineModule(
      `ternary_table_kernel_${lanes(c)}`,
      { ...kernelPorts(c), doc: `Ternary tables of ${G} activations for ${c.rows} rows.` },
      ({ beat }) => ({
        groups: beat.pipe(engineGroups(c), (p, cut) => {
          const tables = TABLES.map((columns, g) =>
            ternarySums(columns.map((i) => p.act[i]!)).map((t, e) =>
              cut(t.resize(ENTRY.width).as(`table_${g}_${e}`)),
            ),
          );
          const groups = range(c.rows).map((r) => {
            const found = TABLES.map((columns, g) => {
              const address = ternaryAddress(columns.map((i) => digit(c, p.weights, r, i)));
              const { entry, negative } = cut(address);
              return cut({ value: select(entry, tables[g]!).as(`found_${r}_${g}`), negative });
            });
            return settled(cut(sumOfTerms(found, cut))).as(`group_${r}`);
          });
          return alongside(
            p,
            groups.map((g) => cut(g.resize(GROUP_SUM_BITS))),
          );
        }),
      }),
    );
  },
};
