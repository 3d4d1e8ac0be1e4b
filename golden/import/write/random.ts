/** Small random models of any architecture, the same for the same seed: what the writers beside this file put into containers. */
import type { Architecture } from "../../model/architecture.js";
import type { FloatModel } from "../../model/float.js";
import { Random } from "../../model/prng.js";
import type { ModelShape } from "../../model/types.js";
import { type ModelDescription, slotsOf } from "../architecture.js";
import { floatModel } from "../modelFloat.js";

export const TINY: ModelShape = {
  ...{ dim: 32, hidden: 48, layers: 2, heads: 4, kvHeads: 2, headDim: 8, vocab: 40, context: 24 },
};

/** Gains near 1, biases and weights around 0 with a spread that keeps activations near 1. */
export function randomTensors(description: ModelDescription, seed: number): Map<string, Float32Array> {
  const random = new Random(seed);
  const spread = (): number => random.next() / 2 ** 31 - 1;
  return new Map(
    slotsOf(description).map(({ name, role, shape }) => {
      const count = shape.reduce((product, n) => product * n, 1);
      const norm = role.endsWith("norm");
      const size = role === "embedding" || role.endsWith("bias") ? 1 : 1.7 / Math.sqrt(shape.at(-1)!);
      return [
        name,
        Float32Array.from({ length: count }, () => (norm ? 1 + 0.3 * spread() : size * spread())),
      ];
    }),
  );
}

export function randomFloatModel(architecture: Architecture, seed: number, shape = TINY): FloatModel {
  const description = { name: "tiny", family: "random", shape, architecture };
  return floatModel(description, randomTensors(description, seed));
}
