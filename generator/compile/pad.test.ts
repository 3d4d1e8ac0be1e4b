import assert from "node:assert/strict";
import { forward, IntegerState } from "../../golden/model/integer.js";
import { randomModel } from "../../golden/model/random.js";
import type { ModelShape, QuantisedModel, TensorName } from "../../golden/model/types.js";
import { padModel } from "./pad.js";
import { commonScales, unify } from "./scales.js";

const shape = (change: Partial<ModelShape>): ModelShape => ({
  dim: 64,
  hidden: 64,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  vocab: 40,
  context: 32,
  ...change,
});

type Recorded = Map<string, number[]>;

const record = (
  model: QuantisedModel,
  tokens: number,
): { events: Recorded; chosen: number[]; state: IntegerState } => {
  const events: Recorded = new Map();
  const state = new IntegerState(model);
  const chosen = [1];
  for (let position = 0; position < tokens; position++)
    chosen.push(
      forward(state, chosen[position]!, position, true, ({ tensor, layer, values }) =>
        events.set(`${tensor} ${layer} ${position}`, Array.from(values)),
      ),
    );
  return { events, chosen, state };
};

/** Drops what padding added to a tensor: `size` of each `padded` elements count. */
const dropped = (values: readonly number[], size: number, padded: number): number[] =>
  values.filter((_, i) => i % padded < size);

describe("padModel", () => {
  const cases: [string, ModelShape][] = [
    ["headDim 8 (stories260K)", shape({ dim: 64, heads: 8, kvHeads: 4, headDim: 8, hidden: 172 })],
    ["headDim 16, dim 48", shape({ dim: 48, heads: 3, kvHeads: 3, headDim: 16, hidden: 80 })],
    ["dim 40, one head of 40", shape({ dim: 40, heads: 1, kvHeads: 1, headDim: 40, hidden: 33 })],
  ];
  for (const [name, s] of cases)
    it(`gives the same tokens and tensors: ${name}`, () => {
      const model = randomModel(s, 7);
      const padded = padModel(model);
      assert.ok([padded.shape.dim, padded.shape.hidden, padded.shape.headDim].every((n) => n % 32 === 0));
      const before = record(model, 10);
      const after = record(padded, 10);
      assert.deepEqual(after.chosen, before.chosen);
      const perHead: readonly TensorName[] = [
        "q",
        "k",
        "v",
        "k_code",
        "v_code",
        "q_code",
        "attn_out",
        "o_in",
      ];
      const hidden: readonly TensorName[] = ["h", "down_in"];
      const dim: readonly TensorName[] = ["embedding", "attn_in", "x_attn", "ffn_in", "x_ffn", "head_in"];
      assert.equal(after.events.size, before.events.size);
      for (const [key, values] of after.events) {
        const tensor = key.split(" ")[0] as TensorName;
        const [old, now] = perHead.includes(tensor)
          ? [s.headDim, padded.shape.headDim]
          : hidden.includes(tensor)
            ? [s.hidden, padded.shape.hidden]
            : dim.includes(tensor)
              ? [s.dim, padded.shape.dim]
              : [1, 1];
        assert.deepEqual(dropped(values, old, now), before.events.get(key), key);
        assert.ok(
          values.every((v, i) => i % now < old || v === 0),
          `${key}: padding is not zero`,
        );
      }
      assert.equal(after.state.sticky.total(), before.state.sticky.total());
    });

  it("leaves a model in whole groups alone", () => {
    const model = randomModel(shape({}), 1);
    assert.equal(padModel(model), model);
  });

  it("refuses heads whose columns of o straddle groups of different mantissas", () => {
    const model = randomModel(shape({ dim: 96, heads: 2, kvHeads: 2, headDim: 48 }), 1);
    assert.throws(
      () => padModel(model),
      (e: Error) => {
        assert.equal(e.name, "CompileError");
        assert.match(
          e.message,
          /^layer 0 o: a head's columns of row 0 lie in two groups with different mantissas \(\d+ and \d+\); padding heads to 32 needs one; quantise layer 0 o so that groups of 32 inputs do not straddle heads$/,
        );
        return true;
      },
    );
  });
});

describe("commonScales", () => {
  it("gives gate and up one K and changes no tensor", () => {
    const model = randomModel(shape({}), 3);
    const common = commonScales(model);
    for (const { scale } of common.layers) assert.deepEqual(scale.gate, scale.up);
    const [before, after] = [record(model, 6), record(common, 6)];
    assert.deepEqual(after.events, before.events);
    assert.deepEqual(after.chosen, before.chosen);
  });

  it("brings layers of different fractions to the same K where row exponents allow", () => {
    const model = randomModel(shape({ layers: 3 }), 4);
    const shifted: QuantisedModel = {
      ...model,
      layers: model.layers.map((layer, l) => ({
        ...layer,
        q: { ...layer.q, exponents: layer.q.exponents.map((e) => e + l) },
        scale: { ...layer.scale, q: { m: layer.scale.q.m, e: layer.scale.q.e + l } },
      })),
    };
    const common = commonScales(shifted);
    assert.equal(new Set(common.layers.map(({ scale }) => scale.q.e)).size, 1);
    assert.deepEqual(record(common, 4).events, record(shifted, 4).events);
  });

  it("says when it cannot", () => {
    const model = randomModel(shape({ layers: 1 }), 5);
    const { q } = model.layers[0]!;
    assert.equal(
      unify([
        { matrix: q, scale: { m: 40000, e: 0 } },
        { matrix: q, scale: { m: 40001, e: 0 } },
      ]),
      undefined,
    );
    assert.equal(
      unify([
        { matrix: q, scale: { m: 40000, e: 0 } },
        { matrix: q, scale: { m: 40000, e: 40 } },
      ]),
      undefined,
    );
    const odd = {
      ...model,
      layers: [
        {
          ...model.layers[0]!,
          scale: { ...model.layers[0]!.scale, gate: { m: 40000, e: -3 }, up: { m: 50000, e: -2 } },
        },
      ],
    };
    assert.throws(() => commonScales(odd), {
      name: "CompileError",
      message:
        "layer 0: gate and up are one interleaved matrix and need one scale, but K of gate is 40000·2^-3 and of up 50000·2^-2; " +
        "quantise them with equal mantissas of K and row exponents that leave room for the difference",
    });
  });
});
