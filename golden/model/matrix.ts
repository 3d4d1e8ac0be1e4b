/** Matrix times vector and its scales: contract section 4. */
import { GROUP } from "../contract/tables.js";
import { mul, norm16, rshr, rsqrt, type Sticky, sat } from "./scale.js";
import type { QuantisedMatrix, Scale } from "./types.js";

/** Section 4: T of a matrix behind a norm: S / sqrt(SS + E)·K. */
export function normScale(s: Scale, squares: number, epsilonSum: number, k: Scale): Scale {
  return mul(mul(s, rsqrt(norm16(squares + epsilonSum))), k);
}

/** Section 4: one matrix result from its exact sum P (|P| < 2^36): sat(rshr(P·Tm, exponent - Te), bits). */
export function scaleOut(sum: number, t: Scale, exponent: number, bits: number, sticky: Sticky): number {
  let shift = exponent - t.e;
  if (shift < 0) {
    shift = 0;
    sticky.shift++;
  }
  return sat(rshr(sum * t.m, shift), bits, sticky, "matrix");
}

/** Section 4: the exact sum P of one row. The hottest loop of the golden model. */
function rowSum(matrix: QuantisedMatrix, row: number, input: Int8Array): number {
  const { cols, codes, mantissas } = matrix;
  const start = row * cols;
  let mantissa = row * Math.ceil(cols / GROUP);
  let sum = 0;
  for (let from = 0; from < cols; from += GROUP) {
    const to = Math.min(from + GROUP, cols);
    let dot = 0;
    for (let i = from; i < to; i++) dot += codes[start + i]! * input[i]!;
    sum += dot * mantissas[mantissa++]!;
  }
  return sum;
}

/** Section 4: matrix [rows, cols] times A8 vector [cols] to out [rows] of `bits` bits, T the scale of this token. */
export function matvec(
  matrix: QuantisedMatrix,
  input: Int8Array,
  t: Scale,
  bits: number,
  out: Int32Array,
  sticky: Sticky,
): void {
  for (let row = 0; row < matrix.rows; row++) {
    const sum = rowSum(matrix, row, input);
    out[row] = scaleOut(sum, t, matrix.exponents[row]!, bits, sticky);
  }
}
