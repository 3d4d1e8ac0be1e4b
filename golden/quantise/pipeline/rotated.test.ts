/** Turned tensor by tensor, a checkpoint is what it is turned as a whole. */
import assert from "node:assert/strict";
import { type ModelDescription, slotsOf } from "../../import/architecture.js";
import { floatModel } from "../../import/modelFloat.js";
import { randomTensors, TINY } from "../../import/write/random.js";
import { tensorsOf } from "../../import/write/tensors.js";
import { type Architecture, llama } from "../../model/architecture.js";
import { rotate } from "../methods/rotate.js";
import { rotated } from "./rotated.js";
import type { WeightSource } from "./tensor.js";

const base = llama(1e-5, 1e4);
const EVERYTHING: Architecture = {
  ...base,
  gate: "relu2",
  qkvBias: true,
  qkNorm: true,
  subNorms: true,
  tied: false,
};

function sourceOf(tensors: ReadonlyMap<string, Float32Array>, description: ModelDescription): WeightSource {
  const columns = new Map(slotsOf(description).map(({ name, shape }) => [name, shape[1] ?? 1]));
  return {
    file: "tiny",
    codes: async () => null,
    read: async (name, from = 0, count) => {
      const cols = columns.get(name)!;
      return tensors.get(name)!.slice(from * cols, count === undefined ? undefined : (from + count) * cols);
    },
  };
}

describe("a checkpoint turned tensor by tensor", () => {
  for (const [what, architecture, even] of [
    ["tied", base, false],
    ["tied, with one final gain", base, true],
    ["everything", EVERYTHING, false],
  ] as const)
    it(`${what}: exactly the whole model turned`, async () => {
      const description = { name: "tiny", family: "random", shape: TINY, architecture };
      const tensors = randomTensors(description, 4);
      if (even) tensors.get("final_norm")!.fill(1.5);
      const expected = rotate(floatModel(description, tensors));
      const turned = await rotated(sourceOf(tensors, description), description);
      assert.deepEqual(turned.description.architecture, expected.architecture);
      for (const { slot, values } of tensorsOf(expected)) {
        assert.deepEqual(await turned.source.read(slot.name), values, slot.name);
        if (slot.shape.length === 1) continue;
        const cols = slot.shape[1]!;
        assert.deepEqual(
          await turned.source.read(slot.name, 3, 9),
          values.slice(3 * cols, 12 * cols),
          slot.name,
        );
      }
      assert.equal(await turned.source.codes("layers.0.q"), null);
    });

  it("says where no rotation is known", async () => {
    const description = { name: "tiny", family: "random", shape: { ...TINY, dim: 18 }, architecture: base };
    const source = sourceOf(new Map(), description);
    await assert.rejects(
      rotated(source, description),
      /^InputError: tiny: no Hadamard matrix is known here for dim 18/,
    );
  });
});
