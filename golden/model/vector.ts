/** Residual stream, A8 quantiser and greedy choice: contract sections 2, 3 and 8. */
import { ACTIVATION_MAX, GROUP } from "../contract/tables.js";
import { norm16, power2, recip, rshr, rsqrt, type Sticky, sat, ZERO_SCALE } from "./scale.js";
import type { QuantisedMatrix, Scale } from "./types.js";

/** Section 2, embedding: row `token` of the table into x (int32 [cols]) with `fraction` fraction bits. */
export function embed(
  table: QuantisedMatrix,
  token: number,
  fraction: number,
  x: Int32Array,
  sticky: Sticky,
): void {
  const { cols } = table;
  const groups = Math.ceil(cols / GROUP);
  const left = fraction - table.exponents[token]!;
  for (let i = 0; i < cols; i++) {
    const v = table.codes[token * cols + i]! * table.mantissas[token * groups + (i >> 5)]!;
    x[i] = sat(left >= 0 ? v * power2(left) : rshr(v, -left), 32, sticky, "residual");
  }
}

/** Section 2, addition: x += d, saturating (int32 [n]). */
export function addResidual(x: Int32Array, d: Int32Array, sticky: Sticky): void {
  for (let i = 0; i < x.length; i++) x[i] = sat(x[i]! + d[i]!, 32, sticky, "residual");
}

/** What writing the residual gathers for the norm that follows. */
export interface NormSums {
  /** MY = max |y|, at most 2^31. */
  readonly maximum: number;
  readonly squares: Squares;
}

/** A sum of squares with a block exponent: stands for sum·2^(2·shift). sum < 2^48. */
export interface Squares {
  readonly sum: number;
  readonly shift: number;
}

/** The least shift that brings v (int32) to 18 bits. */
function shiftFor(v: number): number {
  if (v >= -131072 && v < 131072) return 0;
  return v >= -16777216 && v < 16777216 ? 7 : 14;
}

/** Section 2, sum of squares of x[from, to), in order. */
export function sumSquares(x: Int32Array, from = 0, to = x.length): Squares {
  let sum = 0;
  let shift = 0;
  for (let i = from; i < to; i++) {
    const wanted = shiftFor(x[i]!);
    if (wanted > shift) {
      sum = Math.floor(sum * power2(-2 * (wanted - shift)));
      shift = wanted;
    }
    const z = x[i]! >> shift;
    sum += z * z;
  }
  return { sum, shift };
}

/** Section 2, R: one over the root of the sum of squares and E. */
export function inverseRoot({ sum, shift }: Squares, epsilon: number): Scale {
  const { m, e } = norm16(sum + Math.floor(epsilon * power2(-2 * shift)));
  return rsqrt(m === 0 ? ZERO_SCALE : { m, e: e + 2 * shift });
}

/** How far a norm shifts x·gain: section 2; */
export const RESIDUAL_NORM = 15;
/** the attention output has 24 bits instead of 32 (section 6a). */
export const OUTPUT_NORM = 7;

/** Sections 2 and 6a: y = x·gain >> shift (int32 [n]), its maximum, and the sum of squares of x. */
export function gather(
  x: Int32Array,
  gain: Int16Array,
  y: Int32Array,
  sticky: Sticky,
  shift = RESIDUAL_NORM,
): NormSums {
  let maximum = 0;
  for (let i = 0; i < x.length; i++) {
    const v = sat(rshr(x[i]! * gain[i]!, shift), 32, sticky, "y");
    y[i] = v;
    maximum = Math.max(maximum, Math.abs(v));
  }
  return { maximum, squares: sumSquares(x) };
}

/** max |v_i| of v[from, to). */
export function maximumOf(v: Int32Array, from = 0, to = v.length): number {
  let maximum = 0;
  for (let i = from; i < to; i++) maximum = Math.max(maximum, Math.abs(v[i]!));
  return maximum;
}

/**
 * Section 3: v[from, to) (int32) to A8 codes at the same places of `codes`, relative to `maximum` = max |v_i|.
 * Returns the scale that stands for the maximum.
 */
export function quantise(v: Int32Array, maximum: number, codes: Int8Array, from = 0, to = v.length): Scale {
  if (maximum === 0) {
    codes.fill(0, from, to);
    return ZERO_SCALE;
  }
  const scale = norm16(maximum);
  const r = (ACTIVATION_MAX * recip(scale.m)) >> 7;
  for (let i = from; i < to; i++) {
    const n = scale.e >= 0 ? v[i]! >> scale.e : v[i]! << -scale.e;
    const q = Math.floor((n * r + 8388608) / 16777216);
    codes[i] = Math.min(Math.max(q, -ACTIVATION_MAX), ACTIVATION_MAX);
  }
  return scale;
}

/** Section 8: the lowest index among the maxima. */
export function argmax(logits: Int32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
