/** Small random float models of any architecture. */
import type { Architecture } from "../model/architecture.js";
import type { FloatModel } from "../model/float.js";
import { Random } from "../model/random.js";
import type { ModelShape } from "../model/types.js";
import { matrixSizes } from "./round.js";

export function randomFloatModel(shape: ModelShape, architecture: Architecture, seed: number): FloatModel {
  const { dim, hidden, layers, heads, kvHeads, headDim, vocab } = shape;
  const { qkvBias, qkNorm, subNorms, tied } = architecture;
  const random = new Random(seed);
  const uniform = (count: number, size: number, middle = 0) =>
    Float32Array.from({ length: count }, () => middle + size * (random.next() / 2147483648 - 1));
  const gain = (count: number) => uniform(count, 0.3, 1);
  const sizes = matrixSizes(shape);
  const matrix = (name: keyof typeof sizes) =>
    uniform(sizes[name][0] * sizes[name][1], 2 / Math.sqrt(sizes[name][1]));
  return {
    name: "random",
    shape,
    architecture,
    embedding: uniform(vocab * dim, 0.5),
    ...(tied ? {} : { head: uniform(vocab * dim, 2 / Math.sqrt(dim)) }),
    finalGain: gain(dim),
    layers: Array.from({ length: layers }, () => ({
      attentionGain: gain(dim),
      ffnGain: gain(dim),
      q: matrix("q"),
      k: matrix("k"),
      v: matrix("v"),
      o: matrix("o"),
      gate: matrix("gate"),
      up: matrix("up"),
      down: matrix("down"),
      kMean: new Float32Array(kvHeads * headDim),
      ...(qkvBias
        ? {
            bias: {
              q: uniform(heads * headDim, 1),
              k: uniform(kvHeads * headDim, 3), // keys of real models of this kind have large ones
              v: uniform(kvHeads * headDim, 0.3),
            },
          }
        : {}),
      ...(qkNorm ? { qkNorm: { q: gain(headDim), k: gain(headDim) } } : {}),
      ...(subNorms ? { subNorm: { attention: gain(heads * headDim), ffn: gain(hidden) } } : {}),
    })),
  };
}
