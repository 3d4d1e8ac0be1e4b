/**
 * 2-D table lookup of LUT-LLM (arXiv 2511.06174, "efficient 2D table lookups"): a column pair has one table of 64 rows (activation
 * centroids) of 16 entries (weight centroids). The activation's index reads one row of it, all 16 entries, once for all
 * rows of the matrix; the four-bit weight of each matrix row then picks one of the 16. No multiplier; a row's 16 picks are
 * added. Two or more sets of tables: the next columns' are loaded while these are used.
 */
import {
  bool,
  defineModule,
  fail,
  lit,
  Mem,
  cat,
  type Sig,
  select,
  sint,
  stream,
  sum,
  uint,
  vec,
} from "../../hdl/index.js";
import { fours, range } from "../digits.js";
import {
  ACTIVATION_CENTROIDS,
  ACTIVATION_INDEX_BITS,
  checkPower,
  ENTRY_BITS,
  LOOKUP_SUM_BITS,
  PAIRS,
  WEIGHT_CENTROIDS,
  WEIGHT_INDEX_BITS,
} from "./size.js";

export interface LookupSize {
  /** Rows of the matrix per beat. */
  readonly rows: number;
  /** Sets of 16 tables on chip. */
  readonly sets: number;
}

const entries = vec(sint(ENTRY_BITS), WEIGHT_CENTROIDS);

/** Lowest bit of a weight's index in a beat: row after row. */
export const weightAt = (row: number, pair: number): number => WEIGHT_INDEX_BITS * (PAIRS * row + pair);
/** Width of a beat of weights: 2 bits per weight. */
export const lookupBeatBits = (rows: number): number => weightAt(rows, 0);

export const tableLookup = ({ rows, sets }: LookupSize) => {
  checkPower("the number of table sets", sets, 2, 64);
  if (!(Number.isInteger(rows) && rows >= 1 && rows <= 512))
    fail(`rows of a table lookup are 1 to 512, those that share a table; not ${rows}`);
  const set = uint(Math.log2(sets));
  return defineModule(
    `table_lookup_${rows}x${PAIRS}_${sets}`,
    {
      in: {
        load: stream({ set, pair: uint(4), index: uint(ACTIVATION_INDEX_BITS), entries }),
        beat: stream({
          set,
          act: vec(uint(ACTIVATION_INDEX_BITS), PAIRS),
          weights: uint(lookupBeatBits(rows)),
        }),
      },
      out: { sums: stream(vec(sint(LOOKUP_SUM_BITS), rows)) },
      doc: `Sums of ${PAIRS} table entries for ${rows} rows; ${sets} sets of tables. A set in use is not loaded.`,
    },
    ({ load, beat }) => {
      const loaded = load.consume(lit(bool, 1)).as("loaded");
      const tables = range(PAIRS).map((p) => {
        const table = new Mem(`table_${p}`, entries, sets * ACTIVATION_CENTROIDS, {
          readDuringWrite: "undefined",
        });
        table.write(
          loaded.and(load.payload.pair.eq(p)),
          cat(load.payload.set, load.payload.index),
          load.payload.entries,
        );
        return table;
      });
      const sums = beat.pipe(vec(sint(LOOKUP_SUM_BITS), rows), ({ set: now, act, weights }, cut, stages) => {
        const enable = stages.enable ?? undefined;
        // a row of 16 entries per pair, for all rows of the matrix
        const picked = tables.map((table, p) => stages.aged(table.read(cat(now, act[p]!), enable), 1));
        const codes = cut(weights.as("weights"));
        const code = (row: number, p: number): Sig<"u", number> =>
          codes.slice(weightAt(row, p) + WEIGHT_INDEX_BITS - 1, weightAt(row, p));
        return range(rows).map((r) => {
          const products = picked.map((row, p) => cut(select(code(r, p), row).as(`product_${r}_${p}`)));
          return cut(sum(fours(products).map((s) => cut(s))).as(`sum_${r}`));
        });
      });
      return { sums };
    },
  );
};
