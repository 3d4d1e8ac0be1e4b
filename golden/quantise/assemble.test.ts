/** Binary points and the way from a float model to a quantised one. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import type { FloatModel } from "../model/float.js";
import { generate, IntegerState } from "../model/integer.js";
import { Random } from "../model/random.js";
import type { CacheWidths } from "../model/cache.js";
import { layerFractions, quantiseGain } from "./assemble.js";
import type { LayerRanges } from "./calibrate.js";
import { hiddenFraction } from "./constants.js";
import { floatDecoder, integerDecoder } from "./decoder.js";
import { distance } from "./evaluate.js";
import { judge } from "./judge.js";
import { quantiseModel } from "./quantise.js";
import { matrixSizes } from "./round.js";

const RANGE = { q: 1, k: 1, v: 1, o: 1, up: 1, h: 1 };

function randomFloatModel(seed: number): FloatModel {
  const shape = { dim: 32, hidden: 48, layers: 2, heads: 4, kvHeads: 2, headDim: 8, vocab: 40, context: 48 };
  const random = new Random(seed);
  const uniform = (count: number, size: number, middle = 0) =>
    Float32Array.from({ length: count }, () => middle + size * (random.next() / 2147483648 - 1));
  const sizes = matrixSizes(shape);
  const matrix = (name: keyof typeof sizes) =>
    uniform(sizes[name][0] * sizes[name][1], 2 / Math.sqrt(sizes[name][1]));
  return {
    name: "random",
    shape,
    architecture: llama(1e-5, 10000),
    embedding: uniform(40 * 32, 0.1),
    finalGain: uniform(32, 0.3, 1),
    layers: Array.from({ length: 2 }, () => ({
      attentionGain: uniform(32, 0.3, 1),
      ffnGain: uniform(32, 0.3, 1),
      q: matrix("q"),
      k: matrix("k"),
      v: matrix("v"),
      o: matrix("o"),
      gate: matrix("gate"),
      up: matrix("up"),
      down: matrix("down"),
      kMean: new Float32Array(16),
    })),
  };
}

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
    const source = randomFloatModel(5);
    const { model, rounded } = quantiseModel(source, { sequences: 2, length: 40 });
    const again = quantiseModel(source, { sequences: 2, length: 40 }).model;
    assert.deepEqual(again, model);
    assert.equal(model.layers[0]!.q.format, "W4");
    assert.ok(model.layers[0]!.kMean.some((mean) => mean !== 0));

    const random = new Random(1);
    const sequences = [Array.from({ length: 48 }, () => random.integer(0, 39))];
    const twin = floatDecoder(rounded.float, { a8: true, cache: { keys: 4, values: 4 } });
    const { divergence, agreement } = distance(twin, integerDecoder(model), { sequences, characters: 1 });
    assert.ok(divergence < 0.01 && agreement > 0.8, `divergence ${divergence}, agreement ${agreement}`);
    const rows = judge({ source, rounded: rounded.float, integer: model }, { sequences, characters: 100 });
    assert.deepEqual(
      rows.map((row) => row.name),
      ["float", "rounded weights", "+ A8", "+ A8 KV4", "integer"],
    );
    assert.equal(rows[0]!.divergence, 0);
    assert.ok(rows[2]!.divergence < rows[3]!.divergence, "KV4 costs more than A8");
    const state = new IntegerState(model);
    generate(state, sequences[0]!, 48);
    assert.equal(state.sticky.total(), 0);
  });

  it("keeps sinks and window when asked", () => {
    const { model } = quantiseModel(randomFloatModel(6), {
      sequences: 1,
      length: 8,
      slots: { sinks: 2, window: 20 },
    });
    assert.deepEqual([model.sinks, model.window], [2, 20]);
  });
});
