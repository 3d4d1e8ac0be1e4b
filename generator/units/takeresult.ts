/** The head of the epilogue: takes a result when its job's unit can have it, and says what it is. */
import { lit, type Of, reg, type Stream, uint, when, bool } from "../hdl/index.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import { EPILOGUES, type Epilogue } from "../isa/instruction.js";
import { queue } from "../library/fifo.js";
import { type result, resultJob } from "./jobs.js";
import type { Bits, Bool, Int } from "./signals.js";
import { BLOCK, VALUE_BITS } from "./widths.js";

const JOBS = 4;

/** Whether a job is of a kind. */
export const isKind = (code: Bits, kind: Epilogue): Bool => code.eq(EPILOGUES.indexOf(kind));

/** A result and its job, in the cycle in which it is taken. */
export interface Taken {
  readonly taken: Bool;
  /** The job's last result is taken. */
  readonly jobEnds: Bool;
  readonly job: Of<ReturnType<typeof resultJob>>;
  readonly result: Of<ReturnType<typeof result>>;
  readonly is: Readonly<Record<Epilogue, Bool>>;
  readonly odd: Bool;
  /** Its token within the job: the job's addresses begin at its first token, results carry the index in the batch. */
  readonly relative: Bits;
  /** Q or K: goes through RoPE. */
  readonly rotates: Bool;
  /** Embedding or residual: 32 bits wide on its way, as logits are. */
  readonly toResidual: Bool;
  /** The value in VALUE_BITS. */
  readonly narrow: Int;
  /** First row of a head of keys or values. */
  readonly headStart: Bool;
  readonly noJob: Bool;
  /** Sticks: a value did not fit VALUE_BITS. */
  readonly clipped: Bool;
}

const kindsOf = (code: Bits): Record<Epilogue, Bool> => {
  const is = (kind: Epilogue): Bool => isKind(code, kind).as(`is_${kind}`);
  return {
    embed: is("embed"),
    residual: is("residual"),
    query: is("query"),
    key: is("key"),
    value: is("value"),
    gateup: is("gateup"),
    score: is("score"),
    attend: is("attend"),
    logits: is("logits"),
  };
};

export const takeResults = (
  c: AcceleratorConfig,
  jobs: Stream<ReturnType<typeof resultJob>>,
  results: Stream<ReturnType<typeof result>>,
  cacheFree: Bool,
): Taken => {
  const next = queue("u_jobs", resultJob(c), jobs, JOBS);
  const job = next.payload;
  const r = results.payload;
  const is = kindsOf(job.epilogue);
  const odd = r.row.bit(0);
  const relative = (c.tokens === 1 ? lit(uint(1), 0) : r.tok.subMod(job.tok)).as("relative_tok");
  const rotates = is.query.or(is.key).as("rotates");
  const toCache = is.key.or(is.value).as("to_cache");
  const toResidual = is.embed.or(is.residual);

  // A rotated pair leaves in two cycles: two odd rows may not follow each other at once.
  const afterOdd = reg("after_odd", bool, { reset: 0 });
  // The cache writer buffers whole heads: it must have a place before the first row of each.
  const headMask = job.headGroups.shl(log2(BLOCK)).subMod(1).resize(rowBits(c));
  const headStart = toCache.and(r.row.and(headMask).eq(0)).and(relative.eq(0)).as("head_start");
  const waitCache = headStart.and(cacheFree.not());
  const ready = next.valid.and(waitCache.not()).and(rotates.and(odd).and(afterOdd).not()).as("take_result");
  const taken = results.consume(ready).as("taken");
  afterOdd.set(taken.and(rotates).and(odd));
  const jobEnds = taken.and(r.last).as("job_ends");
  next.consume(jobEnds);

  const narrow = r.value.sat(VALUE_BITS).as("narrow");
  const clipped = reg("narrow_clipped", bool, { reset: 0 });
  when(taken.and(toResidual.or(is.logits).not()).and(r.value.ne(narrow)), () => clipped.set(1));
  return {
    taken,
    jobEnds,
    job,
    result: r,
    is,
    odd,
    relative,
    rotates,
    toResidual,
    narrow,
    headStart,
    noJob: next.valid.not(),
    clipped,
  };
};
