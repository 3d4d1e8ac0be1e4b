/** A small random Llama whose rows fill blocks of 256, for fixtures: from a seed, the same on every machine. */
import { llama } from "../../model/architecture.js";
import type { FloatLayer, FloatModel } from "../../model/float.js";
import { randomWeights } from "../blocks/sample.js";

export interface Sizes {
  readonly dim: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocab: number;
}

const SIZES: Sizes = { dim: 256, hidden: 512, layers: 2, heads: 4, kvHeads: 2, vocab: 300 };

export function sampleModel(seed: number, sizes: Sizes = SIZES): FloatModel {
  const { dim, hidden, layers, heads, kvHeads, vocab } = sizes;
  const kv = (kvHeads * dim) / heads;
  let next = seed * 1000;
  const weights = (count: number): Float32Array => randomWeights(count, next++);
  const gain = (): Float32Array => weights(dim).map((w) => 1 + w);
  return {
    name: "sample",
    shape: { ...sizes, headDim: dim / heads, context: 64 },
    architecture: llama(1e-5, 10000),
    embedding: weights(vocab * dim),
    finalGain: gain(),
    layers: Array.from(
      { length: layers },
      (): FloatLayer => ({
        attentionGain: gain(),
        ffnGain: gain(),
        q: weights(dim * dim),
        k: weights(kv * dim),
        v: weights(kv * dim),
        o: weights(dim * dim),
        gate: weights(hidden * dim),
        up: weights(hidden * dim),
        down: weights(dim * hidden),
        kMean: new Float32Array(kv),
      }),
    ),
  };
}
