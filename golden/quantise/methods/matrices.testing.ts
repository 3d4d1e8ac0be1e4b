/** Matrices, moments and judgements that the tests of this folder share. */
import assert from "node:assert/strict";
import { GROUP } from "../../contract/tables.js";
import type { Random } from "../../model/prng.js";
import type { QuantisedMatrix, WeightFormat } from "../../model/types.js";
import type { InputMoments } from "../recipe.js";

/** About normal with the given deviation. */
export function normalWeights(random: Random, count: number, deviation: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += random.next() / 4294967296 - 0.5;
    return sum * deviation;
  });
}

/** Moments of inputs that share a few directions, as the inputs of real matrices do. */
export function correlatedInputs(random: Random, cols: number, positions: number): InputMoments {
  const directions = 6;
  const mixing = normalWeights(random, cols * directions, 1);
  const sums = new Float64Array(cols * cols);
  for (let t = 0; t < positions; t++) {
    const hidden = normalWeights(random, directions, 1);
    const x = normalWeights(random, cols, 0.5).map((noise, i) =>
      hidden.reduce((sum, h, d) => sum + h * mixing[i * directions + d]!, noise),
    );
    for (let i = 0; i < cols; i++)
      for (let j = 0; j < cols; j++) sums[i * cols + j] = sums[i * cols + j]! + x[i]! * x[j]!;
  }
  return { cols, positions, sums };
}

export function squaredError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let error = 0;
  for (let i = 0; i < a.length; i++) error += (a[i]! - b[i]!) ** 2;
  return error;
}

const LEGAL: { readonly [format in WeightFormat]: (code: number) => boolean } = {
  W2: (c) => c === -3 || c === -1 || c === 1 || c === 3,
  W4: (c) => c >= -8 && c <= 7,
  W8: (c) => c >= -119 && c <= 119,
  TERNARY: (c) => c >= -1 && c <= 1,
  N24: (c) => c === 0 || LEGAL.W2(c),
};

/** Codes that the format has, two of four where it says so, exponents within 0..31, one mantissa for every group. */
export function assertLegal(matrix: QuantisedMatrix, group: number): void {
  const { rows, cols, format, codes, mantissas, exponents } = matrix;
  const groups = Math.ceil(cols / GROUP);
  assert.deepEqual([codes.length, mantissas.length, exponents.length], [rows * cols, rows * groups, rows]);
  for (const code of codes) assert.ok(LEGAL[format](code), `${format} has no code ${code}`);
  for (const exponent of exponents) assert.ok(exponent <= 31);
  for (let row = 0; row < rows; row++) {
    for (let g = 0; g < groups; g++) {
      const first = Math.floor((g * GROUP) / group) * (group / GROUP);
      assert.equal(mantissas[row * groups + g], mantissas[row * groups + first]);
    }
    for (let i = 0; format === "N24" && i < cols; i += 4) {
      const four = codes.subarray(row * cols + i, row * cols + i + 4);
      assert.equal(four.filter((c) => c !== 0).length, 2, `columns ${i} to ${i + 3} of row ${row}`);
    }
  }
}
