/** What quantising a model is told: the format of every matrix, and how its codes are found. Data only. */
import type { CacheBits } from "../model/types.js";

/** Levels of a code. Z2: four even steps with a zero point per group, stored as W4. W3: -4..3, stored as W4. */
export type Levels = "W2" | "Z2" | "TERNARY" | "W3" | "W4" | "W8";

/** Two of every aligned four inputs are kept. By |w|, by |w|·rms(x) (Wanda), or by w²/[H⁻¹]_ii as the columns are done (SparseGPT). */
export type Pruning = "magnitude" | "wanda" | "sparsegpt";

export interface MatrixSpec {
  readonly levels: Levels;
  /** Inputs that share a scale; stored as repeated mantissas of groups of 32. */
  readonly group: 32 | 64 | 128;
  /** Each weight to its nearest code, or column by column with the error handed on (GPTQ, arXiv 2210.17323). */
  readonly rounding: "nearest" | "gptq";
  /** 2:4, with levels W2 only (stored as N24); null keeps every weight. */
  readonly pruning: Pruning | null;
}

/** Second moments of the inputs of a matrix over calibration text. */
export interface InputMoments {
  readonly cols: number;
  readonly positions: number;
  /** [cols·cols], symmetric: the sum over positions of x_i·x_j. */
  readonly sums: Float64Array;
}

export interface Recipe {
  /** Of the seven linear matrices of every layer, */
  readonly linear: MatrixSpec;
  /** but for these, by slot name ("layers.3.down"): mixed precision. */
  readonly overrides: ReadonlyMap<string, MatrixSpec>;
  readonly embedding: "W4" | "W8";
  /** Of a head of its own; not used where the head is the embedding. */
  readonly head: "W4" | "W8";
  readonly cache: { readonly keys: CacheBits; readonly values: CacheBits };
  /** Hadamard rotations of residual stream and value heads, folded into the weights (QuaRot, arXiv 2404.00456). */
  readonly rotate: boolean;
}
