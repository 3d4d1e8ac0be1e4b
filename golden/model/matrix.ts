/** Matrix times vector and its scales: contract section 4. */
import { GROUP } from "../contract/tables.js";
import { mul, rshr, type Sticky, type StickyPlace, sat } from "./scale.js";
import type { QuantisedMatrix, Scale } from "./types.js";
import { inverseRoot, type Squares } from "./vector.js";

/** Section 4: T of a matrix behind a norm: S·R(SS, s, E)·K. */
export function normScale(s: Scale, squares: Squares, epsilon: number, k: Scale): Scale {
  return mul(mul(s, inverseRoot(squares, epsilon)), k);
}

/** Sums from here on times a mantissa of 16 bits may need more than a double holds: W8 rows and V8 blocks. */
const WIDE = 2 ** 36;

/** Section 4: one matrix result from its exact sum P (|P| < 2^39): sat(rshr(P·Tm, exponent - Te), bits). */
export function scaleOut(
  sum: number,
  t: Scale,
  exponent: number,
  bits: number,
  sticky: Sticky,
  place: StickyPlace = "matrix",
): number {
  let shift = exponent - t.e;
  if (shift < 0) {
    shift = 0;
    sticky.shift++;
  }
  const shifted = Math.abs(sum) < WIDE ? rshr(sum * t.m, shift) : wideShift(BigInt(sum) * BigInt(t.m), shift);
  return sat(shifted, bits, sticky, place);
}

/** rshr of a product of up to 55 bits; a shift above 62 gives 0. */
function wideShift(product: bigint, shift: number): number {
  if (shift > 62) return 0;
  return Number(shift === 0 ? product : (product + (1n << BigInt(shift - 1))) >> BigInt(shift));
}

/** Section 4, option: out += bias, saturating at 24 bits. */
export function addBias(out: Int32Array, bias: Int32Array, sticky: Sticky): void {
  for (let i = 0; i < out.length; i++) out[i] = sat(out[i]! + bias[i]!, 24, sticky, "matrix");
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
