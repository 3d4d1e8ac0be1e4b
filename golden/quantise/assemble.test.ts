/** Binary points and the way from a float model to a quantised one. */
import assert from "node:assert/strict";
import { type Architecture, llama } from "../model/architecture.js";
import { generate, IntegerState } from "../model/integer.js";
import { Random } from "../model/random.js";
import type { QuantisedModel } from "../model/types.js";
import type { CacheWidths } from "../model/cache.js";
import { layerFractions, quantiseGain } from "./assemble.js";
import { calibrate, type LayerRanges } from "./calibrate.js";
import { hiddenFraction } from "./constants.js";
import { floatDecoder, integerDecoder } from "./decoder.js";
import { distance } from "./evaluate.js";
import { randomFloatModel } from "./float.testing.js";
import { judge } from "./judge.js";
import { quantiseModel } from "./quantise.js";

const RANGE = { q: 1, k: 1, v: 1, o: 1, up: 1, h: 1 };

const SHAPE = { dim: 32, hidden: 48, layers: 2, heads: 4, kvHeads: 2, headDim: 8, vocab: 40, context: 48 };
const source = (seed: number) => randomFloatModel(SHAPE, llama(1e-5, 10000), seed);

describe("assembling a quantised model", () => {
  it("gives every tensor the finest binary point with 4x headroom, the same in all layers", () => {
    const plain = llama(1e-5, 10000);
    const kv4 = [{ keys: 4, values: 4 }] as const;
    const of = (more: Partial<LayerRanges>, cache: readonly CacheWidths[] = kv4) =>
      layerFractions([{ ...RANGE, ...more }], plain, cache);
    const finest = { q: 16, k: 16, key: 16, v: 16, o: 16, gate: 12, up: 16 };
    assert.deepEqual(of({}), finest);
    assert.deepEqual(of({ q: 32, k: 32, v: 100, o: 33, up: 64.1 }), {
      ...{ q: 16, k: 13, key: 13, v: 12, o: 15, gate: 12, up: 14 },
    });
    // cache limits: 31·2^13·L/4, but never beyond 2^21
    assert.deepEqual(of({ k: 32, v: 32 }, [{ keys: 3, values: 8 }]), { ...finest, k: 12, key: 12, v: 16 });
    // the narrowest layer decides
    assert.equal(of({ v: 32 }, [...kv4, { keys: 8, values: 3 }]).v, 12);
    assert.equal(of({ h: 1000 }).up, 15);
    assert.equal(layerFractions([RANGE, { ...RANGE, q: 64 }], plain, kv4).q, 15);
    assert.throws(() => of({ q: 1e7 }), /q reaches 10000000, too much for its width/);
  });

  it("binary points of what norms and squared ReLU free", () => {
    const kv4 = [{ keys: 4, values: 4 }] as const;
    const architecture = { gate: "relu2", qkNorm: true, subNorms: true } as const;
    const small = { q: 0.5, k: 0.5, key: 3, v: 1, o: 0.25, gate: 4, up: 4, h: 64 };
    assert.deepEqual(layerFractions([small], architecture, kv4), {
      ...{ q: 20, k: 20, key: 16, v: 16, o: 20, gate: 19, up: 16 }, // h: 2·19 + 16 - 34 = 20 fraction bits
    });
    // h with 20 fraction bits must stay below 2^29
    assert.equal(layerFractions([{ ...small, h: 1000 }], architecture, kv4).up, 15);
    // large gates, as squares make them: h has a negative binary point
    const large = layerFractions([{ ...small, gate: 4096, up: 4096, h: 4096 ** 3 }], architecture, kv4);
    assert.deepEqual([large.gate, large.up, hiddenFraction("relu2", large)], [9, 9, -7]);
    assert.throws(() => layerFractions([RANGE], architecture, kv4), /lack those of key, which/);
    assert.throws(
      () => layerFractions([RANGE], { ...architecture, qkNorm: false }, kv4),
      /lack those of gate, which/,
    );
  });

  it("gains keep sign and the most bits", () => {
    const { gain, exponent } = quantiseGain(Float32Array.of(1.5, -0.25, 3.9));
    assert.equal(exponent, 13);
    assert.deepEqual([...gain], [12288, -2048, 31949]);
  });

  it("quantises a float model so that the integers follow it, the same every time", () => {
    const float = source(5);
    const { model, rounded } = quantiseModel(float, { sequences: 2, length: 40 });
    const again = quantiseModel(float, { sequences: 2, length: 40 }).model;
    assert.deepEqual(again, model);
    assert.equal(model.layers[0]!.q.format, "W4");
    assert.ok(model.layers[0]!.kMean.some((mean) => mean !== 0));

    const random = new Random(1);
    const sequences = [Array.from({ length: 48 }, () => random.integer(0, 39))];
    const twin = floatDecoder(rounded.float, { a8: true, cache: { keys: 4, values: 4 } });
    const { divergence, agreement } = distance(twin, integerDecoder(model), { sequences, characters: 1 });
    assert.ok(divergence < 0.01 && agreement > 0.8, `divergence ${divergence}, agreement ${agreement}`);
    const rows = judge(
      { source: float, rounded: rounded.float, integer: model },
      { sequences, characters: 100 },
    );
    assert.deepEqual(
      rows.map((row) => row.name),
      ["float", "rounded weights", "+ A8", "+ A8 KV4", "integer"],
    );
    assert.equal(rows[0]!.divergence, 0);
    assert.ok(rows[2]!.divergence < rows[3]!.divergence, "KV4 costs more than A8");
    const narrow = quantiseModel(float, {
      ...{ sequences: 2, length: 40, slots: { sinks: 2, window: 10 }, cache: { keys: 8, values: 4 } },
    }).model;
    const names = judge({ rounded: rounded.float, integer: narrow }, { sequences, characters: 100 });
    assert.deepEqual(
      names.map((row) => row.name),
      ["rounded weights", "+ A8", "+ A8 K8 V4", "+ A8 K8 V4, 2 sinks and a window of 10", "integer"],
    );
    assert.ok(names[3]!.divergence > 4 * names[2]!.divergence, "a narrow window costs");
    assert.ok(Math.abs(names[4]!.divergence / names[3]!.divergence - 1) < 0.1, "the integers see the same");
    const state = new IntegerState(model);
    generate(state, sequences[0]!, 48);
    assert.equal(state.sticky.total(), 0);
  });

  it("finds the ranges that each architecture needs; a bias beyond them widens them", () => {
    const of = (architecture: Architecture) =>
      calibrate(randomFloatModel(SHAPE, architecture, 3), [[1, 5, 9, 2]]).ranges.layers[0]!;
    const plain = llama(1e-5, 10000);
    assert.deepEqual(Object.keys(of(plain)).sort(), ["h", "k", "o", "q", "up", "v"]);
    const more = of({ ...plain, qkNorm: true, gate: "relu2" });
    assert.deepEqual(Object.keys(more).sort(), ["gate", "h", "k", "key", "o", "q", "up", "v"]);
    // the same weights: in front of the norm as without one up to RoPE, behind it of unit size
    assert.ok(more.k / of(plain).k > 0.7 && more.k / of(plain).k < 1.42, `${more.k}`);
    assert.ok(more.key! > 1 && more.key! < 1.3 * Math.sqrt(SHAPE.headDim));
    const biased = randomFloatModel(SHAPE, { ...plain, qkvBias: true }, 3);
    biased.layers[1]!.bias!.v[3] = -100;
    const { model } = quantiseModel(biased, { sequences: 1, length: 2 });
    assert.equal(model.layers[1]!.bias!.v[3], -100 * 2 ** 12); // 444,416/100 is just above 2^12
  });

  it("takes slots and cache widths that the arithmetic allows, and no others", () => {
    const short = { sequences: 1, length: 4 };
    const mistral = { ...source(6), architecture: { ...llama(1e-5, 10000), slidingWindow: 20 } };
    const slots = ({ sinks, window }: QuantisedModel) => [sinks, window];
    assert.deepEqual(slots(quantiseModel(source(6), short).model), [0, 48]);
    assert.deepEqual(slots(quantiseModel(mistral, short).model), [0, 20]);
    const inside = { sinks: 4, window: 16 };
    assert.deepEqual(slots(quantiseModel(mistral, { ...short, slots: inside }).model), [4, 16]);
    assert.throws(
      () => quantiseModel(mistral, { ...short, slots: { sinks: 0, window: 21 } }),
      /a window of 21 slots is more than the 20 latest positions that the model was trained to see/,
    );
    const long = { ...source(6), shape: { ...SHAPE, context: 4096 } };
    const v8 = { keys: 4, values: 8 } as const;
    assert.throws(
      () => quantiseModel(long, { ...short, cache: v8 }),
      /layer 0 has values of 8 bits, which allow 2048 attention slots, not 4096: take 4 bits or a window/,
    );
    const { model } = quantiseModel(long, { ...short, cache: v8, slots: { sinks: 48, window: 2000 } });
    assert.deepEqual(model.layers[1]!.cache, v8);
    const each = [v8, { keys: 3, values: 3 }] as const;
    assert.deepEqual(
      quantiseModel(source(6), { ...short, cache: each }).model.layers.map(({ cache }) => cache),
      each,
    );
  });

  it("keeps sinks and window when asked", () => {
    const { model } = quantiseModel(source(6), {
      sequences: 1,
      length: 8,
      slots: { sinks: 2, window: 20 },
    });
    assert.deepEqual([model.sinks, model.window], [2, 20]);
  });
});
