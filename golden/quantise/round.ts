/** The weights of a float model rounded to matrices, and what those matrices stand for in float again. */
import { GROUP } from "../contract/tables.js";
import type { FloatLayer, FloatModel } from "../model/float.js";
import type { QuantisedMatrix } from "../model/types.js";
import { dequantise, recoverFourLevels } from "./matrix.js";
import { quantiseWith } from "./methods/quantiseWith.js";
import type { Levels } from "./recipe.js";

export const MATRICES = ["q", "k", "v", "o", "gate", "up", "down"] as const;
export type MatrixName = (typeof MATRICES)[number];
export type LayerMatrices = { readonly [name in MatrixName]: QuantisedMatrix };

/** A model whose weights are integers already but whose activations are not. */
export interface RoundedModel {
  /** Exactly the weights of the matrices, as float32 (the fake-quantised model). */
  readonly float: FloatModel;
  /** W4 or W8, [vocab, dim]. */
  readonly embedding: QuantisedMatrix;
  /** [vocab, dim]; the embedding where there is none. */
  readonly head?: QuantisedMatrix;
  readonly layers: readonly LayerMatrices[];
}

/** Rows and columns of each matrix of a layer. */
export function matrixSizes(shape: FloatModel["shape"]): Record<MatrixName, readonly [number, number]> {
  const { dim, hidden, heads, kvHeads, headDim } = shape;
  return {
    q: [heads * headDim, dim],
    k: [kvHeads * headDim, dim],
    v: [kvHeads * headDim, dim],
    o: [dim, heads * headDim],
    gate: [hidden, dim],
    up: [hidden, dim],
    down: [dim, hidden],
  };
}

/** Attaches to matrices the float model they stand for; norms and the rest come from `source`. */
export function withMatrices(
  source: FloatModel,
  embedding: QuantisedMatrix,
  layers: readonly LayerMatrices[],
  head?: QuantisedMatrix,
): RoundedModel {
  const float: FloatModel = {
    ...source,
    embedding: dequantise(embedding),
    ...(head ? { head: dequantise(head) } : {}),
    layers: source.layers.map((layer, l): FloatLayer => {
      const of = layers[l]!;
      return {
        ...layer,
        q: dequantise(of.q),
        k: dequantise(of.k),
        v: dequantise(of.v),
        o: dequantise(of.o),
        gate: dequantise(of.gate),
        up: dequantise(of.up),
        down: dequantise(of.down),
      };
    }),
  };
  return { float, embedding, ...(head ? { head } : {}), layers };
}

/** Formats to which floats are rounded. */
export interface RoundFormats {
  /** Of linear matrices that are not four-level already; W4 unless told. */
  readonly format?: "W2" | "W4" | "W8" | "TERNARY";
  /** W4 unless told. */
  readonly embedding?: "W4" | "W8";
  /** Of a head of its own; W4 unless told. */
  readonly head?: "W4" | "W8";
}

/**
 * Rounds all weights, each to its nearest code. A matrix that already has four levels per row and group of 64 or 32 keeps its
 * codes exactly.
 */
export function roundWeights(source: FloatModel, formats: RoundFormats = {}): RoundedModel {
  const { shape } = source;
  const sizes = matrixSizes(shape);
  const nearest = (weights: Float32Array, rows: number, cols: number, levels: Levels): QuantisedMatrix =>
    quantiseWith(weights, rows, cols, { levels, group: GROUP, rounding: "nearest", pruning: null }, null);
  const round = (weights: Float32Array, [rows, cols]: readonly [number, number]): QuantisedMatrix =>
    recoverFourLevels(weights, rows, cols, 64) ??
    recoverFourLevels(weights, rows, cols, 32) ??
    nearest(weights, rows, cols, formats.format ?? "W4");
  const layers = source.layers.map(
    (layer): LayerMatrices => ({
      q: round(layer.q, sizes.q),
      k: round(layer.k, sizes.k),
      v: round(layer.v, sizes.v),
      o: round(layer.o, sizes.o),
      gate: round(layer.gate, sizes.gate),
      up: round(layer.up, sizes.up),
      down: round(layer.down, sizes.down),
    }),
  );
  const embedding = nearest(source.embedding, shape.vocab, shape.dim, formats.embedding ?? "W4");
  const head = source.head && nearest(source.head, shape.vocab, shape.dim, formats.head ?? "W4");
  return withMatrices(source, embedding, layers, head);
}
