/** A small saved model with every way that codes lie in bytes, made without the pipeline: ranges are made up. */
import { llama } from "../model/architecture.js";
import { quantiseWith } from "../quantise/methods/quantiseWith.js";
import type { Levels, MatrixSpec, Recipe } from "../quantise/recipe.js";
import { accessBytes } from "./access.js";
import { slotsOf } from "./architecture.js";
import { loadQuantised, QuantisedSource } from "./quantised.js";
import { writeAbout } from "./quantisedAbout.js";
import { writeSafetensors } from "./safetensors.js";
import { SafetensorsSource } from "./safetensorsSource.js";
import { matrixTensors, vectorTensors } from "./write/quantised.js";
import { randomTensors, TINY } from "./write/random.js";

const spec = (levels: Levels, pruning: MatrixSpec["pruning"] = null): MatrixSpec => ({
  ...{ levels, group: 32, rounding: "nearest", pruning },
});
const SPECS: readonly MatrixSpec[] = [
  ...[spec("W2"), spec("TERNARY"), spec("W2", "magnitude"), spec("W4"), spec("W8")],
];

function file(): Uint8Array {
  const architecture = { ...llama(1e-5, 10000), tied: false, qkNorm: true, qkvBias: true };
  const description = { name: "tiny", family: "random", shape: TINY, architecture };
  const values = randomTensors(description, 7);
  const linear = spec("W4");
  const recipe: Recipe = {
    ...{ linear, overrides: new Map(), embedding: "W4", head: "W8", rotate: false },
    cache: { keys: 4, values: 4 },
  };
  const tensors = new Map(
    slotsOf(description).flatMap(({ name, shape }, n) => {
      const [rows, cols] = shape;
      if (cols === undefined) return [...vectorTensors(name, values.get(name)!)];
      const matrix = quantiseWith(values.get(name)!, rows!, cols, SPECS[n % SPECS.length]!, null);
      return [...matrixTensors(name, matrix)];
    }),
  );
  for (let l = 0; l < TINY.layers; l++)
    for (const entry of vectorTensors(`layers.${l}.k_mean`, new Float32Array(TINY.kvHeads * TINY.headDim)))
      tensors.set(...entry);
  const range = { q: 9, k: 9, key: 9, v: 9, o: 9, up: 9, h: 9 };
  const ranges = { residual: 40, layers: Array.from({ length: TINY.layers }, () => range) };
  return writeSafetensors(
    tensors,
    writeAbout({ description, source: "fuzz", recipe, ranges, losses: new Map() }),
  );
}

export function savedTarget() {
  return {
    name: "saved",
    file: file(),
    header: 6000,
    read: async (bytes: Uint8Array) => {
      const source = new QuantisedSource(await SafetensorsSource.from(accessBytes(bytes, "fuzz")));
      await loadQuantised(source);
    },
  };
}
