/** Float matrices to codes, group mantissas and row exponents (contract section 4). */
import { GROUP } from "../contract/tables.js";
import { power2 } from "../model/scale.js";
import type { QuantisedMatrix } from "../model/types.js";

/** The code of `format` nearest to v (in code units). */
export function nearestCode(format: "W2" | "W4", v: number): number {
  if (format === "W4") return Math.min(Math.max(Math.round(v), -8), 7);
  return Math.min(Math.max(2 * Math.floor(v / 2) + 1, -3), 3);
}

/** The largest exponent (0..31) with which the largest unit of a row still has a mantissa of at most 255. */
function rowExponent(largestUnit: number): number {
  let exponent = 0;
  while (exponent < 31 && largestUnit * power2(exponent + 1) <= 255) exponent++;
  return exponent;
}

/**
 * Rounds weights [rows·cols] so that each group's squared error is smallest over its mantissa: large values are clipped
 * where that helps the many small ones.
 */
export function quantiseMatrix(
  weights: Float32Array,
  rows: number,
  cols: number,
  format: "W2" | "W4",
): QuantisedMatrix {
  const groups = Math.ceil(cols / GROUP);
  const codes = new Int8Array(rows * cols);
  const mantissas = new Uint8Array(rows * groups);
  const exponents = new Uint8Array(rows);
  const largestCode = format === "W2" ? 3 : 7.5;
  const lowestShare = format === "W2" ? 0.25 : 0.5; // of the mantissa that clips nothing
  for (let row = 0; row < rows; row++) {
    const maxima = Array.from({ length: groups }, (_, g) => groupMaximum(weights, row, g, cols));
    const exponent = rowExponent(Math.max(...maxima) / largestCode);
    exponents[row] = exponent;
    for (let g = 0; g < groups; g++) {
      const full = Math.min(255, Math.ceil((maxima[g]! / largestCode) * power2(exponent)));
      const from = row * cols + g * GROUP;
      const to = Math.min(from + GROUP, (row + 1) * cols);
      let best = 0;
      let bestError = Infinity;
      for (
        let mantissa = Math.max(1, Math.floor(full * lowestShare));
        mantissa <= Math.max(full, 1);
        mantissa++
      ) {
        const unit = mantissa * power2(-exponent);
        let error = 0;
        for (let i = from; i < to; i++) {
          const d = weights[i]! - nearestCode(format, weights[i]! / unit) * unit;
          error += d * d;
        }
        if (error < bestError) [best, bestError] = [mantissa, error];
      }
      mantissas[row * groups + g] = best;
      for (let i = from; i < to; i++)
        codes[i] = nearestCode(format, weights[i]! / (best * power2(-exponent)));
    }
  }
  return { rows, cols, format, codes, mantissas, exponents };
}

function groupMaximum(weights: Float32Array, row: number, group: number, cols: number): number {
  let maximum = 0;
  for (let i = group * GROUP; i < Math.min((group + 1) * GROUP, cols); i++)
    maximum = Math.max(maximum, Math.abs(weights[row * cols + i]!));
  return maximum;
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
      codes[row * cols + i] = nearestCode("W2", weights[row * cols + i]! / ofRow[i >> 5]!);
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
