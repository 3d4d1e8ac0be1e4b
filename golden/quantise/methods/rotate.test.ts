/** Rotations: orthogonal, exact on every architecture, and outliers shrink. */
import assert from "node:assert/strict";
import { type Architecture, llama } from "../../model/architecture.js";
import { type FloatModel, FloatState, forwardFloat } from "../../model/float.js";
import { hadamardSums } from "../../model/hadamard.js";
import { Random } from "../../model/prng.js";
import { dequantise } from "../matrix.js";
import { matrixSizes } from "../round.js";
import { hadamardRotation } from "./hadamard.js";
import { normalWeights, squaredError } from "./matrices.testing.js";
import { quantiseWith } from "./quantiseWith.js";
import { rotate, rotationsOf } from "./rotate.js";

/** Everything that an architecture can have switched on. */
const EVERYTHING: Architecture = {
  ...llama(1e-5, 10000),
  gate: "relu2",
  qkvBias: true,
  qkNorm: true,
  subNorms: true,
  tied: false,
  slidingWindow: 5,
};

function randomModel(seed: number, architecture: Architecture, dim: number, headDim: number): FloatModel {
  const heads = 4;
  const shape = { dim, hidden: 40, layers: 2, heads, kvHeads: 2, headDim, vocab: 30, context: 12 };
  const random = new Random(seed);
  const gain = (size: number) => normalWeights(random, size, 0.3).map((g) => g + 1);
  const sizes = matrixSizes(shape);
  const matrix = (name: keyof typeof sizes) =>
    normalWeights(random, sizes[name][0] * sizes[name][1], 1 / Math.sqrt(sizes[name][1]));
  const wide = heads * headDim;
  const narrow = 2 * headDim;
  return {
    name: "random",
    shape,
    architecture,
    embedding: normalWeights(random, 30 * dim, 1),
    ...(architecture.tied ? {} : { head: normalWeights(random, 30 * dim, 1) }),
    finalGain: gain(dim),
    layers: Array.from({ length: 2 }, () => ({
      attentionGain: gain(dim),
      ffnGain: gain(dim),
      ...{ q: matrix("q"), k: matrix("k"), v: matrix("v"), o: matrix("o") },
      ...{ gate: matrix("gate"), up: matrix("up"), down: matrix("down") },
      kMean: new Float32Array(narrow),
      ...(architecture.qkvBias
        ? { bias: { q: gain(wide), k: gain(narrow), v: normalWeights(random, narrow, 1) } }
        : {}),
      ...(architecture.qkNorm ? { qkNorm: { q: gain(headDim), k: gain(headDim) } } : {}),
      ...(architecture.subNorms ? { subNorm: { attention: gain(wide), ffn: gain(40) } } : {}),
    })),
  };
}

/** Logits after every token of a fixed text. */
function logits(model: FloatModel): number[] {
  const state = new FloatState(model);
  const random = new Random(9);
  return Array.from({ length: 12 }, (_, position) => {
    forwardFloat(state, random.integer(0, 29), position);
    return Array.from(state.logits);
  }).flat();
}

function relativeDifference(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(squaredError(a, b) / squaredError(b, new Float64Array(b.length)));
}

describe("Hadamard rotations", () => {
  it("exist for powers of two and for those times Paley orders, and say where not", () => {
    const sizes = [1, 2, 4, 12, 20, 24, 28, 36, 44, 60, 64, 80, 96, 576, 960];
    for (const size of sizes) {
      const turn = hadamardRotation(size, 5)!;
      const columns = Array.from({ length: size }, (_, i) => {
        const x = new Float64Array(size);
        x[i] = 1;
        turn.apply(x);
        return x;
      });
      for (let i = 0; i < size; i += 1 + (size >> 4)) {
        for (const v of columns[i]!) assert.ok(Math.abs(Math.abs(v) * Math.sqrt(size) - 1) < 1e-12);
        for (let j = 0; j < size; j++) {
          const dot = columns[i]!.reduce((sum, v, k) => sum + v * columns[j]![k]!, 0);
          assert.ok(Math.abs(dot - (i === j ? 1 : 0)) < 1e-12, `size ${size}: columns ${i} and ${j}`);
        }
      }
    }
    for (const size of [0, 3, 6, 18, 172, 2.5]) assert.equal(hadamardRotation(size, 5), undefined);
    for (const dim of [576, 896, 1536, 2048, 2560, 3072, 3584, 4096, 5120, 8192])
      assert.ok(hadamardRotation(dim, 1), `${dim}`);
  });

  it("is the Walsh-Hadamard transform behind random signs", () => {
    const turn = hadamardRotation(16, 3)!;
    const signs = Array.from({ length: 16 }, (_, i) => {
      const x = new Float64Array(16);
      x[i] = 4;
      turn.apply(x);
      return x[0]!; // the first row of the matrix is all ones
    });
    assert.ok(signs.includes(1) && signs.includes(-1));
    const values = Array.from({ length: 16 }, (_, i) => i * i - 20);
    const turned = Float64Array.from(values);
    turn.apply(turned);
    const sums = hadamardSums(values.map((v, i) => v * signs[i]!));
    assert.deepEqual(
      [...turned],
      sums.map((s) => s / 4),
    );
  });

  it("change no logit by more than 1e-4 of their size, whatever the architecture", () => {
    const architectures: [string, Architecture, number, number][] = [
      ["Llama, tied", llama(1e-5, 10000), 32, 8],
      ["Llama, tied, dim 36 and heads of 12", llama(1e-5, 10000), 36, 12],
      ["everything", EVERYTHING, 32, 8],
    ];
    for (const [name, architecture, dim, headDim] of architectures) {
      const model = randomModel(dim, architecture, dim, headDim);
      const turned = rotate(model);
      const difference = relativeDifference(logits(turned), logits(model));
      assert.ok(difference < 1e-5, `${name}: ${difference}`);
      assert.ok(
        turned.layers.every((layer) => [...layer.attentionGain, ...layer.ffnGain].every((g) => g === 1)),
      );
      assert.ok(
        relativeDifference([...turned.layers[0]!.q], [...model.layers[0]!.q]) > 0.5,
        "nothing was turned",
      );
    }
  });

  it("unties embedding and head only where the final gain asks for it", () => {
    const model = randomModel(4, llama(1e-5, 10000), 32, 8);
    assert.deepEqual([rotate(model).architecture.tied, rotate(model).head?.length], [false, 30 * 32]);
    const even = { ...model, finalGain: new Float32Array(32).fill(2.5) };
    const turned = rotate(even);
    assert.deepEqual([turned.architecture.tied, turned.head, turned.finalGain[3]], [true, undefined, 2.5]);
    assert.ok(relativeDifference(logits(turned), logits(even)) < 1e-5);
  });

  it("shrink outliers, and with them the error of few bits", () => {
    const model = randomModel(6, llama(1e-5, 10000), 64, 16);
    const [rows, cols] = matrixSizes(model.shape).up;
    for (let row = 0; row < rows; row++) model.layers[0]!.up[row * cols + 5]! *= 15; // an outlier channel
    const turned = rotate({
      ...model,
      layers: model.layers.map((l) => ({ ...l, ffnGain: l.ffnGain.map(() => 1) })),
    });
    const peak = (w: Float32Array) => {
      const rms = Math.sqrt(squaredError(w, new Float32Array(w.length)) / w.length);
      return w.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / rms;
    };
    const loss = (w: Float32Array) => {
      const spec = { levels: "W4", group: 64, rounding: "nearest", pruning: null } as const;
      return (
        squaredError(dequantise(quantiseWith(w, rows, cols, spec, null)), w) /
        squaredError(w, new Float32Array(w.length))
      );
    };
    const [before, after] = [model.layers[0]!.up, turned.layers[0]!.up];
    assert.ok(peak(after) < 0.5 * peak(before), `${peak(before)} to ${peak(after)}`);
    assert.ok(loss(after) < 0.5 * loss(before), `${loss(before)} to ${loss(after)}`);
  });

  it("refuse sizes without a Hadamard matrix", () => {
    const { shape } = randomModel(1, llama(1e-5, 10000), 32, 8);
    assert.throws(() => rotationsOf({ ...shape, dim: 172 }), /no Hadamard matrix is known here for dim 172/);
    assert.throws(() => rotationsOf({ ...shape, headDim: 6 }), /for headDim 6 .* without rotation/);
  });
});
