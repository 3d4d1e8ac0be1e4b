import assert from "node:assert/strict";
import { Random } from "../model/random.js";
import { dequantise, nearestCode, quantiseMatrix, recoverFourLevels } from "./matrix.js";

/** Weights about normal with the given deviation. */
function normal(random: Random, count: number, deviation: number): Float32Array {
  const uniform = () => random.next() / 4294967296 - 0.5;
  return Float32Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum * deviation;
  });
}

function relativeError(a: Float32Array, b: Float32Array): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    error += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return error / size;
}

describe("quantising matrices", () => {
  it("the nearest code of each format", () => {
    const of = (format: "W2" | "W4") =>
      [-9, -2.1, -1.9, -0.1, 0, 1.9, 2.1, 9].map((v) => nearestCode(format, v) + 0);
    assert.deepEqual(of("W2"), [-3, -3, -1, -1, 1, 1, 3, 3]);
    assert.deepEqual(of("W4"), [-8, -2, -2, 0, 0, 2, 2, 7]);
  });

  it("recovers a four-level checkpoint exactly, with groups of 64 and a short last one", () => {
    const random = new Random(7);
    const [rows, cols] = [9, 172];
    const scale = Array.from({ length: rows * 3 }, () => Math.fround(random.integer(500, 4000) / 65536));
    const codes = Int8Array.from({ length: rows * cols }, () => 2 * random.integer(-2, 1) + 1);
    const weights = Float32Array.from(codes, (code, i) => {
      const [row, col] = [Math.floor(i / cols), i % cols];
      return Math.fround((code / 2) * scale[row * 3 + Math.floor(col / 64)]!);
    });
    const recovered = recoverFourLevels(weights, rows, cols, 64)!;
    assert.deepEqual(recovered.codes, codes);
    assert.equal(recovered.format, "W2");
    for (let row = 0; row < rows; row++) {
      const mantissas = [...recovered.mantissas.subarray(row * 6, row * 6 + 6)];
      assert.ok(Math.max(...mantissas) >= 128, "the largest mantissa of a row uses eight bits");
      assert.deepEqual(
        [mantissas[0], mantissas[2], mantissas[4]],
        [mantissas[1], mantissas[3], mantissas[5]],
      );
    }
    assert.ok(relativeError(dequantise(recovered), weights) < 2e-5, "scales rounded to 8 bits");
  });

  it("does not recover what is no four-level checkpoint", () => {
    const weights = Float32Array.of(...Array(31).fill(0.5), 1.4);
    assert.equal(recoverFourLevels(weights, 1, 32, 64), undefined);
    weights[31] = 0;
    assert.equal(recoverFourLevels(weights, 1, 32, 64), undefined);
    weights[31] = 1.5;
    assert.equal(recoverFourLevels(weights, 1, 32, 64)?.codes[31], 3);
  });

  it("rounds normal weights as well as these formats can", () => {
    const weights = normal(new Random(3), 16 * 100, 0.05);
    const w4 = relativeError(dequantise(quantiseMatrix(weights, 16, 100, "W4")), weights);
    const w2 = relativeError(dequantise(quantiseMatrix(weights, 16, 100, "W2")), weights);
    assert.ok(w4 < 0.008, `W4: ${w4}`);
    assert.ok(w2 < 0.12, `W2: ${w2}`); // the best four-level quantiser of a normal variable has 0.1175
  });

  it("copes with zeros and tiny rows", () => {
    const zero = quantiseMatrix(new Float32Array(64), 2, 32, "W4");
    assert.ok(dequantise(zero).every((w) => w === 0));
    const tiny = quantiseMatrix(new Float32Array(32).fill(1e-30), 1, 32, "W4");
    assert.equal(tiny.exponents[0], 31);
    assert.ok(dequantise(tiny).every((w) => Math.abs(w) < 1e-8));
  });
});
