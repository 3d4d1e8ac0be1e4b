/** The float model that a random quantised model stands for, and how alike two vectors are. */
import { withMatrices } from "../quantise/round.js";
import { llama } from "./architecture.js";
import type { FloatModel } from "./float.js";
import { FRACTION, GAIN_EXPONENT, RANDOM_EPS } from "./random.js";
import type { QuantisedModel } from "./types.js";

export function floatTwin(model: QuantisedModel): FloatModel {
  const gain = (g: Int16Array): Float32Array => Float32Array.from(g, (v) => v / 2 ** GAIN_EXPONENT);
  const real = (v: Int32Array, fraction: number): Float32Array =>
    Float32Array.from(v, (x) => x / 2 ** fraction);
  const none = new Float32Array(0);
  const first = model.layers[0]!;
  const bare: FloatModel = {
    name: model.name,
    shape: model.shape,
    architecture: {
      ...llama(RANDOM_EPS, 10000),
      gate: model.gate,
      qkvBias: first.bias !== undefined,
      qkNorm: first.qkNorm !== undefined,
      subNorms: first.subNorm !== undefined,
      tied: model.head === undefined,
    },
    embedding: none,
    finalGain: gain(model.finalGain),
    layers: model.layers.map(({ bias, qkNorm, subNorm, ...layer }) => ({
      attentionGain: gain(layer.attentionGain),
      ffnGain: gain(layer.ffnGain),
      ...{ q: none, k: none, v: none, o: none, gate: none, up: none, down: none },
      kMean: real(layer.kMean, FRACTION.key),
      ...(bias
        ? { bias: { q: real(bias.q, FRACTION.q), k: real(bias.k, FRACTION.k), v: real(bias.v, FRACTION.v) } }
        : {}),
      ...(qkNorm ? { qkNorm: { q: gain(qkNorm.q), k: gain(qkNorm.k) } } : {}),
      ...(subNorm ? { subNorm: { attention: gain(subNorm.attention), ffn: gain(subNorm.ffn) } } : {}),
    })),
  };
  return withMatrices(bare, model.embedding, model.layers, model.head).float;
}

/** Direction and size of a against b: cosine, and the factor by which a is too long. */
export function likeness(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { readonly cosine: number; readonly gain: number } {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return { cosine: ab / Math.sqrt(aa * bb), gain: ab / bb };
}
