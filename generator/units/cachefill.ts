/** The filling side of the cache writer: two buffers of one head each, with the largest magnitude of each token. */
import {
  bool,
  cat,
  Mem,
  mux,
  type Of,
  reg,
  select,
  sint,
  source,
  type Stream,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, countBits, log2, where } from "../isa/config.js";
import { CACHE_STRIDE_BEATS } from "../isa/instruction.js";
import { queue } from "../library/fifo.js";
import type { cacheJob, cacheValue } from "./epilogueports.js";
import { ADDRESS_BITS, cacheWidths } from "./jobs.js";
import { magnitude } from "./reciprocal.js";
import { type Bits, type Bool, type Int, ofToken, range, withToken } from "./signals.js";
import { BLOCK, VALUE_BITS } from "./widths.js";

/** One head fills while the other is written. */
export const BUFFERS = 2;
const sets = range(BUFFERS);

const address = uint<number>(ADDRESS_BITS);
/** One buffered head and where it goes. */
export const head = (c: AcceleratorConfig) => ({
  isValue: bool,
  addr: address,
  keys: address, // where the keys of the same head begin: their scale beats hold V's scale bytes too
  groups: uint(6),
  slot: uint(log2(c.context)),
  toks: uint(countBits(c.tokens)),
  ...cacheWidths(c),
  normed: vec(bool, where(c.features.qkNorm)),
  row: vec(uint(log2(c.kmeanEntries)), where(c.features.qkNorm)), // of element 0
});
type Job = Of<ReturnType<typeof cacheJob>>;
type Value = Of<ReturnType<typeof cacheValue>>;

/** Row of each head's element 0, where anybody asks for it. */
const firstRow = (c: AcceleratorConfig, job: Job, start: Bool): Bits[] => {
  if (!c.features.qkNorm) return [];
  const next = reg("next_row", uint(log2(c.kmeanEntries)));
  const row = mux(job.first, 0, next).as("first_row");
  when(start, () => next.set(row.addMod(job.headGroups.shl(log2(BLOCK)).resize(row.width))));
  return [row];
};

/** The job's heads in turn, with their addresses. */
const headsOf = (c: AcceleratorConfig, job: Job, start: Bool): Stream<ReturnType<typeof head>> => {
  const headOffset = reg("head_offset", uint(ADDRESS_BITS));
  const keyAddress = reg("key_address", uint(ADDRESS_BITS));
  const offset = mux(job.first, 0, headOffset).as("offset");
  const row = firstRow(c, job, start);
  const keys = mux(job.isValue.not(), job.addr, keyAddress).as("keys");
  when(start, () => {
    headOffset.set(offset.addMod(job.headStride.shl(log2(CACHE_STRIDE_BEATS)).resize(ADDRESS_BITS)));
    keyAddress.set(keys);
  });
  const started = {
    isValue: job.isValue,
    addr: job.addr.addMod(offset),
    keys: keys.addMod(offset),
    groups: job.headGroups,
    slot: job.slot,
    toks: job.toks,
    eight: job.eight,
    three: job.three,
    keys8: job.keys8,
    normed: job.normed,
    row,
  };
  return queue("u_heads", head(c), source(head(c), started, start, "head"), BUFFERS);
};

/** Largest magnitude per buffer and token; element 0 begins anew. */
const peaksOf = (c: AcceleratorConfig, x: Value, fillSet: Bits, index: Bits): Bits[][] => {
  const size = magnitude(x.value).as("size");
  return sets.map((s) =>
    range(c.tokens).map((t) => {
      const peak = reg(`peak_${s}_${t}`, uint(VALUE_BITS));
      when(x.valid.and(fillSet.eq(s)).and(x.tok.eq(t)), () => {
        when(index.eq(0).or(size.gt(peak)), () => peak.set(size));
      });
      return peak;
    }),
  );
};

/** Size of the head that fills: each buffer's is noted when it is reserved, in turn. */
const fillingHead = (job: Job, start: Bool, fillSet: Bits): { groups: Bits; toks: Bits } => {
  const reserveSet = reg("reserve_set", uint(1), { reset: 0 });
  const groups = sets.map((s) => reg(`fill_groups_${s}`, uint(job.headGroups.width)));
  const toks = sets.map((s) => reg(`fill_toks_${s}`, uint(job.toks.width)));
  when(start, () => {
    reserveSet.set(reserveSet.not());
    for (const s of sets)
      when(reserveSet.eq(s), () => {
        groups[s]?.set(job.headGroups);
        toks[s]?.set(job.toks);
      });
  });
  return { groups: select(fillSet, groups), toks: select(fillSet, toks) };
};

export interface Filled {
  readonly heads: Stream<ReturnType<typeof head>>;
  /** Of buffer `set`: it holds a whole head; that head was its job's last. */
  full(set: Bits): Bool;
  jobEnds(set: Bits): Bool;
  /** Largest magnitude of a token. */
  peak(set: Bits, tok: Bits): Bits;
  /** Element of a token, in the next cycle, held while `enable` is 0. */
  read(set: Bits, tok: Bits, index: Bits, enable: Bool): Int;
  /** The buffer may be filled again. */
  release(set: Bits): void;
}

/** Takes values in the order row block, token, row; `start` with each head's first row, at most BUFFERS ahead. */
export const fillSide = (c: AcceleratorConfig, x: Value, start: Bool, job: Job): Filled => {
  const dimBits = log2(c.headDim);
  const heads = headsOf(c, job, start);
  const fillSet = reg("fill_set", uint(1), { reset: 0 });
  const filling = fillingHead(job, start, fillSet);
  const lastIndex = filling.groups
    .shl(log2(BLOCK))
    .subMod(1)
    .resize(dimBits + 1)
    .as("last_index");
  const index = x.row.resize(dimBits).and(lastIndex.resize(dimBits)).as("fill_index"); // row within the head
  const lastTok = filling.toks.subMod(1).as("last_tok");

  const at = (set: Bits, tok: Bits, i: Bits): Bits => cat(set, withToken(c, tok, i));
  const values = new Mem("values", sint(VALUE_BITS), BUFFERS * c.tokens * c.headDim, {
    readDuringWrite: "old",
    style: "distributed",
  });
  values.write(x.valid, at(fillSet, x.tok, index), x.value);
  const peaks = peaksOf(c, x, fillSet, index);

  const filled = x.valid.and(index.eq(lastIndex)).and(x.tok.eq(lastTok)).as("filled");
  const full = sets.map((s) => reg(`full_${s}`, bool, { reset: 0 }));
  const jobEnds = sets.map((s) => reg(`job_ends_${s}`, bool));
  when(filled, () => {
    fillSet.set(fillSet.not());
    for (const s of sets)
      when(fillSet.eq(s), () => {
        full[s]?.set(1);
        jobEnds[s]?.set(x.last);
      });
  });
  return {
    heads,
    full: (set) => select(set, full),
    jobEnds: (set) => select(set, jobEnds),
    peak: (set, tok) =>
      select(
        set,
        peaks.map((perToken) => ofToken(tok, perToken)),
      ),
    read: (set, tok, i, enable) => values.read(at(set, tok, i), enable),
    release: (set) => {
      for (const [s, f] of full.entries()) when(set.eq(s), () => f.set(0));
    },
  };
};
