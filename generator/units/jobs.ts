/** What flows between the units: queue entries with addresses already resolved by the sequencer, and the result streams. */
import { bool, sint, uint } from "../hdl/index.js";
import { FIELDS } from "../isa/instruction.js";
import { type AcceleratorConfig, countBits, log2 } from "../isa/config.js";

export const FORMAT_BITS = FIELDS.format[1];
export const ADDRESS_BITS = 24; // beats
export const SUM_BITS = 40; // row sums P, contract section 4
export const SEMAPHORE_BITS = 16;

/** Sequencer -> fetch (one per load, emb, mv). `live` = LEN of the token. */
export const fetchJob = (c: AcceleratorConfig) => ({
  kind: uint(2), // 0 plain (addr, beats), 1 keys, 2 values, 3 emb
  addr: uint(ADDRESS_BITS),
  beats: uint(20),
  rowBlocks: uint(16),
  groups: uint(10),
  live: uint(log2(c.context) + 1),
  position: uint(16), // emb: token index
  writesCache: bool,
  afterCache: bool,
});

/** Sequencer -> stream unit. Also says how to unpack the beats. rowBlocks and groups are final (LEN applied). */
export const streamJob = (c: AcceleratorConfig) => ({
  kind: uint(2), // 0 load, 1 emb, 2 mv
  format: uint(FORMAT_BITS), // FORMATS
  ram: uint(2),
  beats: uint(20),
  rowBlocks: uint(16),
  groups: uint(10),
  toks: uint(countBits(c.tokens)), // tokens that share each weight beat
  act: uint(log2(c.actWords)),
  actStride: uint(log2(c.actWords)),
  position: uint(16), // emb: token index (the row is tokens[position])
  wait: uint(SEMAPHORE_BITS),
});

/** Sequencer -> epilogue and scaler, in the same order as stream jobs (no entry for load). */
export const resultJob = (c: AcceleratorConfig) => ({
  epilogue: uint(4),
  scaling: uint(2),
  scaleM: uint(16),
  scaleE: sint(10),
  scaleSlot: uint(log2(c.slots)),
  rows: uint(16), // results per token that count; further ones are padding and dropped
  rowBlocks: uint(16), // row blocks, for counting
  wide: bool, // true: R rows per row block, false: R/2; emb delivers `groups`·32 values instead
  groups: uint(10),
  toks: uint(countBits(c.tokens)),
  tok: uint(Math.max(1, log2(c.tokens))), // first token
  position: uint(16), // absolute position of token `tok`
  cacheSlot: uint(log2(c.context)), // slot(position); token tok+1 follows at the next slot of the ring
  live: uint(log2(c.context) + 1),
  dst: uint(14),
  dstStride: uint(14),
  slot: uint(log2(c.slots)),
  slotInit: bool,
  cacheAddr: uint(ADDRESS_BITS),
  cacheHeadStride: uint(13),
  headGroups: uint(6),
  signal: uint(SEMAPHORE_BITS),
});

/** Sequencer -> quantiser. */
export const quantJob = (c: AcceleratorConfig) => ({
  src: uint(14),
  elements: uint(13),
  act: uint(log2(c.actWords)),
  slot: uint(log2(c.slots)),
  tok: uint(Math.max(1, log2(c.tokens))),
  wait: uint(SEMAPHORE_BITS),
  signal: uint(SEMAPHORE_BITS),
});

/** Sequencer -> softmax. */
export const softmaxJob = (c: AcceleratorConfig) => ({
  live: uint(log2(c.context) + 1),
  wait: uint(SEMAPHORE_BITS),
  signal: uint(SEMAPHORE_BITS),
});

/** Row scaler -> epilogue: one contract-section-4 result per beat, already shifted and saturated to 32 bits, in row order; */
export const result = (c: AcceleratorConfig) => ({
  value: sint(32),
  aux: uint(8), // keys: V scale byte of this slot
  row: uint(16),
  tok: uint(Math.max(1, log2(c.tokens))),
  lastRow: bool, // last counted row of this token
  last: bool, // last result of the job
});
