/** Mixed precision through the pipeline: budgets are kept, more bytes are never worse, and loud matrices get them first. */
import assert from "node:assert/strict";
import { type ModelDescription, slotsOf } from "../../import/architecture.js";
import { randomTensors, TINY } from "../../import/write/random.js";
import { llama } from "../../model/architecture.js";
import { hardwareBytes } from "../methods/mixed.js";
import type { Levels, Recipe } from "../recipe.js";
import { matrixSizes } from "../round.js";
import { quantiseInMemory } from "./memory.js";
import { mixedRecipe } from "./sensitivity.js";
import type { WeightSource } from "./tensor.js";

const description: ModelDescription = {
  ...{ name: "tiny", family: "random", shape: TINY },
  architecture: { ...llama(1e-5, 1e4), tied: false },
};
const tensors = randomTensors(description, 9);
const columns = new Map(slotsOf(description).map(({ name, shape }) => [name, shape[1] ?? 1]));
const source: WeightSource = {
  file: "tiny",
  codes: async () => null,
  read: async (name, from = 0, count) => {
    const cols = columns.get(name)!;
    return tensors.get(name)!.slice(from * cols, count === undefined ? undefined : (from + count) * cols);
  },
};
const recipe: Recipe = {
  linear: { levels: "W4", group: 32, rounding: "gptq", pruning: null },
  overrides: new Map(),
  ...{ embedding: "W8", head: "W4", rotate: false },
  cache: { keys: 4, values: 4 },
};
const options = {
  description,
  source,
  recipe,
  threads: 1,
  text: [
    [1, 9, 2, 30, 4, 22, 17, 3],
    [1, 5, 6, 7, 33],
  ],
};

const bytesOf = (levelsOf: (slot: string) => Levels): number => {
  const { vocab, dim, layers } = TINY;
  let bytes = hardwareBytes(vocab, dim, "W8") + hardwareBytes(vocab, dim, "W4");
  for (let l = 0; l < layers; l++)
    for (const [name, [rows, cols]] of Object.entries(matrixSizes(TINY)))
      bytes += hardwareBytes(rows, cols, levelsOf(`layers.${l}.${name}`));
  return bytes;
};

describe("mixed precision of a checkpoint", () => {
  it("keeps the budget, tables included, and uses more bytes for less error", async () => {
    const least = bytesOf(() => "W2");
    const most = bytesOf(() => "W8");
    let before = Infinity;
    for (const budget of [least, (2 * least + most) / 3, (least + most) / 2, most]) {
      const { recipe: mixed, choice } = await mixedRecipe({ ...options, budget });
      assert.equal(
        choice.bytes,
        bytesOf((slot) => mixed.overrides.get(slot)!.levels),
      );
      assert.ok(choice.bytes <= budget && choice.error < before && choice.bound <= choice.error + 1e-12);
      assert.ok([...mixed.overrides.values()].every(({ rounding }) => rounding === "gptq"));
      before = choice.error;
    }
    assert.ok(before < 0.01, `all W8: ${before}`);
    await assert.rejects(mixedRecipe({ ...options, budget: least - 1 }), {
      name: "InputError",
      message:
        /^tiny: the matrices take at least \d+ bytes, 1 more than the \d+ allowed beside embedding and head/,
    });
  });

  it("the same with two threads, and the saved model follows", async () => {
    const budget = bytesOf((slot) => (slot.startsWith("layers.0") ? "W4" : "W2"));
    const { recipe: mixed, choice } = await mixedRecipe({ ...options, budget });
    const threaded = await mixedRecipe({ ...options, budget, threads: 2 });
    assert.deepEqual(threaded.recipe, mixed);
    const saved = await quantiseInMemory({ ...options, recipe: mixed, kind: "test" });
    for (const [slot, { levels }] of mixed.overrides)
      assert.equal(saved.tensors.get(slot)!.type, levels, slot);
    assert.ok(choice.bytes <= budget);
  });

  it("a matrix that four levels hold exactly gets no more than these", async () => {
    const weights = tensors.get("layers.1.up")!;
    const before = weights.slice();
    const levels = [-3, -1, 1, 3];
    for (let i = 0; i < weights.length; i++) weights[i] = levels[(i * 7 + (i >> 3)) % 4]! * 0.25;
    const { recipe: mixed } = await mixedRecipe({ ...options, budget: bytesOf(() => "W8") });
    weights.set(before);
    assert.equal(mixed.overrides.get("layers.1.up")!.levels, "W4"); // the recipe's own: its codes stay, and are W2
    assert.equal(mixed.overrides.get("layers.0.up")!.levels, "W8");
  });
});
