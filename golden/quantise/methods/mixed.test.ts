/** Mixed precision: against brute force on small cases, and on measured errors of real formats. */
import assert from "node:assert/strict";
import { Random } from "../../model/prng.js";
import type { Levels, MatrixSpec } from "../recipe.js";
import { correlatedInputs, normalWeights } from "./matrices.testing.js";
import { type Candidate, chooseSpecs, hardwareBytes } from "./mixed.js";
import { outputError } from "./outputError.js";
import { quantiseWith } from "./quantiseWith.js";

const SPEC: MatrixSpec = { levels: "W4", group: 32, rounding: "nearest", pruning: null };

function candidate(bytes: number, error: number): Candidate {
  return { spec: SPEC, bytes, error };
}

/** The least error of all choices within the budget. */
function bruteForce(matrices: readonly (readonly Candidate[])[], budget: number): number {
  const [first, ...others] = matrices;
  if (first === undefined) return 0;
  return Math.min(
    ...first
      .filter(({ bytes }) => bytes <= budget)
      .map(({ bytes, error }) => error + bruteForce(others, budget - bytes)),
  );
}

describe("mixed precision", () => {
  it("counts the bytes of the hardware", () => {
    assert.equal(hardwareBytes(10, 64, "W2"), 10 * (2 * 9 + 1));
    assert.equal(hardwareBytes(10, 33, "TERNARY"), 10 * (2 * 9 + 1)); // whole groups
    assert.equal(hardwareBytes(1, 32, "W3"), 18);
    assert.equal(hardwareBytes(1, 32, "Z2"), hardwareBytes(1, 32, "W4"));
    assert.equal(hardwareBytes(2, 32, "W8"), 2 * 34);
  });

  it("takes the steps that gain most a byte", () => {
    const steep = [candidate(2, 10), candidate(4, 1)];
    const flat = [candidate(2, 3), candidate(4, 2)];
    assert.deepEqual(chooseSpecs([flat, steep], 6), { chosen: [0, 1], error: 4, bytes: 6, bound: 4 });
    assert.deepEqual(chooseSpecs([flat, steep], 8).chosen, [1, 1]);
    assert.deepEqual(chooseSpecs([flat, steep], 5).chosen, [0, 0]);
    assert.throws(() => chooseSpecs([flat, steep], 3), /take at least 4 bytes, 1 more than the 3 allowed/);
  });

  it("skips candidates off the hull, but fills up with them", () => {
    const bent = [candidate(2, 10), candidate(4, 9), candidate(6, 0)];
    assert.deepEqual(chooseSpecs([bent], 6).chosen, [2]);
    assert.deepEqual(chooseSpecs([bent], 5).chosen, [1]);
    const useless = [candidate(2, 1), candidate(2, 5), candidate(4, 2)];
    assert.deepEqual(chooseSpecs([useless], 100).chosen, [0]);
  });

  it("lies between brute force's best and the bound's promise, and is mostly the best", () => {
    const random = new Random(77);
    let best = 0;
    const runs = 300;
    for (let run = 0; run < runs; run++) {
      const matrices = Array.from({ length: random.integer(1, 5) }, () => {
        const size = random.integer(1, 20);
        // Errors as of 2, 3 and 4 bits: each about a quarter of the one before.
        let error = size * random.integer(50, 400);
        return [1, 2, 4].map((bits) => {
          error = (error * random.integer(10, 90)) / 100;
          return candidate(bits * size, error);
        });
      });
      const sum = (pick: (c: readonly Candidate[]) => number) => matrices.reduce((s, c) => s + pick(c), 0);
      const budget = random.integer(
        sum((c) => c[0]!.bytes),
        sum((c) => c[2]!.bytes),
      );
      const { error, bytes, bound, chosen } = chooseSpecs(matrices, budget);
      const least = bruteForce(matrices, budget);
      assert.ok(bytes <= budget);
      assert.ok(Math.abs(error - chosen.reduce((s, c, m) => s + matrices[m]![c]!.error, 0)) < 1e-9);
      assert.ok(bound <= least + 1e-9 && least <= error + 1e-9, `${bound} <= ${least} <= ${error}`);
      assert.ok(error - least <= Math.max(...matrices.map((c) => c[0]!.error)), "off by less than one step");
      if (error <= least + 1e-9) best++;
    }
    assert.ok(best > 0.6 * runs, `${best} of ${runs} are optimal`);
  });

  it("gives more bits to the matrix whose inputs are larger", () => {
    const cols = 64;
    const quiet = correlatedInputs(new Random(1), cols, 100);
    const loud = { ...quiet, sums: quiet.sums.map((v) => 9 * v) };
    const weights = normalWeights(new Random(2), 16 * cols, 1);
    const levels: readonly Levels[] = ["W2", "W4", "W8"];
    const matrices = [quiet, loud, quiet].map((inputs) =>
      levels.map((level): Candidate => {
        const spec: MatrixSpec = { ...SPEC, levels: level, rounding: "gptq" };
        return {
          spec,
          error: outputError(weights, quantiseWith(weights, 16, cols, spec, inputs), inputs),
          bytes: hardwareBytes(16, cols, level),
        };
      }),
    );
    const budget = 2 * hardwareBytes(16, cols, "W2") + hardwareBytes(16, cols, "W4");
    const { chosen } = chooseSpecs(matrices, budget);
    assert.deepEqual(
      chosen.map((c) => levels[c]),
      ["W2", "W4", "W2"],
    );
  });
});
