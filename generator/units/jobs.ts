/** What flows between the units: queue entries with addresses already resolved by the sequencer, and the result streams. */
import { bool, sint, uint, vec } from "../hdl/index.js";
import { FIELDS, type Format, type Norm } from "../isa/instruction.js";
import {
  type AcceleratorConfig,
  beatCountBits,
  countBits,
  hasEight,
  log2,
  rowBits,
  where,
} from "../isa/config.js";

/** Bits of a format's index: the 8-bit formats stand last. */
export const formatBits = (c: AcceleratorConfig): number => FIELDS.format[1] - (hasEight(c) ? 0 : 1);
const isBuilt = ({ features }: AcceleratorConfig, format: Format): boolean => {
  switch (format) {
    case "w8":
      return features.weights8;
    case "keys8":
    case "values8":
      return features.cache8;
    case "w2":
    case "w4":
    case "ternary":
    case "n24":
    case "keys":
    case "values":
      return true;
  }
};
/** Of some formats those that the hardware has. */
export const built = (c: AcceleratorConfig, formats: readonly Format[]): readonly Format[] =>
  formats.filter((format) => isBuilt(c, format));
/** Norms beyond the residual's that the hardware has. */
export type OtherNorm = Exclude<Norm, "residual">;
export const otherNorms = ({ features }: AcceleratorConfig): readonly OtherNorm[] => [
  ...(features.subNorms ? (["attention", "ffn"] as const) : []),
  ...(features.qkNorm ? (["query"] as const) : []),
];
export const hasNorms = (c: AcceleratorConfig): boolean => otherNorms(c).length > 0;
export const normSelect = (c: AcceleratorConfig) => vec(uint(FIELDS.norm[1]), where(hasNorms(c)));
/** Bits of the number of a constant RAM: three are always there. */
export const ramBits = (c: AcceleratorConfig): number =>
  FIELDS.ram[1] - (hasNorms(c) || c.features.bias ? 0 : 1);
/** Jobs name the first entry of constants that they take. */
export const hasConstant = ({ features }: AcceleratorConfig): boolean => features.bias || features.subNorms;
export const ADDRESS_BITS = 24; // beats
export const SUM_BITS = 40; // row sums P, contract section 4
export const SEMAPHORE_BITS = FIELDS.wait[1];

/** Widths of what a key or value job writes, where the cache has several; 4 bits unless told. */
export const cacheWidths = (c: AcceleratorConfig) => ({
  eight: vec(bool, where(c.features.cache8)),
  three: vec(bool, where(c.features.cache3)),
  keys8: vec(bool, where(c.features.cache8)), // the keys of the same head are 8 bits wide
});

/** Sequencer -> fetch (one per load, emb, mv). `live` = LEN of the token. */
export const fetchJob = (c: AcceleratorConfig) => ({
  kind: uint(2), // 0 plain (addr, beats), 1 keys, 2 values, 3 emb
  addr: uint(ADDRESS_BITS),
  beats: uint(beatCountBits(c)),
  rowBlocks: uint(rowBits(c)),
  groups: uint(10),
  live: uint(log2(c.context) + 1),
  position: uint(16), // emb: token index
  writesCache: bool,
  afterCache: bool,
  eight: vec(bool, where(c.features.cache8)), // keys, values: pairs of beats
});

/** Sequencer -> stream unit. Also says how to unpack the beats. rowBlocks and groups are final (LEN applied). */
export const streamJob = (c: AcceleratorConfig) => ({
  kind: uint(2), // 0 load, 1 emb, 2 mv
  format: uint(formatBits(c)), // FORMATS
  ram: uint(ramBits(c)),
  beats: uint(beatCountBits(c)),
  rowBlocks: uint(rowBits(c)),
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
  rows: uint(rowBits(c)), // results per token that count; further ones are padding and dropped
  rowBlocks: uint(rowBits(c)), // row blocks, for counting
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
  ...cacheWidths(c),
  relu2: vec(bool, where(c.features.relu2)), // gateup: squared ReLU
  subNorm: vec(bool, where(c.features.subNorms)), // attend, gateup: results take gains
  bias: vec(bool, where(c.features.bias)), // query, key, value
  headNorm: vec(bool, where(c.features.qkNorm)), // query, key
  constant: vec(uint(FIELDS.constant[1]), where(hasConstant(c))), // first gain or bias
  norm: normSelect(c), // NORMS
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
  row: uint(rowBits(c)),
  tok: uint(Math.max(1, log2(c.tokens))),
  lastRow: bool, // last counted row of this token
  last: bool, // last result of the job
});
