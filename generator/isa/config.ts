/** One accelerator: its engine and sizes. Shapes of models are NOT here: they come from the program; these are capacities. */
export interface AcceleratorConfig {
  /** Name of the engine's kernel: generator/engines/kernels.ts. */
  readonly engine: string;
  /** FPGA family that the engine is built for: its DSP slices, or `fabric`. */
  readonly family: string;
  /** R, even, at least 2. */
  readonly rows: number;
  /** C = 32: columns, and the group of the contract. */
  readonly cols: number;
  /** T: tokens that one pass over the weights can serve (prefill). */
  readonly tokens: number;
  /** Elements per cycle of the quantiser; 4. */
  readonly vector: number;
  /** Most positions (slots of the cache, scores, tokens). Multiple of 32, power of two. */
  readonly context: number;
  /** Activation words (32 int8 each), power of two. */
  readonly actWords: number;
  /** Elements of the vector memory (int32), power of two. */
  readonly vectorElements: number;
  /** Elements of the residual memory (all tokens), power of two. */
  readonly residualElements: number;
  /** Entries of the constant RAMs, powers of two. */
  readonly gainEntries: number;
  readonly kmeanEntries: number;
  readonly ropeEntries: number;
  /** Largest headDim, multiple of 32. */
  readonly headDim: number;
  /** Statistics slots, power of two, at most 64. */
  readonly slots: number;
  /** Beats in the prefetch buffer of weights; power of two. */
  readonly prefetchBeats: number;
  /** Program memory in instructions, power of two. */
  readonly programInstructions: number;
}

export const lanes = (c: AcceleratorConfig): number => c.rows * c.cols;
/** Width of a memory beat. */
export const beatBits = (c: AcceleratorConfig): number => 2 * c.rows * c.cols;
/** Width that holds 0..n inclusive. */
export const countBits = (n: number): number => Math.ceil(Math.log2(n + 1));
/** log2 of a power of two. */
export const log2 = (n: number): number => Math.round(Math.log2(n));

/** The demo configuration: 64 lanes. */
export const defaultConfig: AcceleratorConfig = {
  engine: "tree",
  family: "fabric",
  rows: 2,
  cols: 32,
  tokens: 1,
  vector: 4,
  context: 256,
  actWords: 64,
  vectorElements: 1024,
  residualElements: 256,
  gainEntries: 256,
  kmeanEntries: 256,
  ropeEntries: 64,
  headDim: 32,
  slots: 32,
  prefetchBeats: 64,
  programInstructions: 64,
};
