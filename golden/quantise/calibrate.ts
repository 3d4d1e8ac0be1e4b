/** Ranges of activations and means of K, from float passes over text that the model writes itself: no corpus is needed. */
import { type FloatModel, FloatState, forwardFloat } from "../model/float.js";
import { floatDecoder } from "./decoder.js";
import { sample } from "./sample.js";

/** Largest magnitudes seen; per layer where the contract has a binary point per layer. */
export interface Ranges {
  readonly residual: number;
  readonly layers: readonly LayerRanges[];
}
export interface LayerRanges {
  readonly q: number;
  readonly k: number;
  readonly v: number;
  /** Attention output. */
  readonly o: number;
  readonly up: number;
  /** silu(gate)·up. */
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
  const layers = model.layers.map(() => ({ q: 0, k: 0, v: 0, o: 0, up: 0, h: 0 }));
  const sums = model.layers.map((layer) => new Float64Array(layer.kMean.length));
  let residual = 0;
  let positions = 0;
  for (const tokens of sequences) {
    tokens.forEach((token, position) => {
      positions++;
      forwardFloat(state, token, position, false, (tensor, layer, values) => {
        const maximum = largest(values);
        if (tensor === "x") residual = Math.max(residual, maximum);
        else if (tensor !== "gate" && tensor !== "logits") {
          const name = tensor === "attn_out" ? "o" : tensor;
          layers[layer]![name] = Math.max(layers[layer]![name], maximum);
        }
        if (tensor === "k")
          for (let i = 0; i < values.length; i++) sums[layer]![i] = sums[layer]![i]! + values[i]!;
      });
    });
  }
  const kMeans = sums.map((sum) => Float32Array.from(sum, (v) => v / positions));
  return { ranges: { residual, layers }, kMeans };
}

function largest(values: Float64Array): number {
  let maximum = 0;
  for (let i = 0; i < values.length; i++) maximum = Math.max(maximum, Math.abs(values[i]!));
  return maximum;
}
