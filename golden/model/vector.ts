/** Residual stream, A8 quantiser and greedy choice: contract sections 2, 3 and 8. */
import { ACTIVATION_MAX, GROUP } from "../contract/tables.js";
import { norm16, power2, recip, rshr, type Sticky, sat, ZERO_SCALE } from "./scale.js";
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
  /** SS = sum of z^2, at least 48 bits. */
  readonly squares: number;
}

/** How far a norm shifts its input: for y behind the gain, for z. Section 2; */
export const RESIDUAL_NORM = { y: 15, z: 12 } as const;
/** the attention output has 24 bits instead of 32 (section 6a). */
export const OUTPUT_NORM = { y: 7, z: 6 } as const;

/** Sections 2 and 6a: y = x·gain >> 15 (int32 [n]), its maximum, and the sum of squares of x. */
export function gather(
  x: Int32Array,
  gain: Int16Array,
  y: Int32Array,
  sticky: Sticky,
  shift: typeof RESIDUAL_NORM | typeof OUTPUT_NORM = RESIDUAL_NORM,
): NormSums {
  let maximum = 0;
  let squares = 0;
  for (let i = 0; i < x.length; i++) {
    const v = sat(rshr(x[i]! * gain[i]!, shift.y), 32, sticky, "y");
    y[i] = v;
    maximum = Math.max(maximum, Math.abs(v));
    const z = sat(x[i]! >> shift.z, 18, sticky, "z");
    squares += z * z;
  }
  return { maximum, squares };
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
