/** The port of every engine: one weight beat and the activations of one token in, row sums of a row block out. */
import { bool, fail, sint, uint, vec } from "../hdl/index.js";
import { BEAT_CODE_BITS } from "../isa/codes.js";
import { type AcceleratorConfig, beatBits, countBits, hasEight, log2, where } from "../isa/config.js";

/** Columns: inputs that share one mantissa. */
export const GROUP = 32;
export const MANTISSA_BITS = 15; // of values: powers of two up to 2^14
export const SUM_BITS = 40;

/** Row pairs of a beat: rows of w4, keys and values. */
export const pairs = (c: AcceleratorConfig): number => Math.floor(c.rows / 2);
export const tokBits = (c: AcceleratorConfig): number => Math.max(1, log2(c.tokens));
export const pairBits = (c: AcceleratorConfig): number => Math.max(1, Math.ceil(Math.log2(pairs(c))));

/** The address arithmetic divides by R and R/2: shifts. */
export const checkRows = (c: AcceleratorConfig): void => {
  if (c.rows < 2 || 2 ** log2(c.rows) !== c.rows)
    fail(`rows is a power of two, at least 2; this one is ${c.rows}`);
  if (c.cols !== GROUP) fail(`cols is ${GROUP}; this one is ${c.cols}`);
};

/**
 * Lowest bit of the field of a row and column in a beat. Nibble (j, c) holds rows 2j and 2j + 1; the last row of an odd
 * number of rows, which only kernels on their own have, stands alone in two-bit fields.
 */
export const fieldAt = (rows: number, row: number, column: number): number =>
  row === rows - 1 && rows % 2 === 1
    ? 2 * (GROUP * row + column)
    : 4 * (GROUP * (row >> 1) + column) + 2 * (row & 1);

/** What a kernel on its own can be built for: any number of rows; w4 codes need an even one. */
export const checkKernelRows = (c: AcceleratorConfig): void => {
  if (!(Number.isInteger(c.rows) && c.rows >= 1 && c.rows <= 64))
    fail(`rows of a kernel are 1 to 64; these are ${c.rows}`);
  if (c.cols !== GROUP) fail(`cols is ${GROUP}; this one is ${c.cols}`);
};

/** What travels with a row block to the row scaler; engines only delay it. */
export const engineTag = (c: AcceleratorConfig) => ({
  wide: bool, // R sums; else (w4) R/2, that of row pair j in entry 2j
  single: bool, // embedding: one sum only, that of row pair `pair`
  pair: uint(pairBits(c)),
  tok: uint(tokBits(c)), // 0 for the job's first token
  lastTok: bool,
  end: bool, // the last sums of the job
  exponent: vec(uint(5), c.rows), // at the same entries as the sums
  aux: vec(uint(8), pairs(c)), // keys: V scale bytes
  high: vec(bool, where(hasEight(c))), // the beat holds the high digits of 8-bit codes: its products count 16 times
});

/**
 * Activations lie in -127..127. A row block is its beats from `first` to `last`, of several tokens in turn when each
 * weight beat serves more than one; a mantissa stands at the entry of its sum.
 */
export const engineBeat = (c: AcceleratorConfig) => ({
  weights: uint(beatBits(c)),
  code: uint(BEAT_CODE_BITS), // isa/codes.ts
  act: vec(sint(8), GROUP),
  mantissa: vec(uint(MANTISSA_BITS), c.rows),
  first: bool,
  last: bool,
  tag: engineTag(c),
});

export const engineSums = (c: AcceleratorConfig) => ({
  sums: vec(sint(SUM_BITS), c.rows),
  tag: engineTag(c),
});

/** Bits that count the tokens of a job. */
export const toksBits = (c: AcceleratorConfig): number => countBits(c.tokens);
