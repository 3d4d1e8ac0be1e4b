/** Nearest rounding: legal codes, and the optimum that brute force finds. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../model/prng.js";
import { power2 } from "../../model/scale.js";
import { dequantise } from "../matrix.js";
import type { Levels, MatrixSpec } from "../recipe.js";
import { codeSets, nearestCode } from "./codes.js";
import { assertLegal, normalWeights, squaredError } from "./matrices.testing.js";
import { quantiseWith } from "./quantiseWith.js";
import { fitGroup } from "./scale.js";

const LEVELS: readonly Levels[] = ["W2", "Z2", "TERNARY", "W3", "W4", "W8"];

function spec(levels: Levels, group: 32 | 64 | 128 = 32): MatrixSpec {
  return { levels, group, rounding: "nearest", pruning: null };
}

describe("nearest rounding", () => {
  it("knows the nearest code of each kind of levels", () => {
    const of = (levels: Levels, set = 0) =>
      [-200, -3.6, -2.1, -1.9, -0.6, -0.1, 0, 0.4, 1.9, 2.1, 6.6, 200].map((v) =>
        nearestCode(codeSets(levels)[set]!, v),
      );
    assert.deepEqual(of("W2"), [-3, -3, -3, -1, -1, -1, 1, 1, 1, 3, 3, 3]);
    assert.deepEqual(of("TERNARY"), [-1, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1]);
    assert.deepEqual(of("W3"), [-4, -4, -2, -2, -1, 0, 0, 0, 2, 2, 3, 3]);
    assert.deepEqual(of("W4"), [-8, -4, -2, -2, -1, 0, 0, 0, 2, 2, 7, 7]);
    assert.deepEqual(of("W8"), [-119, -4, -2, -2, -1, 0, 0, 0, 2, 2, 7, 119]);
    assert.deepEqual(of("Z2", 0), [0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 3, 3]);
    assert.deepEqual(of("Z2", 3), [-3, -3, -2, -2, -1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("finds the mantissa that brute force finds, importance and all", () => {
    const random = new Random(11);
    for (const levels of LEVELS) {
      for (let run = 0; run < 12; run++) {
        const size = random.integer(1, 9);
        const weights = Float64Array.from(normalWeights(random, size, 30));
        const counts = Float64Array.from({ length: size }, () => random.integer(1, 9));
        const exponent = random.integer(0, 3);
        let best = Infinity;
        for (const set of codeSets(levels)) {
          for (let m = 0; m <= 255; m++) {
            const unit = m * power2(-exponent);
            let error = 0;
            for (let i = 0; i < size; i++) {
              const code = m === 0 ? 0 : nearestCode(set, weights[i]! / unit);
              error += counts[i]! * (weights[i]! - code * unit) ** 2;
            }
            best = Math.min(best, error);
          }
        }
        const { error } = fitGroup(weights, counts, 0, size, exponent, codeSets(levels));
        assert.ok(Math.abs(error - best) <= 1e-9 * (best + 1), `${levels}: ${error}, brute force ${best}`);
      }
    }
  });

  it("gives legal codes and repeated mantissas for any weights", () => {
    const weight = fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 });
    fc.assert(
      fc.property(
        fc.constantFrom(...LEVELS),
        fc.constantFrom<32 | 64 | 128>(32, 64, 128),
        fc.integer({ min: 1, max: 200 }),
        fc.array(weight, { minLength: 1, maxLength: 40 }),
        (levels, group, cols, values) => {
          const weights = Float32Array.from({ length: 2 * cols }, (_, i) => values[(i * 7) % values.length]!);
          const matrix = quantiseWith(weights, 2, cols, spec(levels, group), null);
          assertLegal(matrix, group);
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  });

  it("chooses every code against the exact mantissa and exponent", () => {
    const weights = normalWeights(new Random(3), 6 * 96, 0.05);
    for (const levels of LEVELS) {
      const matrix = quantiseWith(weights, 6, 96, spec(levels), null);
      const stands = dequantise(matrix);
      for (let row = 0; row < 6; row++) {
        const mantissas = matrix.mantissas.subarray(row * 3, row * 3 + 3);
        assert.ok(Math.max(...mantissas) >= 128, "the largest mantissa of a row uses eight bits");
        for (let i = row * 96; i < (row + 1) * 96; i++) {
          const unit = mantissas[(i % 96) >> 5]! * power2(-matrix.exponents[row]!);
          assert.equal(stands[i], Math.fround(matrix.codes[i]! * unit));
          const inside = Math.abs(weights[i]!) <= unit * Math.max(...matrix.codes);
          const half = levels === "W2" ? unit : unit / 2;
          if (levels !== "Z2" && inside)
            assert.ok(Math.abs(weights[i]! - stands[i]!) <= half * (1 + 1e-6), `${levels}, weight ${i}`);
        }
      }
    }
  });

  it("is as good as these levels can be on normal weights", () => {
    const weights = normalWeights(new Random(3), 64 * 128, 0.05);
    const size = squaredError(weights, new Float32Array(weights.length));
    const error = (levels: Levels, group: 32 | 64 | 128) =>
      squaredError(dequantise(quantiseWith(weights, 64, 128, spec(levels, group), null)), weights) / size;
    // Lloyd and Max: 0.1902 with three levels, 0.1175 with four even ones; a scale of its own for each group does a little better.
    const bounds = { TERNARY: 0.19, Z2: 0.14, W2: 0.118, W3: 0.037, W4: 0.0105, W8: 1e-4 };
    for (const levels of LEVELS) {
      assert.ok(error(levels, 32) < bounds[levels], `${levels}: ${error(levels, 32)}`);
      assert.ok(error(levels, 32) < error(levels, 64) && error(levels, 64) < error(levels, 128));
    }
  });

  it("moments of the inputs make the important columns better", () => {
    const weights = normalWeights(new Random(5), 8 * 64, 1);
    const sums = new Float64Array(64 * 64);
    for (let i = 0; i < 64; i++) sums[i * 64 + i] = i % 8 === 0 ? 100 : 1;
    const inputs = { cols: 64, positions: 10, sums };
    const weighted = (matrix: ReturnType<typeof quantiseWith>) =>
      dequantise(matrix).reduce((sum, w, i) => sum + sums[(i % 64) * 65]! * (w - weights[i]!) ** 2, 0);
    const plain = weighted(quantiseWith(weights, 8, 64, spec("W2"), null));
    assert.ok(weighted(quantiseWith(weights, 8, 64, spec("W2"), inputs)) < 0.9 * plain);
  });

  it("copes with zeros, tiny rows and inputs that never were, and refuses what no scale reaches", () => {
    for (const levels of LEVELS) {
      const zero = quantiseWith(new Float32Array(64), 2, 32, spec(levels), null);
      assert.ok(dequantise(zero).every((w) => w === 0));
      const tiny = quantiseWith(new Float32Array(32).fill(1e-30), 1, 32, spec(levels), null);
      assert.ok(dequantise(tiny).every((w) => Math.abs(w) < 1e-8));
      const dead = { cols: 32, positions: 4, sums: new Float64Array(32 * 32) };
      const weights = normalWeights(new Random(1), 32, 1);
      const plain = quantiseWith(weights, 1, 32, spec(levels), null);
      assert.deepEqual(quantiseWith(weights, 1, 32, spec(levels), dead), plain);
    }
    const huge = new Float32Array(32).fill(1e6);
    assert.throws(
      () => quantiseWith(huge, 1, 32, spec("W4"), null),
      /a weight of 1000000 is beyond the largest of the format, 2040/,
    );
    assert.throws(() => quantiseWith(huge, 2, 32, spec("W4"), null), /32 weights are not 2 rows of 32/);
    const inputs = { cols: 16, positions: 1, sums: new Float64Array(256) };
    assert.throws(() => quantiseWith(huge, 1, 32, spec("W4"), inputs), /moments of 16 inputs do not fit/);
  });
});
