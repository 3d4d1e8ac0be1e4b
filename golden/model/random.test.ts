/** Random models hold what their weight format says, so that every engine can be tested on them. */
import assert from "node:assert/strict";
import { MATRICES } from "../quantise/round.js";
import { CACHE_CODE } from "../contract/tables.js";
import { cacheWidths } from "./cache.js";
import { forward, IntegerState } from "./integer.js";
import { type RandomOptions, randomModel } from "./random.js";
import type { TensorName, WeightFormat } from "./types.js";

const SHAPE = { dim: 36, hidden: 44, layers: 1, heads: 1, kvHeads: 1, headDim: 36, vocab: 8, context: 8 };

describe("random models", () => {
  const levels: readonly (readonly [WeightFormat, readonly number[]])[] = [
    ["W2", [-3, -1, 1, 3]],
    ["W4", [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]],
    ["TERNARY", [-1, 0, 1]],
    ["N24", [-3, -1, 0, 1, 3]],
  ];
  for (const [format, codes] of levels)
    it(`${format}: all of its levels, no others`, () => {
      const layer = randomModel(SHAPE, 5, { format }).layers[0]!;
      for (const name of MATRICES)
        assert.deepEqual(
          [...new Set(layer[name].codes)].sort((a, b) => a - b),
          codes,
        );
    });

  it("W8: digits that need no carry, all of the range", () => {
    const model = randomModel(SHAPE, 5, { format: "W8", embedding: "W8", head: "W8" });
    for (const matrix of [model.layers[0]!.q, model.layers[0]!.down, model.embedding, model.head!]) {
      assert.equal(matrix.format, "W8");
      const magnitudes = Array.from(matrix.codes, Math.abs);
      assert.ok(Math.max(...magnitudes) <= 119 && Math.max(...magnitudes) > 110);
    }
  });

  it("features: those that were asked for, on every layer; nothing saturates and nothing is silent", () => {
    const shape = { ...SHAPE, layers: 2, context: 24, vocab: 40 };
    const features: readonly RandomOptions[] = [
      { bias: true },
      { qkNorm: true },
      { subNorm: true },
      { gate: "relu2" },
      { gate: "relu2", subNorm: true, qkNorm: true, bias: true, head: "TERNARY", format: "TERNARY" },
      { cache: { keys: 8, values: 3 }, sinks: 2, window: 5 },
      {
        cache: [
          { keys: 3, values: 8 },
          { keys: 4, values: 4 },
        ],
      },
    ];
    for (const options of features) {
      const model = randomModel(shape, 9, options);
      for (const [l, layer] of model.layers.entries()) {
        assert.deepEqual(
          [layer.bias !== undefined, layer.qkNorm !== undefined, layer.subNorm !== undefined],
          [options.bias ?? false, options.qkNorm ?? false, options.subNorm ?? false],
        );
        assert.deepEqual(layer.cache, cacheWidths(options.cache, 2)[l]);
      }
      assert.deepEqual([model.gate, model.head?.format], [options.gate ?? "silu", options.head]);
      const state = new IntegerState(model);
      const largest = new Map<TensorName, number>();
      for (let position = 0; position < shape.context; position++)
        forward(state, (position * 7) % shape.vocab, position, true, ({ tensor, values }) => {
          for (let i = 0; i < values.length; i++)
            largest.set(tensor, Math.max(largest.get(tensor) ?? 0, Math.abs(values[i]!)));
        });
      assert.equal(state.sticky.total(), 0, JSON.stringify({ options, flags: state.sticky }));
      for (const tensor of ["q", "k", "v", "attn_out", "h", "logits"] as const)
        assert.ok(largest.get(tensor)! > 1000, `${tensor} of ${JSON.stringify(options)}`);
      // codes use the whole range of their bits
      const [keys, values] = ["keys", "values"].map((of) =>
        Math.max(...model.layers.map(({ cache }) => CACHE_CODE[cache[of as "keys" | "values"]].largest)),
      );
      assert.ok(largest.get("k_code")! > 0.9 * keys! && largest.get("v_code")! > 0.9 * values!);
    }
  });

  it("are the same with and without an option, but for what it adds", () => {
    const [plain, more] = [{}, { head: "W8", gate: "relu2", cache: { keys: 8, values: 8 } } as const].map(
      (options) => randomModel(SHAPE, 3, options),
    );
    assert.deepEqual(more!.embedding, plain!.embedding);
    assert.deepEqual(more!.layers[0]!.q, plain!.layers[0]!.q);
    assert.throws(
      () => randomModel({ ...SHAPE, layers: 2 }, 3, { cache: [{ keys: 4, values: 4 }] }),
      /cache widths of 1 layers for a model of 2/,
    );
  });

  it("N24: two of every aligned four in every row, every pair of columns among them", () => {
    const { down } = randomModel(SHAPE, 6, { format: "N24" }).layers[0]!;
    const pairs = new Set<string>();
    for (let quad = 0; quad < down.codes.length; quad += 4) {
      const kept = [0, 1, 2, 3].filter((i) => down.codes[quad + i] !== 0);
      assert.equal(kept.length, 2, `columns from ${quad % down.cols} of row ${Math.floor(quad / down.cols)}`);
      pairs.add(kept.join());
    }
    assert.equal(pairs.size, 6);
  });

  it("N24: refuses columns that are no multiple of four", () => {
    assert.throws(
      () => randomModel({ ...SHAPE, dim: 34, headDim: 34 }, 5, { format: "N24" }),
      /34 columns do not divide into the fours of N24; use W2 or a multiple of 4/,
    );
  });
});
