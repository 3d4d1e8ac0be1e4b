import assert from "node:assert/strict";
import { type AcceleratorConfig, defaultConfig, NO_FEATURES } from "../isa/config.js";
import { type RandomOptions, randomModel } from "../../golden/model/random.js";
import type { ModelShape } from "../../golden/model/types.js";
import { compile } from "./compile.js";
import { configFor } from "./configure.js";

const SHAPE: ModelShape = {
  dim: 64,
  hidden: 96,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  vocab: 50,
  context: 64,
};
const CAPACITIES = [
  "context",
  "actWords",
  "vectorElements",
  "residualElements",
  "gainEntries",
  "kmeanEntries",
  "ropeEntries",
  "headDim",
  "slots",
  "programInstructions",
] as const satisfies readonly (keyof AcceleratorConfig)[];

describe("configFor", () => {
  const cases: readonly (readonly [string, Partial<ModelShape>, RandomOptions])[] = [
    ["a small model", {}, {}],
    ["odd sizes", { dim: 72, hidden: 172, heads: 5, kvHeads: 5, headDim: 16, vocab: 37, context: 100 }, {}],
    ["sub-norms", { hidden: 172 }, { subNorm: true }],
    ["biases, norms of q and k", {}, { bias: true, qkNorm: true }],
    ["8 bits", {}, { format: "W8", embedding: "W8", head: "W2", cache: { keys: 8, values: 3 } }],
  ];
  for (const [name, shape, options] of cases)
    for (const [rows, tokens] of [
      [2, 1],
      [32, 4],
    ] as const)
      it(`${name}: fits, and half of any capacity does not; ${rows} rows, ${tokens} token(s)`, () => {
        const model = randomModel({ ...SHAPE, ...shape }, 1, options);
        const config = configFor(model, { ...defaultConfig, rows, tokens });
        assert.equal(compile(model, config).positions, model.shape.context);
        const capacities = [
          ...CAPACITIES,
          ...(options.subNorm ? ["subGainEntries" as const] : []),
          ...(options.bias ? ["biasEntries" as const] : []),
        ];
        for (const capacity of capacities) {
          const half = { ...config, [capacity]: config[capacity] / 2 };
          if (capacity === "context") assert.ok(compile(model, half).positions < model.shape.context);
          else assert.throws(() => compile(model, half), { name: "CompileError" }, capacity);
        }
      });

  it("switches on what the model needs, and nothing else", () => {
    const features = (options: RandomOptions) =>
      configFor(randomModel(SHAPE, 1, options), defaultConfig).features;
    assert.deepEqual(features({}), NO_FEATURES);
    assert.deepEqual(features({ embedding: "W8" }), { ...NO_FEATURES, weights8: true });
    assert.deepEqual(features({ head: "W8" }), { ...NO_FEATURES, weights8: true });
    assert.deepEqual(features({ cache: { keys: 4, values: 8 } }), { ...NO_FEATURES, cache8: true });
    assert.deepEqual(features({ cache: { keys: 3, values: 4 } }), { ...NO_FEATURES, cache3: true });
    assert.deepEqual(features({ bias: true }), { ...NO_FEATURES, bias: true });
    assert.deepEqual(features({ qkNorm: true }), { ...NO_FEATURES, qkNorm: true });
    assert.deepEqual(features({ subNorm: true }), { ...NO_FEATURES, subNorms: true });
    assert.deepEqual(features({ gate: "relu2" }), { ...NO_FEATURES, relu2: true });
    const model = randomModel(SHAPE, 1, { format: "W8" });
    assert.throws(() => compile(model, defaultConfig), {
      message:
        "the model has 8-bit weights, which this configuration leaves out: switch features.weights8 on",
    });
  });

  it("a vocabulary of 151,936 gets 18 bits; more rows where a matrix would have too many beats", () => {
    const model = randomModel({ ...SHAPE, dim: 32, layers: 1, vocab: 151_936 }, 1, { embedding: "W8" });
    const config = configFor(model, defaultConfig);
    assert.deepEqual([config.rows, config.matrixRows, config.matrixBeats], [2, 2 ** 18, 2 ** 20]);
    assert.equal(compile(model, config).layout.embedding.rowBlocks, 151_936);
    const wide = randomModel({ ...SHAPE, dim: 512, layers: 1, vocab: 151_936 }, 1, { embedding: "W8" });
    const grown = configFor(wide, defaultConfig);
    assert.deepEqual([grown.rows, grown.matrixBeats], [4, 2 ** 22]);
  });

  it("a row block of several heads takes one token a pass", () => {
    const model = randomModel(SHAPE, 1);
    const config = (rows: number, tokens: number) => ({
      ...configFor(model, { ...defaultConfig, rows: 32, tokens }),
      rows,
      gainEntries: 1024,
      kmeanEntries: 1024,
      ropeEntries: 1024,
    });
    assert.doesNotThrow(() => compile(model, config(64, 1)));
    assert.doesNotThrow(() => compile(model, config(32, 2)));
    assert.throws(() => compile(model, config(64, 2)), {
      message:
        "row blocks of keys and values have 64 rows, heads 32: with several tokens a pass a block may not reach beyond a head; " +
        "use fewer rows (64) or tokens: 1",
    });
  });

  it("8-bit values of more than 2,048 positions are refused", () => {
    const model = randomModel({ ...SHAPE, context: 4096 }, 1, {
      cache: { keys: 4, values: 8 },
      window: 2048,
    });
    assert.throws(() => configFor(model, defaultConfig), /8-bit values of 4096 positions .* at most 2048/);
    assert.equal(configFor(model, defaultConfig, 2048).context, 2048);
  });
});
