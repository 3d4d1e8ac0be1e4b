/**
 * Between row scaler and epilogue, in hardware for models that have them: biases of q, k and v, and gains and sums of squares of
 * the norms of q and k. Contract sections 4 and 5a.
 */
import {
  bool,
  defineModule,
  lit,
  Mem,
  mux,
  type Of,
  reg,
  regOf,
  setAll,
  sint,
  source,
  stream,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2, powerOfTwo, rowBits, where } from "../isa/config.js";
import { constantRam, writesOf } from "./constants.js";
import { result, resultJob } from "./jobs.js";
import { slotAndToken, tokWidth } from "./memories.js";
import { type Bits, type Bool, type Int, ofToken, range } from "./signals.js";
import { blockElement, squares, withSquare } from "./squares.js";
import { constantLoad } from "./stream.js";
import { isKind } from "./takeresult.js";
import { BLOCK, ELEMENT_BITS, SQUARES_BITS, VALUE_BITS } from "./widths.js";

const GAIN_BITS = 16;
/** y = rshr(v·g, 15). */
const GAIN_SHIFT = 15;
const BIAS_STRIDE = 32;
/** Gains of q and k lie side by side. */
const GAIN_STRIDE = 32;

/** Whether there is anything to do for this unit. */
export const hasProjection = ({ features }: AcceleratorConfig): boolean => features.bias || features.qkNorm;

/** The part of a result job that says what happens here. */
export const projectionJob = (c: AcceleratorConfig) => {
  const { epilogue, bias, headNorm, constant, rows, headGroups, slot } = resultJob(c);
  return { epilogue, bias, headNorm, constant, rows, headGroups, slot };
};
type Job = Of<ReturnType<typeof projectionJob>>;
type Result = Of<ReturnType<typeof result>>;

/** A head's sum of squares, when its last element has passed. */
export const headSquares = { valid: bool, squares };

/** A result under way, with what its job wants. */
const travelling = (c: AcceleratorConfig) => ({
  result: result(c),
  normed: bool,
  isKey: bool,
  slot: uint(log2(c.slots)),
  first: bool, // of its head
  end: bool,
});

/** First and last element of a head. A query job is one head; a key job has several, each a power of two of elements. */
const headOf = (c: AcceleratorConfig, job: Job, { row, lastRow }: Result, isKey: Bool) => {
  const mask = job.headGroups.shl(log2(BLOCK)).subMod(1).resize(rowBits(c));
  const index = mux(isKey, row.and(mask), row).as("head_index");
  return { index, first: index.eq(0), end: mux(isKey, index.eq(mask), lastRow) };
};

/** An index that waits with what it belongs to: RAMs answer a cycle later, whether anything moves or not. */
const waiting = (name: string, index: Bits, move: Bool): Bits => {
  const held = reg(name, uint(index.width));
  when(move, () => held.set(index));
  return mux(move, index, held);
};

/** sat(v + bias, 24) of jobs that have biases. Keys begin at entry 0, values behind them, queries where the job says. */
const biasOf = (c: AcceleratorConfig, job: Job, { row }: Result, move: Bool, load: Load): Int | undefined => {
  const [constant] = job.constant;
  if (!c.features.bias || constant === undefined) return undefined;
  const bits = log2(c.biasEntries);
  const first = mux(
    isKind(job.epilogue, "value"),
    job.rows.resize(bits),
    mux(isKind(job.epilogue, "query"), constant.resize(bits), 0),
  ).as("first_bias");
  const { element } = constantRam(c, "bias", c.biasEntries, VALUE_BITS, BIAS_STRIDE).inst("u_bias", {
    write: writesOf(load, "bias"),
    index: waiting("bias_index", first.addMod(row.resize(bits)), move),
  });
  return element.asSigned();
};
type Load = Of<ReturnType<typeof constantLoad>>;

/** The gain of an element of a head, a cycle after its index: of k (`isKey`, then), or of q. */
const gainOf = (c: AcceleratorConfig, index: Bits, isKey: Bool, move: Bool, load: Load): Int | undefined => {
  if (!c.features.qkNorm) return undefined;
  const entries = powerOfTwo(c.headDim);
  const { element } = constantRam(c, "headgain", entries, GAIN_STRIDE, GAIN_STRIDE).inst("u_gain", {
    write: writesOf(load, "headgain"),
    index: waiting("gain_index", index.resize(log2(entries)), move),
  });
  return mux(isKey, element.slice(GAIN_STRIDE - 1, GAIN_BITS), element.slice(GAIN_BITS - 1, 0)).asSigned();
};

/**
 * One result a cycle. q, k, v with `bias`: sat(v + b, 24). q, k with `headNorm`: SQ, s take v, then sat(rshr(v·g, 15), 24);
 * SQ of queries is kept per slot and token, that of keys leaves with their last element. Other results go past. Two cycles
 * for biases, two for norms. Contract sections 4 and 5a.
 */
export const projection = (c: AcceleratorConfig) => {
  const norms = where(c.features.qkNorm);
  return defineModule(
    "projection",
    {
      in: {
        job: stream(projectionJob(c)),
        result: stream(result(c)),
        load: constantLoad(c),
        squaresAt: { slot: uint(log2(c.slots)), tok: uint(tokWidth(c)) },
      },
      out: {
        projected: stream(result(c)),
        squares: vec(squares, norms), // of a query head, at squaresAt, same cycle
        key: vec(headSquares, norms),
        saturated: bool,
      },
      doc: "Biases of q, k and v; gains and squares of the norms of q and k (contract sections 4 and 5a).",
    },
    ({ job: jobs, result: results, load, squaresAt }) => {
      const next = queue("u_jobs", projectionJob(c), jobs, 4);
      const job = next.payload;
      const r = results.payload;
      const is = (kind: "query" | "key" | "value"): Bool => isKind(job.epilogue, kind);
      const isKey = is("key").as("is_key");
      const flag = (flags: readonly Bool[], kinds: Bool): Bool =>
        flags.reduce<Bool>((_, f) => f.and(kinds), lit(bool, 0));
      const biased = flag(job.bias, is("query").or(isKey).or(is("value"))).as("biased");
      const normed = flag(job.headNorm, is("query").or(isKey)).as("normed");
      const head = headOf(c, job, r, isKey);

      // 1: result, bias and gain; 2: biased; 3: product, z² and s; 4: gained
      const lastValid = reg("out_valid", bool, { reset: 0 });
      const last = regOf("out", travelling(c));
      const out = source(result(c), last.result, lastValid);
      const move = lastValid.not().or(out.ready).as("move");
      const taken = results.consume(next.valid.and(move)).as("taken");
      next.consume(taken.and(r.last));
      const saturated = reg("saturated_q", bool, { reset: 0 });
      const clips = (valid: Bool, clipped: Bool): void =>
        when(move.and(valid).and(clipped), () => saturated.set(1));

      const narrow = r.value.sat(VALUE_BITS);
      const changes = biased.or(normed).as("changes");
      clips(taken, changes.and(r.value.ne(narrow)));
      const started = reg("start_valid", bool, { reset: 0 });
      const start = regOf("start", { ...travelling(c), biased: bool });
      when(move, () => {
        started.set(taken);
        setAll(start, {
          result: { ...r, value: mux(changes, narrow, r.value).resize(ELEMENT_BITS) },
          biased,
          normed,
          isKey,
          slot: job.slot,
          first: head.first,
          end: head.end,
        });
      });

      const bias = biasOf(c, job, r, move, load);
      const sum = bias === undefined ? start.result.value : start.result.value.wrap(VALUE_BITS).add(bias);
      const sumClipped = sum.sat(VALUE_BITS);
      const { biased: isBiased, ...kept } = start;
      clips(started, isBiased.and(sum.ne(sumClipped)));
      const withBias = {
        ...kept,
        result: {
          ...start.result,
          value: mux(isBiased, sumClipped, start.result.value).resize(ELEMENT_BITS),
        },
      };
      const gain = gainOf(c, head.index, start.isKey, move, load);
      if (gain === undefined) {
        when(move, () => {
          lastValid.set(started);
          setAll(last, withBias);
        });
        return { projected: out, squares: [], key: [], saturated };
      }

      const midValid = reg("mid_valid", bool, { reset: 0 });
      const mid = regOf("mid", travelling(c));
      const midGain = reg("mid_gain", sint(GAIN_BITS));
      const productValid = reg("product_valid", bool, { reset: 0 });
      const productOf = regOf("product_of", travelling(c));
      const product = reg("product", sint(VALUE_BITS + GAIN_BITS));
      const value = mid.result.value.wrap(VALUE_BITS);
      const steps = range(c.tokens).map((t) => reg(`steps_${t}`, uint(squares.steps.width)));
      const element = blockElement(value, mid.first, ofToken(mid.result.tok, steps));
      for (const [t, s] of steps.entries())
        when(move.and(midValid).and(mid.normed).and(mid.result.tok.eq(t)), () => s.set(element.steps));
      const square = reg("z_squared", uint(2 * element.z.width));
      const [align, stepsOf] = [reg("align_q", uint(2)), reg("steps_q", uint(squares.steps.width))];
      const rounded = product.roundShr(GAIN_SHIFT).as("y_rounded");
      const y = rounded.sat(VALUE_BITS);
      when(move, () => {
        midValid.set(started);
        setAll(mid, withBias);
        midGain.set(gain);
        productValid.set(midValid);
        setAll(productOf, mid);
        product.set(value.mul(midGain));
        square.set(element.z.mul(element.z).asUnsigned());
        align.set(element.align);
        stepsOf.set(element.steps);
        lastValid.set(productValid);
        setAll(last, {
          ...productOf,
          result: {
            ...productOf.result,
            value: mux(productOf.normed, y, productOf.result.value).resize(ELEMENT_BITS),
          },
        });
      });
      clips(productValid, productOf.normed.and(rounded.ne(y)));

      const counts = move.and(productValid).and(productOf.normed).as("counts");
      const { tok } = productOf.result;
      const sums = range(c.tokens).map((t) => reg(`squares_${t}`, uint(SQUARES_BITS)));
      const total = withSquare(ofToken(tok, sums), align, square).resize(SQUARES_BITS).as("head_squares");
      for (const [t, s] of sums.entries()) when(counts.and(tok.eq(t)), () => s.set(total));
      const whole = { sum: total, steps: stepsOf };
      const ends = counts.and(productOf.end).as("head_ends");
      const queries = new Mem("query_squares", squares, c.slots * c.tokens, {
        readDuringWrite: "old",
        style: "distributed",
      });
      const at = slotAndToken(c, { slot: productOf.slot, tok });
      queries.write(ends.and(productOf.isKey.not()), at, whole);
      return {
        projected: out,
        squares: [queries.readAsync(slotAndToken(c, squaresAt))],
        key: [{ valid: ends.and(productOf.isKey), squares: whole }],
        saturated,
      };
    },
  );
};
