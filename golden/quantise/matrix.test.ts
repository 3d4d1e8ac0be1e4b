import assert from "node:assert/strict";
import { Random } from "../model/random.js";
import { dequantise, recoverFourLevels } from "./matrix.js";

function relativeError(a: Float32Array, b: Float32Array): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    error += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return error / size;
}

describe("four-level checkpoints", () => {
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
});
