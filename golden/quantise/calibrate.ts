/** Ranges of activations and means of K, from float passes over text that the model writes itself: no corpus is needed. */
import type { Architecture } from "../model/architecture.js";
import { type FloatModel, FloatState, type FloatTensor, forwardFloat } from "../model/float.js";
import { floatDecoder } from "./decoder.js";
import { sample } from "./sample.js";

/** Largest magnitudes seen; per layer where the contract has a binary point per layer. */
export interface Ranges {
  readonly residual: number;
  readonly layers: readonly LayerRanges[];
}
export interface LayerRanges {
  /** With biases; q and k behind RoPE, but where they have norms in front of these. */
  readonly q: number;
  readonly k: number;
  readonly v: number;
  /** Keys behind their norm and RoPE, where there is a norm. */
  readonly key?: number | undefined;
  /** Attention output. */
  readonly o: number;
  /** Where squared ReLU makes its binary point free. */
  readonly gate?: number | undefined;
  readonly up: number;
  /** Gate, behind its function, times up. */
  readonly h: number;
}

export interface Calibration {
  readonly ranges: Ranges;
  /** Mean of K after RoPE over all positions, [kvHeads·headDim] per layer. */
  readonly kMeans: readonly Float32Array[];
}

/** Token sequences from BOS: the first greedy, the others sampled at temperature 1. */
export function ownText(model: FloatModel, sequences: number, length: number): number[][] {
  return Array.from({ length: sequences }, (_, i) =>
    sample(floatDecoder(model), 1, Math.min(length, model.shape.context), {
      temperature: i === 0 ? 0 : 1,
      seed: i,
    }),
  );
}

/** Runs the sequences and notes ranges and key means. */
export function calibrate(model: FloatModel, sequences: readonly (readonly number[])[]): Calibration {
  const state = new FloatState(model);
  const layers = model.layers.map(() => emptyRanges(model.architecture));
  const sums = model.layers.map((layer) => new Float64Array(layer.kMean.length));
  let residual = 0;
  let positions = 0;
  for (const tokens of sequences) {
    tokens.forEach((token, position) => {
      positions++;
      forwardFloat(state, token, position, false, (tensor, layer, values) => {
        if (tensor === "x") residual = Math.max(residual, largest(values));
        const name = rangeOf(tensor, model.architecture);
        if (name !== null) layers[layer]![name] = Math.max(layers[layer]![name] ?? 0, largest(values));
        if (tensor === "k")
          for (let i = 0; i < values.length; i++) sums[layer]![i] = sums[layer]![i]! + values[i]!;
      });
    });
  }
  const kMeans = sums.map((sum) => Float32Array.from(sum, (v) => v / positions));
  return { ranges: { residual, layers }, kMeans };
}

type RangeName = keyof LayerRanges;

type Growing = { -readonly [name in keyof LayerRanges]: LayerRanges[name] };

function emptyRanges({ qkNorm, gate }: Architecture): Growing {
  return {
    ...{ q: 0, k: 0, v: 0, o: 0, up: 0, h: 0 },
    ...(qkNorm ? { key: 0 } : {}),
    ...(gate === "relu2" ? { gate: 0 } : {}),
  };
}

/** The range that a tensor of a layer belongs to; null for those whose binary point is fixed. */
export function rangeOf(tensor: FloatTensor, { qkNorm, gate }: Architecture): RangeName | null {
  switch (tensor) {
    case "q_matrix":
      return "q";
    case "k_matrix":
      return "k";
    case "q":
      return qkNorm ? null : "q"; // behind a norm the integer q keeps the size of the matrix result
    case "k":
      return qkNorm ? "key" : "k";
    case "v":
    case "up":
    case "h":
      return tensor;
    case "attn_out":
      return "o";
    case "gate":
      return gate === "relu2" ? "gate" : null;
    case "x":
    case "logits":
      return null;
  }
}

function largest(values: Float64Array): number {
  let maximum = 0;
  for (let i = 0; i < values.length; i++) maximum = Math.max(maximum, Math.abs(values[i]!));
  return maximum;
}
