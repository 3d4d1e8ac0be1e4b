/** The pipeline against the float forward pass, threads against one another, interrupted runs against whole ones. */
import assert from "node:assert/strict";
import { type ModelDescription, slotsOf } from "../../import/architecture.js";
import { floatModel } from "../../import/modelFloat.js";
import { type QuantisedSource, loadQuantised } from "../../import/quantised.js";
import { randomTensors, TINY } from "../../import/write/random.js";
import { VARIANTS } from "../../import/write/variants.js";
import type { Architecture } from "../../model/architecture.js";
import type { FloatModel } from "../../model/float.js";
import { calibrate } from "../calibrate.js";
import type { MatrixSpec, Recipe } from "../recipe.js";
import { MemoryKeeper, quantiseInMemory } from "./memory.js";
import { joined } from "./parts.js";
import { type Progress, quantiseInParts } from "./pipeline.js";
import type { WeightSource } from "./tensor.js";

const W4: MatrixSpec = { levels: "W4", group: 32, rounding: "nearest", pruning: null };
const RECIPE: Recipe = {
  linear: W4,
  overrides: new Map(),
  ...{ embedding: "W8", head: "W8", rotate: false },
  cache: { keys: 4, values: 4 },
};
const TEXT = [
  [1, 5, 9, 13, 17, 3, 8],
  [1, 39, 0, 22, 22, 4, 30, 12, 2, 7, 35, 11, 6],
];

function tiny(architecture: Architecture, seed = 5): { description: ModelDescription; source: WeightSource } {
  const description = { name: "tiny", family: "random", shape: TINY, architecture };
  const tensors = randomTensors(description, seed);
  return { description, source: sourceOf(description, tensors) };
}

function sourceOf(description: ModelDescription, tensors: ReadonlyMap<string, Float32Array>): WeightSource {
  const slots = new Map(slotsOf(description).map((slot) => [slot.name, slot]));
  return {
    file: "tiny",
    codes: async () => null,
    read: async (name, from = 0, count) => {
      const cols = slots.get(name)!.shape.at(-1)!;
      return tensors.get(name)!.slice(from * cols, count === undefined ? undefined : (from + count) * cols);
    },
  };
}

/** The weights that a saved model stands for. */
async function twinOf(source: QuantisedSource): Promise<FloatModel> {
  const { description } = source.about();
  const tensors = new Map<string, Float32Array>();
  for (const { name } of slotsOf(description)) tensors.set(name, await source.read(name));
  return floatModel(description, tensors);
}

function near(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(found[i]! - expected[i]!) <= 2e-6 * (1 + Math.abs(expected[i]!)),
      `${what}: ${found[i]}, not ${expected[i]}`,
    );
}

describe("quantising layer by layer", () => {
  for (const [name, architecture] of VARIANTS) {
    it(`${name}: ranges and key means are those of the float pass over the rounded weights`, async () => {
      const source = await quantiseInMemory({
        ...tiny(architecture),
        recipe: RECIPE,
        text: TEXT,
        threads: 1,
        kind: "test",
      });
      const { ranges } = source.about();
      const expected = calibrate(await twinOf(source), TEXT);
      near([ranges.residual], [expected.ranges.residual], "residual");
      for (const [l, layer] of expected.ranges.layers.entries()) {
        for (const key of Object.keys(layer) as (keyof typeof layer)[])
          near([ranges.layers[l]![key]!], [layer[key]!], `layer ${l} ${key}`);
        near(await source.read(`layers.${l}.k_mean`), expected.kMeans[l]!, `layer ${l} key mean`);
      }
    });
  }

  /** All bytes of the saved model. */
  const save = async (keeper: MemoryKeeper, description: ModelDescription, recipe: Recipe) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of joined(keeper, { description, recipe, source: "test" })) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  const MIXED: Recipe = {
    ...RECIPE,
    linear: { ...W4, levels: "W2" },
    overrides: new Map([
      ["layers.0.down", { ...W4, levels: "W8" }],
      ["layers.1.q", { ...W4, levels: "TERNARY", group: 64 }],
    ]),
  };

  it("two threads write the same bytes as one", async () => {
    const model = tiny(VARIANTS.get("llama-untied")!);
    const saved: Buffer[] = [];
    for (const threads of [1, 2]) {
      const keeper = new MemoryKeeper();
      await quantiseInParts({ ...model, recipe: MIXED, text: TEXT, keeper, threads });
      saved.push(await save(keeper, model.description, MIXED));
    }
    assert.ok(saved[0]!.equals(saved[1]!));
  });

  it("a run that was cut off after any write goes on to the same bytes", async () => {
    const model = tiny(VARIANTS.get("llama-untied")!);
    const options = { ...model, recipe: MIXED, text: TEXT, threads: 1 };
    const whole = new MemoryKeeper();
    await quantiseInParts({ ...options, keeper: whole });
    const expected = await save(whole, model.description, MIXED);

    /** Stops at the n-th change. */
    class Cut extends MemoryKeeper {
      left = 0;
      private spend(): void {
        if (this.left-- === 0) throw new Error("cut off");
      }
      override async put(name: string, bytes: Uint8Array): Promise<void> {
        this.spend();
        return super.put(name, bytes);
      }
      override async remove(name: string): Promise<void> {
        this.spend();
        return super.remove(name);
      }
    }
    let cuts = 0;
    for (; ; cuts++) {
      const keeper = new Cut();
      keeper.left = cuts;
      const done = await quantiseInParts({ ...options, keeper }).then(
        () => true,
        () => false,
      );
      keeper.left = Infinity;
      const slots: Progress[] = [];
      if (!done) await quantiseInParts({ ...options, keeper, progress: (progress) => slots.push(progress) });
      assert.ok((await save(keeper, model.description, MIXED)).equals(expected), `cut at change ${cuts}`);
      if (done) break;
      if (cuts > 4) assert.ok(slots[0]!.before > 0 && !slots.some(({ slot }) => slot === "embedding"));
      assert.equal(slots.at(-1)!.done, slots.at(-1)!.total);
    }
    assert.equal(cuts, 10); // hidden states and a part thrice, then one that goes twice, the final part, its hidden states
  });

  it("hidden states of another run are not taken", async () => {
    const model = tiny(VARIANTS.get("llama")!);
    const options = { ...model, recipe: RECIPE, text: TEXT, threads: 1 };
    const whole = new MemoryKeeper();
    await quantiseInParts({ ...options, keeper: whole });
    const keeper = new MemoryKeeper();
    await quantiseInParts({ ...options, keeper, text: [TEXT[0]!] });
    await keeper.remove("final");
    await keeper.put("hidden.2", new Uint8Array(8));
    await quantiseInParts({ ...options, keeper });
    const [found, expected] = [
      await save(keeper, model.description, RECIPE),
      await save(whole, model.description, RECIPE),
    ];
    assert.ok(found.equals(expected));
  });

  it("refuses tokens that the model does not have", async () => {
    const model = tiny(VARIANTS.get("llama")!);
    const options = { ...model, recipe: RECIPE, keeper: new MemoryKeeper(), threads: 1 };
    await assert.rejects(quantiseInParts({ ...options, text: [[1, 40]] }), {
      name: "InputError",
      message: /^tiny: token 40 of the calibration text is outside the vocabulary of 40\./,
    });
    await assert.rejects(quantiseInParts({ ...options, text: [] }), /no calibration text/);
    await assert.rejects(
      quantiseInParts({ ...options, text: [new Array(25).fill(1)] }),
      /25 tokens does not fit/,
    );
  });

  it("a weight beyond every scale is one message, from a thread too", async () => {
    const description: ModelDescription = {
      name: "tiny",
      family: "random",
      shape: TINY,
      architecture: VARIANTS.get("llama")!,
    };
    const tensors = randomTensors(description, 5);
    tensors.get("layers.1.up")![77] = 1e9;
    for (const threads of [1, 2])
      await assert.rejects(
        quantiseInParts({
          ...{ description, source: sourceOf(description, tensors), recipe: RECIPE, text: TEXT, threads },
          keeper: new MemoryKeeper(),
        }),
        { name: "InputError", message: /^tiny, tensor "layers\.1\.up": a weight of 1000000000 is beyond/ },
      );
  });

  it("loads to the integer model", async () => {
    const source = await quantiseInMemory({
      ...tiny(VARIANTS.get("llama")!),
      recipe: MIXED,
      text: TEXT,
      threads: 1,
      kind: "test",
    });
    const { model } = await loadQuantised(source, { slots: { sinks: 2, window: 6 } });
    assert.deepEqual(
      [
        model.embedding.format,
        model.layers[0]!.down.format,
        model.layers[1]!.q.format,
        model.layers[1]!.k.format,
      ],
      ["W8", "W8", "TERNARY", "W2"],
    );
    assert.deepEqual([model.sinks, model.window], [2, 6]);
  });
});
