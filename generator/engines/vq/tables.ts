/**
 * Tables of LUT-LLM (arXiv 2511.06174, "activation-weight co-quantization"): centroids of activation pairs and of weight pairs, and the
 * 64 x 16 products of both, rounded to 8 bits with one scale. From real weights to what the lookup engine loads.
 */
import { fail } from "../../hdl/index.js";
import { kMeans, nearestOf, type Point } from "./cluster.js";
import { ACTIVATION_CENTROIDS, ENTRY_BITS, WEIGHT_CENTROIDS } from "./size.js";

export interface Codebook {
  /** 64 pairs of int8, for the centroid search. */
  readonly activations: readonly Point[];
  /** 16 pairs of reals. */
  readonly weights: readonly Point[];
}
export interface Table {
  /** [activation centroid][weight centroid], signed 8 bits. */
  readonly entries: readonly (readonly number[])[];
  /** An entry of 1 stands for this product. */
  readonly scale: number;
}

const int8 = (v: number): number => Math.max(-127, Math.min(127, Math.round(v)));

/** From activations as they occur (int8 pairs) and the weights of the columns that share the table. */
export const codebookOf = (
  activations: readonly Point[],
  weights: readonly Point[],
  seed: number,
): Codebook => {
  if (activations.length === 0 || weights.length === 0)
    fail("a codebook is made from at least one pair of activations and one of weights");
  return {
    activations: kMeans(activations, ACTIVATION_CENTROIDS, seed).map(([x, y]): Point => [int8(x), int8(y)]),
    weights: kMeans(weights, WEIGHT_CENTROIDS, seed + 1),
  };
};

export const tableOf = ({ activations, weights }: Codebook): Table => {
  const products = activations.map(([a0, a1]) => weights.map(([w0, w1]) => a0 * w0 + a1 * w1));
  const largest = products.flat().reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const scale = largest === 0 ? 1 : largest / (2 ** (ENTRY_BITS - 1) - 1);
  return { entries: products.map((row) => row.map((v) => Math.round(v / scale))), scale };
};

/** Four-bit codes of weight pairs. */
export const weightCodes = ({ weights }: Codebook, pairs: readonly Point[]): number[] =>
  pairs.map((p) => nearestOf(weights, p));
