/**
 * The row scaler: takes the sums of a row block, one row a cycle, and gives sat(rshr(P·Tm, e - Te), 32) (contract section 4)
 * for the rows that count, in order: row block, token, row.
 */
import {
  bool,
  defineModule,
  fail,
  lit,
  mux,
  reg,
  regOf,
  select,
  setAll,
  type Sig,
  sint,
  source,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { checkRows, engineSums, pairs, SUM_BITS, tokBits } from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import { result } from "./jobs.js";
import { scale } from "./scaler.js";

/** The part of a result job that the row scaler needs. */
export const rowJob = (c: AcceleratorConfig) => ({ rows: uint(rowBits(c)), tok: uint(tokBits(c)) });

/** Cycles from the engine's sums to the first row's result. */
export const ROW_LATENCY = 5;

const LOW = 23; // P·Tm by two multipliers: 23 unsigned bits and 17 signed ones
const PRODUCT = SUM_BITS + 16;

/**
 * Row sums P of 40 bits, a row block at a time, to one result a cycle: sat(rshr(P·Tm, e - Te), 32), ROW_LATENCY cycles after
 * the sums when T is known. Rows beyond the job's are dropped. Contract section 4.
 */
export const rowScaler = (c: AcceleratorConfig) => {
  checkRows(c);
  const indexBits = log2(c.rows);
  return defineModule(
    "row_scaler",
    {
      in: {
        job: stream(rowJob(c)),
        sums: stream(engineSums(c)),
        t: scale,
        known: bool, // T of token `wanted`, same cycle
      },
      out: {
        result: stream(result(c)),
        wanted: uint(tokBits(c)),
        retire: bool, // the job needs its T no longer
        saturated: bool,
        negativeShift: bool, // pulses
      },
      doc: "Scales row sums to 32 bits, one row per cycle.",
    },
    ({ job, sums, t, known }) => {
      const jobs = queue("jobs", rowJob(c), job, 4);

      // ── rows one by one: the first straight from the engine, the others from a copy ──
      const busy = reg("busy", bool, { reset: 0 });
      const copy = regOf("copy", engineSums(c));
      const index = reg("index", uint(indexBits), { reset: 0 });
      const base = reg("base", uint(rowBits(c)), { reset: 0 }); // first row of the row block
      const tag = mux(busy, copy.tag, sums.payload.tag);
      const row = base.addMod(index.resize(rowBits(c))).as("row");
      const lastRow = row.add(1).eq(jobs.payload.rows).as("last_row");
      const keep = row.lt(jobs.payload.rows).as("keep");
      const lastIndex = mux(
        tag.single,
        lit(uint(indexBits), 0),
        mux(tag.wide, lit(uint(indexBits), c.rows - 1), pairs(c) - 1),
      );
      const blockEnds = index.eq(lastIndex).or(lastRow).or(keep.not()).as("block_ends");

      // entry of a row: row pairs stand in the even entries
      const entry = mux(tag.wide, index, index.shl(1).wrap(indexBits)).as("entry");
      const even = <T>(xs: readonly T[]): T[] => xs.filter((_, i) => i % 2 === 0);
      const entries = { sum: copy.sums, exponent: copy.tag.exponent };
      const fromCopy = { sum: select(entry, entries.sum), exponent: select(entry, entries.exponent) };
      /** The first entry; of a single sum that of its row pair. */
      const firstOf = <K extends "u" | "s">(xs: readonly Sig<K>[]): Sig<K> => {
        const [first] = xs;
        if (first === undefined) return fail("a row block has no rows");
        return pairs(c) === 1 ? first : mux(tag.single, select(sums.payload.tag.pair, even(xs)), first);
      };
      const fromEngine = {
        sum: firstOf(sums.payload.sums),
        exponent: firstOf(sums.payload.tag.exponent),
      };
      const aux = select(index.wrap(Math.max(1, indexBits - 1)), tag.aux);

      // ── five registers: row, products, product, shifted, result ──
      const rowValid = reg("row_valid", bool, { reset: 0 });
      const meta = { row: uint(rowBits(c)), aux: uint(8), tok: uint(tokBits(c)), lastRow: bool, last: bool };
      const r = regOf("row_r", {
        sum: sint(SUM_BITS),
        exponent: uint(5),
        local: uint(tokBits(c)),
        keep: bool,
        end: bool,
        meta,
      });
      const resultValid = reg("result_pending", bool, { reset: 0 });
      const out = regOf("result_r", { value: sint(32), meta });
      const results = source(result(c), { value: out.value, ...out.meta }, resultValid);
      const enable = resultValid.not().or(results.ready).as("enable");
      const leaves = rowValid.and(known).and(enable).as("row_leaves");
      const accepts = rowValid.not().or(leaves).as("row_accepts");

      const offered = busy.or(sums.valid).and(jobs.valid).as("row_offered");
      const enters = offered.and(accepts).as("row_enters");
      sums.consume(busy.not().and(jobs.valid).and(accepts));
      const ends = enters.and(blockEnds).as("ends");
      when(enters, () => {
        index.set(mux(blockEnds, 0, index.addMod(1)));
        busy.set(blockEnds.not());
      });
      when(enters.and(busy.not()), () => setAll(copy, sums.payload));
      const step = mux(
        tag.single,
        lit(uint(rowBits(c)), 1),
        mux(tag.wide, lit(uint(rowBits(c)), c.rows), pairs(c)),
      );
      when(ends.and(tag.lastTok), () => base.set(mux(tag.end, 0, base.addMod(step))));
      jobs.consume(ends.and(tag.end));

      when(accepts, () => rowValid.set(offered));
      when(enters, () =>
        setAll(r, {
          sum: mux(busy, fromCopy.sum, fromEngine.sum),
          exponent: mux(busy, fromCopy.exponent, fromEngine.exponent),
          local: tag.tok,
          keep,
          end: tag.end.and(blockEnds),
          meta: { row, aux, tok: tag.tok.addMod(jobs.payload.tok), lastRow, last: lastRow.and(tag.lastTok) },
        }),
      );

      /** One stage: moves with `enable`. */
      const stage = (name: string, valid: Sig<"u", 1>): Sig<"u", 1> => {
        const v = reg(`${name}_valid`, bool, { reset: 0 });
        when(enable, () => v.set(valid));
        return v;
      };
      const productsValid = stage("products", leaves.and(r.keep));
      const products = regOf("products", {
        low: uint(LOW + 16),
        high: sint(SUM_BITS - LOW + 17),
        shift: uint(6),
        negative: bool,
        meta,
      });
      const difference = r.exponent.toSigned().sub(t.e).as("difference");
      const clamped = mux(
        difference.isNeg(),
        lit(uint(6), 0),
        mux(difference.gt(63), lit(uint(6), 63), difference.wrap(6).asUnsigned()),
      );
      when(enable, () =>
        setAll(products, {
          low: r.sum.slice(LOW - 1, 0).mul(t.m),
          high: r.sum
            .slice(SUM_BITS - 1, LOW)
            .asSigned()
            .mul(t.m.toSigned()),
          shift: clamped,
          negative: difference.isNeg(),
          meta: r.meta,
        }),
      );

      const productValid = stage("product", productsValid);
      const product = regOf("product", { value: sint(PRODUCT), shift: uint(6), meta });
      when(enable, () =>
        setAll(product, {
          value: products.high.shl(LOW).addMod(products.low.toSigned()).wrap(PRODUCT),
          shift: products.shift,
          meta: products.meta,
        }),
      );

      // rshr(a, n) = ((2a >> n) + 1) >> 1 for every n
      const shiftedValid = stage("shifted", productValid);
      const shifted = regOf("shifted", { value: sint(PRODUCT + 1), meta });
      when(enable, () =>
        setAll(shifted, { value: product.value.shl(1).dshr(product.shift), meta: product.meta }),
      );

      const rounded = shifted.value.add(1).shr(1).as("rounded");
      const value = rounded.sat(32).as("value");
      when(enable, () => {
        resultValid.set(shiftedValid);
        setAll(out, { value, meta: shifted.meta });
      });

      return {
        result: results,
        wanted: r.local,
        retire: leaves.and(r.end),
        saturated: enable.and(shiftedValid).and(value.extend(rounded.width).ne(rounded)),
        negativeShift: enable.and(productsValid).and(products.negative),
      };
    },
  );
};
