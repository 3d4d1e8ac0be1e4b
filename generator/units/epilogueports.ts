/** Ports of the epilogue, and what flows from it to the cache writer. */
import { bool, sint, stream, uint, vec } from "../hdl/index.js";
import { type AcceleratorConfig, countBits, log2, rowBits, where } from "../isa/config.js";
import { ADDRESS_BITS, cacheWidths, result, resultJob, SEMAPHORE_BITS } from "./jobs.js";
import { statisticsUpdate, tokWidth, vectorElement } from "./memories.js";
import { squares } from "./squares.js";
import { constantLoad } from "./stream.js";
import { ELEMENT_BITS, TRACE_KIND_BITS, TRACE_ROW_BITS, TRACE_TOK_BITS, VALUE_BITS } from "./widths.js";

/** Cycles from a result to its write; all kinds alike, so that one write port serves them. */
export const EPILOGUE_LATENCY = 7;

/** A K or V value on its way to the cache writer, with what the writer needs of the job. */
export const cacheValue = (c: AcceleratorConfig) => ({
  valid: bool,
  value: sint(VALUE_BITS),
  isValue: bool,
  row: uint(rowBits(c)),
  tok: uint(tokWidth(c)),
  last: bool,
});
/** One head of a key or value job, when its first row is taken. */
export const cacheJob = (c: AcceleratorConfig) => ({
  addr: uint(ADDRESS_BITS), // beats
  headStride: uint(13), // from head to head, in units of CACHE_STRIDE_BEATS
  headGroups: uint(6), // headDim / 32
  slot: uint(log2(c.context)),
  toks: uint(countBits(c.tokens)),
  isValue: bool,
  first: bool, // the job's first head
  normed: vec(bool, where(c.features.qkNorm)), // keys behind a norm
  ...cacheWidths(c),
});
/** A score on its way to softmax. */
export const scoreValue = (c: AcceleratorConfig) => ({
  valid: bool,
  value: sint(VALUE_BITS),
  aux: uint(8), // V's scale byte of the slot
  row: uint(rowBits(c)), // the slot
  last: bool,
});

const traced = {
  kind: uint(TRACE_KIND_BITS),
  tok: uint(TRACE_TOK_BITS),
  row: uint(TRACE_ROW_BITS),
};
/** Values on their way into the cache. */
export const valueTrace = { valid: bool, value: sint(VALUE_BITS), ...traced };
const traces = {
  residual: { valid: bool, value: sint(ELEMENT_BITS), tok: traced.tok, row: traced.row },
  vector: { valid: bool, value: sint(ELEMENT_BITS), ...traced },
  cache: valueTrace,
  score: { valid: bool, value: sint(VALUE_BITS) },
  logit: { valid: bool, value: sint(ELEMENT_BITS) },
};

export const epilogueInputs = (c: AcceleratorConfig) => ({
  job: stream(resultJob(c)),
  result: stream(result(c)),
  load: constantLoad(c),
  squaresTok: uint(tokWidth(c)),
  cacheFree: bool, // the cache writer has a buffer for another head
});
export const epilogueOutputs = (c: AcceleratorConfig) => ({
  vector: vectorElement(c),
  update: statisticsUpdate(c),
  squares, // of token `squaresTok`
  subSquares: vec(squares, where(c.features.subNorms)), // likewise, of the attention output or h
  score: scoreValue(c),
  logit: { valid: bool, value: sint(ELEMENT_BITS), row: uint(rowBits(c)), last: bool },
  cache: cacheValue(c),
  cacheJob: cacheJob(c),
  cacheStart: bool,
  signal: { mask: uint(SEMAPHORE_BITS), amount: uint(countBits(c.tokens)) }, // after the last write
  signalScore: uint(SEMAPHORE_BITS), // of score jobs, earlier: softmax sees the last score
  idle: bool,
  saturated: bool,
  trace: traces,
});
