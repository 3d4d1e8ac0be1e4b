/** Matrices of codes, group mantissas and row exponents (contract section 4) and the floats that they stand for. */
import { GROUP } from "../contract/tables.js";
import { power2 } from "../model/scale.js";
import type { QuantisedMatrix } from "../model/types.js";

/** The largest exponent (0..31) with which the largest unit of a row still has a mantissa of at most 255. */
function rowExponent(largestUnit: number): number {
  let exponent = 0;
  while (exponent < 31 && largestUnit * power2(exponent + 1) <= 255) exponent++;
  return exponent;
}

/**
 * Recovers weights that already are exactly {-3,-1,1,3}·unit per row and group of `group` inputs (a quantisation-aware
 * checkpoint in float form). The codes come back exactly, the units rounded to 8-bit mantissas. Undefined when the
 * weights are anything else.
 */
export function recoverFourLevels(
  weights: Float32Array,
  rows: number,
  cols: number,
  group: number,
): QuantisedMatrix | undefined {
  const units = new Float64Array(rows * Math.ceil(cols / GROUP));
  const groups = Math.ceil(cols / GROUP);
  for (let row = 0; row < rows; row++) {
    for (let start = 0; start < cols; start += group) {
      const end = Math.min(start + group, cols);
      const unit = fourLevelUnit(weights, row * cols + start, row * cols + end);
      if (unit === undefined) return undefined;
      for (let g = start / GROUP; g * GROUP < end; g++) units[row * groups + g] = unit;
    }
  }
  const exponents = new Uint8Array(rows);
  const mantissas = new Uint8Array(rows * groups);
  const codes = new Int8Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    const ofRow = units.subarray(row * groups, (row + 1) * groups);
    const exponent = rowExponent(Math.max(...ofRow));
    exponents[row] = exponent;
    for (let g = 0; g < groups; g++) mantissas[row * groups + g] = Math.round(ofRow[g]! * power2(exponent));
    for (let i = 0; i < cols; i++)
      codes[row * cols + i] = Math.round(weights[row * cols + i]! / ofRow[i >> 5]!); // ±1 or ±3, nearly exactly
  }
  return { rows, cols, format: "W2", codes, mantissas, exponents };
}

/** The unit u of weights[from, to) = {-3,-1,1,3}·u, up to float32 rounding; undefined when there is none. */
function fourLevelUnit(weights: Float32Array, from: number, to: number): number | undefined {
  let smallest = Infinity;
  for (let i = from; i < to; i++) smallest = Math.min(smallest, Math.abs(weights[i]!));
  if (smallest === 0) return undefined;
  for (let i = from; i < to; i++) {
    const ratio = Math.abs(weights[i]!) / smallest;
    if (Math.abs(ratio - 1) > 1e-5 && Math.abs(ratio - 3) > 1e-5) return undefined;
  }
  return smallest;
}

/** The float weights [rows·cols] that a quantised matrix stands for. */
export function dequantise(matrix: QuantisedMatrix): Float32Array {
  const { rows, cols, codes, mantissas, exponents } = matrix;
  const groups = Math.ceil(cols / GROUP);
  const weights = new Float32Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    const step = power2(-exponents[row]!);
    for (let i = 0; i < cols; i++)
      weights[row * cols + i] = codes[row * cols + i]! * mantissas[row * groups + (i >> 5)]! * step;
  }
  return weights;
}
