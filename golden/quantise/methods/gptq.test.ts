/** GPTQ and pruning: factors, output errors against nearest, legal codes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../model/prng.js";
import type { QuantisedMatrix } from "../../model/types.js";
import type { InputMoments, Levels, MatrixSpec, Pruning } from "../recipe.js";
import { inverseFactor } from "./cholesky.js";
import { codeSets, storedFormat } from "./codes.js";
import { gptq, sparseGpt } from "./gptq.js";
import { dampedHessian, importance } from "./hessian.js";
import { assertLegal, correlatedInputs, normalWeights } from "./matrices.testing.js";
import { outputError } from "./outputError.js";
import { keepTwo, keptWeights } from "./prune.js";
import { quantiseWith } from "./quantiseWith.js";
import { refine } from "./refine.js";

const LEVELS: readonly Levels[] = ["W2", "Z2", "TERNARY", "W3", "W4", "W8"];
const PRUNINGS: readonly Pruning[] = ["magnitude", "wanda", "sparsegpt"];

function spec(
  levels: Levels,
  rounding: MatrixSpec["rounding"],
  group: 32 | 64 | 128 = 32,
  pruning: Pruning | null = null,
): MatrixSpec {
  return { levels, group, rounding, pruning };
}

/** Σ_ij e_i·H_ij·e_j from the definition, H the moments over positions. */
function quadratic(error: ArrayLike<number>, { cols, positions, sums }: InputMoments): number {
  let sum = 0;
  for (let i = 0; i < cols; i++)
    for (let j = 0; j < cols; j++) sum += (error[i]! * sums[i * cols + j]! * error[j]!) / positions;
  return sum;
}

/** One row of a matrix as a matrix. */
function rowOf({ cols, format, codes, mantissas, exponents }: QuantisedMatrix, row: number): QuantisedMatrix {
  const groups = Math.ceil(cols / 32);
  return {
    ...{ rows: 1, cols, format },
    codes: codes.subarray(row * cols, (row + 1) * cols),
    mantissas: mantissas.subarray(row * groups, (row + 1) * groups),
    exponents: exponents.subarray(row, row + 1),
  };
}

describe("GPTQ", () => {
  it("factors the inverse of the damped Hessian: H·UᵀU is the unit matrix", () => {
    const cols = 40;
    const hessian = dampedHessian(correlatedInputs(new Random(2), cols, 100));
    const u = inverseFactor(hessian, cols);
    for (let i = 0; i < cols; i++) {
      for (let j = 0; j < cols; j++) {
        if (j < i) assert.equal(u[i * cols + j], 0);
        let sum = 0;
        for (let a = 0; a < cols; a++)
          for (let k = 0; k <= Math.min(a, j); k++)
            sum += hessian[i * cols + a]! * u[k * cols + a]! * u[k * cols + j]!;
        assert.ok(Math.abs(sum - (i === j ? 1 : 0)) < 1e-9, `[${i}][${j}] is ${sum}`);
      }
    }
    const indefinite = Float64Array.of(1, 2, 2, 1);
    assert.throws(
      () => inverseFactor(indefinite, 2),
      /the moments of input 0 make no positive definite matrix/,
    );
  });

  it("measures the output error as its definition has it", () => {
    const inputs = correlatedInputs(new Random(4), 32, 50);
    const weights = normalWeights(new Random(5), 2 * 32, 1);
    const matrix = quantiseWith(weights, 2, 32, spec("W2", "nearest"), null);
    const error = Array.from(weights, (w, i) => {
      const [row, col] = [Math.floor(i / 32), i % 32];
      assert.ok(col < 32);
      return w - matrix.codes[i]! * matrix.mantissas[row]! * 2 ** -matrix.exponents[row]!;
    });
    const expected = quadratic(error.slice(0, 32), inputs) + quadratic(error.slice(32), inputs);
    assert.ok(Math.abs(outputError(weights, matrix, inputs) / expected - 1) < 1e-9);
  });

  it("hands errors on exactly: what lies behind the last pruned column answers as least squares has it", () => {
    const cols = 12;
    let judged = 0;
    for (let seed = 0; seed < 10; seed++) {
      const hessian = dampedHessian(correlatedInputs(new Random(seed), cols, 60));
      const weights = normalWeights(new Random(seed + 10), cols, 1);
      const { weights: sparse, kept } = sparseGpt(weights, 1, cols, inverseFactor(hessian, cols));
      const slope = (i: number) =>
        sparse.reduce((sum, w, j) => sum + hessian[i * cols + j]! * (w - weights[j]!), 0);
      assert.ok(sparse.every((w, i) => (w === 0) === (kept[i] === 0)));
      for (let i = kept.lastIndexOf(0) + 1; i < cols; i++, judged++)
        assert.ok(Math.abs(slope(i)) < 1e-5, `seed ${seed}, column ${i}: slope ${slope(i)}`);
    }
    assert.ok(judged > 3);
  });

  it("with refinement comes near the best of all codes and mantissas, and never beyond it", () => {
    const cols = 3;
    const codes = [-3, -1, 1, 3].flatMap((a) =>
      [-3, -1, 1, 3].flatMap((b) => [-3, -1, 1, 3].map((c) => [a, b, c])),
    );
    let best = 0;
    for (let seed = 0; seed < 40; seed++) {
      const inputs = correlatedInputs(new Random(seed), cols, 30);
      const weights = normalWeights(new Random(seed + 50), cols, 1);
      const found = quantiseWith(weights, 1, cols, spec("W2", "gptq"), inputs);
      let least = Infinity;
      for (const of of codes) {
        for (let m = 0; m <= 255; m++) {
          const unit = m * 2 ** -found.exponents[0]!;
          least = Math.min(
            least,
            quadratic(
              of.map((code, i) => weights[i]! - code * unit),
              inputs,
            ),
          );
        }
      }
      const error = outputError(weights, found, inputs);
      assert.ok(error >= least * (1 - 1e-9), `seed ${seed}: ${error} is below brute force's ${least}`);
      if (error <= 1.1 * least) best++;
    }
    assert.ok(best >= 20, `${best} of 40 are within 10 % of the optimum`);
  });

  it("refinement never makes the damped output error larger, and is worth it", () => {
    const cols = 96;
    const inputs = correlatedInputs(new Random(51), cols, 300);
    const hessian = dampedHessian(inputs);
    const damped = { cols, positions: 1, sums: hessian };
    const weights = normalWeights(new Random(52), 16 * cols, 0.1);
    for (const levels of LEVELS) {
      const target = { format: storedFormat(spec(levels, "gptq")), sets: codeSets(levels), group: 32 };
      const factor = inverseFactor(hessian, cols);
      const rounded = gptq(weights, 16, cols, { ...target, factor, keeping: { type: "all" } });
      const refined = refine(weights, rounded, { ...target, hessian });
      assertLegal(refined, 32);
      for (let row = 0; row < 16; row++) {
        const of = (matrix: QuantisedMatrix) =>
          outputError(weights.subarray(row * cols, (row + 1) * cols), rowOf(matrix, row), damped);
        assert.ok(of(refined) <= of(rounded) * (1 + 1e-9), `${levels}, row ${row}`);
      }
      const nearest = quantiseWith(weights, 16, cols, spec(levels, "nearest"), null);
      const handedOn = outputError(weights, nearest, damped) / outputError(weights, rounded, damped);
      assert.ok(handedOn > 2, `${levels}: GPTQ alone only ${handedOn} times better than nearest`);
      const ratio = outputError(weights, refined, damped) / outputError(weights, rounded, damped);
      assert.ok(ratio < 0.97, `${levels}: ${ratio}`);
    }
  });

  it("has much less output error than nearest on correlated inputs, in every format", () => {
    const inputs = correlatedInputs(new Random(21), 96, 300);
    const weights = normalWeights(new Random(22), 24 * 96, 0.1);
    const smaller = { TERNARY: 2.5, W2: 2.5, Z2: 2.5, W3: 3, W4: 3, W8: 3 };
    for (const levels of LEVELS) {
      const of = (rounding: "nearest" | "gptq", known: InputMoments | null) =>
        outputError(weights, quantiseWith(weights, 24, 96, spec(levels, rounding), known), inputs);
      const ratio = of("nearest", null) / of("gptq", inputs);
      assert.ok(ratio > smaller[levels], `${levels}: only ${ratio} times smaller`);
    }
  });

  it("with inputs that are not correlated is nearest, but for the scale of what is left", () => {
    const cols = 64;
    const sums = new Float64Array(cols * cols);
    for (let i = 0; i < cols; i++) sums[i * cols + i] = 5;
    const weights = normalWeights(new Random(6), 4 * cols, 1);
    const inputs = { cols, positions: 5, sums };
    for (const levels of LEVELS)
      assert.deepEqual(
        quantiseWith(weights, 4, cols, spec(levels, "gptq"), inputs),
        quantiseWith(weights, 4, cols, spec(levels, "nearest"), null),
      );
  });

  it("rounds inputs that never were anything but 0 to nearest, and lets no other column answer for them", () => {
    const cols = 32;
    const live = correlatedInputs(new Random(8), cols, 100);
    const sums = live.sums.map((v, i) => (i % cols === 7 || Math.floor(i / cols) === 7 ? 0 : v));
    const dead = { cols, positions: 100, sums };
    const weights = normalWeights(new Random(12), cols, 1);
    const changed = weights.map((w, i) => (i === 7 ? -w : w));
    const a = quantiseWith(weights, 1, cols, spec("W8", "gptq"), dead);
    const b = quantiseWith(changed, 1, cols, spec("W8", "gptq"), dead);
    assert.deepEqual(
      a.codes.filter((_, i) => i !== 7),
      b.codes.filter((_, i) => i !== 7),
    );
    assert.equal(a.codes[7], -b.codes[7]!);
    const stands = a.codes[7]! * a.mantissas[0]! * 2 ** -a.exponents[0]!;
    assert.ok(Math.abs(stands - weights[7]!) <= (a.mantissas[0]! * 2 ** -a.exponents[0]!) / 2);
    const none = { cols, positions: 3, sums: new Float64Array(cols * cols) };
    assert.deepEqual(
      quantiseWith(weights, 1, cols, spec("W2", "gptq"), none),
      quantiseWith(weights, 1, cols, spec("W2", "nearest"), null),
    );
  });

  it("gives a row the same codes alone and among others", () => {
    const inputs = correlatedInputs(new Random(3), 64, 80);
    const weights = normalWeights(new Random(4), 5 * 64, 1);
    const whole = quantiseWith(weights, 5, 64, spec("W2", "gptq", 64), inputs);
    const third = quantiseWith(weights.slice(128, 192), 1, 64, spec("W2", "gptq", 64), inputs);
    assert.deepEqual(third.codes, whole.codes.slice(128, 192));
    assert.deepEqual(third.mantissas, whole.mantissas.slice(4, 6));
  });

  it("makes room when weights grow on the way", () => {
    const cols = 64;
    const inputs = correlatedInputs(new Random(31), cols, 20);
    const weights = normalWeights(new Random(32), 40 * cols, 1);
    let roomier = 0;
    for (const levels of LEVELS) {
      const matrix = quantiseWith(weights, 40, cols, spec(levels, "gptq"), inputs);
      assertLegal(matrix, 32);
      const { exponents } = quantiseWith(weights, 40, cols, spec(levels, "nearest"), null);
      roomier += exponents.filter((exponent, row) => exponent > matrix.exponents[row]!).length;
    }
    assert.ok(roomier > 0, "no row needed it");
  });
});

describe("2:4 pruning", () => {
  it("keeps the two costliest of four, the first of equals", () => {
    const kept = new Uint8Array(8);
    keepTwo((i) => [3, 1, 4, 1][i]!, kept, 0);
    keepTwo(() => 2, kept, 4);
    assert.deepEqual([...kept], [1, 0, 1, 0, 1, 1, 0, 0]);
  });

  it("by magnitude looks at weights, by Wanda at weights times inputs", () => {
    const weights = Float32Array.of(1, -2, 3, -4, 0.1, 0.2, 0, 0);
    const counts = Float64Array.of(100, 25, 1, 1, 1, 1, 1, 1);
    assert.deepEqual([...keptWeights("magnitude", weights, 8, counts)], [0, 0, 1, 1, 1, 1, 0, 0]);
    assert.deepEqual([...keptWeights("wanda", weights, 8, counts)], [1, 1, 0, 0, 1, 1, 0, 0]);
  });

  it("each method is better than the one before on correlated inputs, GPTQ in the same pass better than after", () => {
    const inputs = correlatedInputs(new Random(41), 96, 300);
    const uneven = normalWeights(new Random(42), 24 * 96, 0.1);
    const error = (pruning: Pruning, rounding: MatrixSpec["rounding"]) => {
      const matrix = quantiseWith(uneven, 24, 96, spec("W2", rounding, 32, pruning), inputs);
      assert.equal(matrix.format, "N24");
      assertLegal(matrix, 32);
      return outputError(uneven, matrix, inputs);
    };
    for (const rounding of ["nearest", "gptq"] as const)
      assert.ok(error("sparsegpt", rounding) < error("magnitude", rounding), rounding);
    assert.ok(error("wanda", "nearest") < error("magnitude", "nearest"));
    for (const pruning of PRUNINGS)
      assert.ok(error(pruning, "gptq") < 0.6 * error(pruning, "nearest"), pruning);
  });

  it("SparseGPT's choice is the best of the six for the first four", () => {
    const cols = 4;
    for (let seed = 0; seed < 20; seed++) {
      const hessian = dampedHessian(correlatedInputs(new Random(seed), cols, 30));
      const weights = normalWeights(new Random(seed + 100), cols, 1);
      const { weights: sparse, kept } = sparseGpt(weights, 1, cols, inverseFactor(hessian, cols));
      const costs = Array.from(
        weights,
        (w, i) => w * w * (1 / inverseFactor(hessian, cols)[i * cols + i]! ** 2),
      );
      const cheapest = [0, 1, 2, 3].sort((a, b) => costs[a]! - costs[b]!).slice(0, 2);
      assert.deepEqual(
        cheapest.sort().map((i) => kept[i]),
        [0, 0],
      );
      assert.ok(cheapest.every((i) => sparse[i] === 0));
    }
  });

  it("gives legal codes for any weights, with every method", () => {
    const weight = fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 });
    fc.assert(
      fc.property(
        fc.constantFrom(...PRUNINGS, null),
        fc.constantFrom<"nearest" | "gptq">("nearest", "gptq"),
        fc.constantFrom<32 | 64 | 128>(32, 64, 128),
        fc.integer({ min: 1, max: 24 }),
        fc.array(weight, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 1000 }),
        (pruning, rounding, group, fours, values, seed) => {
          const cols = 4 * fours;
          const weights = Float32Array.from({ length: 2 * cols }, (_, i) => values[(i * 7) % values.length]!);
          const inputs = correlatedInputs(new Random(seed), cols, 5);
          assertLegal(quantiseWith(weights, 2, cols, spec("W2", rounding, group, pruning), inputs), group);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it("refuses what contradicts itself", () => {
    const weights = new Float32Array(36);
    const inputs = { cols: 36, positions: 0, sums: new Float64Array(36 * 36) };
    const refuse = (asked: MatrixSpec, cols: number, known: InputMoments | null, message: RegExp) =>
      assert.throws(() => quantiseWith(weights.subarray(0, cols), 1, cols, asked, known), message);
    refuse(spec("W4", "gptq"), 36, null, /gptq needs the moments of the inputs: calibrate first/);
    refuse(spec("W2", "nearest", 32, "wanda"), 36, null, /wanda needs the moments/);
    refuse(spec("W4", "nearest", 32, "magnitude"), 36, null, /2:4 pruning goes with levels W2, not W4/);
    refuse(spec("W2", "nearest", 32, "magnitude"), 34, null, /columns by fours; there are 34/);
    refuse(spec("W2", "gptq"), 36, inputs, /of no position at all/);
    assert.equal(importance(null, 3)[2], 1);
  });
});
