/** Hardware that only some models need; what is off costs nothing. */
export interface Features {
  /** 8-bit weights, embedding and head: format w8. */
  readonly weights8: boolean;
  /** 8-bit codes in the cache: formats keys8 and values8. */
  readonly cache8: boolean;
  /** 3-bit codes in the cache, in the places of 4-bit ones. */
  readonly cache3: boolean;
  /** Squared ReLU in place of SiLU. */
  readonly relu2: boolean;
  /** Norms before o and down. */
  readonly subNorms: boolean;
  /** Biases of q, k and v. */
  readonly bias: boolean;
  /** Norms of q and k. */
  readonly qkNorm: boolean;
}
export const NO_FEATURES: Features = {
  weights8: false,
  cache8: false,
  cache3: false,
  relu2: false,
  subNorms: false,
  bias: false,
  qkNorm: false,
};

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
  /** Gains of the norms before o and down, where there are some. */
  readonly subGainEntries: number;
  /** Biases of q, k and v of all heads, where there are some. */
  readonly biasEntries: number;
  /** Largest headDim, multiple of 32. */
  readonly headDim: number;
  /** Statistics slots, power of two, at most 64. */
  readonly slots: number;
  /** Beats in the prefetch buffer of weights; power of two. */
  readonly prefetchBeats: number;
  /** Program memory in instructions, power of two. */
  readonly programInstructions: number;
  /** Most rows of a matrix and tokens of a vocabulary, power of two: 65,536 to 262,144. */
  readonly matrixRows: number;
  /** Most beats of a matrix, power of two: 2^20 to 2^22. */
  readonly matrixBeats: number;
  readonly features: Features;
}

export const lanes = (c: AcceleratorConfig): number => c.rows * c.cols;
/** Width of a memory beat. */
export const beatBits = (c: AcceleratorConfig): number => 2 * c.rows * c.cols;
/** Bits of token ids, row numbers and row counts: 16 count 65,535. */
export const rowBits = (c: AcceleratorConfig): number => log2(c.matrixRows);
/** Bits that count the beats of a matrix. */
export const beatCountBits = (c: AcceleratorConfig): number => log2(c.matrixBeats);
/** Some matrix has 8-bit codes: pairs of beats. */
export const hasEight = ({ features }: AcceleratorConfig): boolean => features.weights8 || features.cache8;
/** Length of a vector of signals that only some configurations have. */
export const where = (there: boolean): number => (there ? 1 : 0);
/** Width that holds 0..n inclusive. */
export const countBits = (n: number): number => Math.ceil(Math.log2(n + 1));
/** The smallest power of two that is at least n. */
export const powerOfTwo = (n: number): number => {
  let power = 1;
  while (power < n) power *= 2;
  return power;
};
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
  subGainEntries: 256,
  biasEntries: 256,
  headDim: 32,
  slots: 32,
  prefetchBeats: 64,
  programInstructions: 64,
  matrixRows: 2 ** 16,
  matrixBeats: 2 ** 20,
  features: NO_FEATURES,
};
