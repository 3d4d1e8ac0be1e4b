/** Binary points and the way from a float model to a quantised one. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import type { FloatModel } from "../model/float.js";
import { generate, IntegerState } from "../model/integer.js";
import { Random } from "../model/random.js";
import { layerFractions, quantiseGain } from "./assemble.js";
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
  it("gives every tensor the finest binary point with 4x headroom", () => {
    assert.deepEqual(layerFractions(RANGE), { q: 16, k: 16, v: 16, o: 16, up: 16 });
    assert.deepEqual(layerFractions({ ...RANGE, q: 32, k: 32, v: 100, o: 33, up: 64.1 }), {
      ...{ q: 16, k: 13, v: 12, o: 15, up: 14 },
    });
    assert.equal(layerFractions({ ...RANGE, h: 1000 }).up, 15);
    assert.throws(() => layerFractions({ ...RANGE, q: 1e7 }), /q reaches 10000000, too much for its width/);
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
    const twin = floatDecoder(rounded.float, { a8: true, kv4: true });
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
