/** Rounding shifts, saturation, scales, reciprocals: contract sections 0 and 1. */
import { RECIP, RSQRT } from "../contract/tables.js";
import type { Scale } from "./types.js";

/** Counts of the saturations that changed a value, by place: the contract's sticky flags, a little more telling. */
export class Sticky {
  /** Residual stream: embedding and additions (32 bits). */
  residual = 0;
  /** y of section 2 (32 bits). */
  y = 0;
  /** A matrix result (24 or 32 bits). */
  matrix = 0;
  /** A negative shift behind a matrix. */
  shift = 0;
  /** Norms of q and k, RoPE results and K minus its mean (24 bits). */
  rope = 0;
  /** A cache scale beyond its byte. */
  cache = 0;
  /** h of section 7 (32 bits). */
  h = 0;

  total(): number {
    return this.residual + this.y + this.matrix + this.shift + this.rope + this.cache + this.h;
  }
}

export type StickyPlace = Exclude<keyof Sticky, "total">;

/** 2^n exactly (`**` is only approximately specified), -64 <= n <= 64. */
const POWERS = new Float64Array(129);
POWERS[64] = 1;
for (let n = 1; n <= 64; n++) {
  POWERS[64 + n] = POWERS[63 + n]! * 2;
  POWERS[64 - n] = POWERS[65 - n]! / 2;
}

/** 2^n, exactly, for integers -64 <= n <= 64. */
export function power2(n: number): number {
  const power = POWERS[n + 64];
  if (power === undefined) throw new RangeError(`2^${n} is not in the table`);
  return power;
}

/** Rounding right shift, half up: (a + 2^(n-1)) >> n. |a| + 2^(n-1) <= 2^53 or n > 53, where the result is always 0. */
export function rshr(a: number, n: number): number {
  return n > 53 ? 0 : Math.floor((n === 0 ? a : a + POWERS[n + 63]!) * POWERS[64 - n]!);
}

/** Clamp to signed `bits` bits. */
export function sat(a: number, bits: number, sticky: Sticky, place: StickyPlace): number {
  const limit = POWERS[bits + 63]!;
  if (a >= limit) {
    sticky[place]++;
    return limit - 1;
  }
  if (a < -limit) {
    sticky[place]++;
    return -limit;
  }
  return a;
}

/** Bits of v >= 0; bitlen(0) = 0. v < 2^53. */
export function bitlen(v: number): number {
  if (v < 4294967296) return 32 - Math.clz32(v);
  return 64 - Math.clz32(Math.floor(v / 4294967296));
}

export const ZERO_SCALE: Scale = { m: 0, e: 0 };

/** The 16 leading bits of v >= 0 (dropping the rest) and their exponent. v < 2^53. */
export function norm16(v: number): Scale {
  if (v === 0) return ZERO_SCALE;
  const k = bitlen(v) - 16;
  return { m: Math.floor(v * power2(-k)), e: k };
}

/** Product of two scales, mantissa cut to 16 bits. */
export function mul(a: Scale, b: Scale): Scale {
  const p = a.m * b.m; // < 2^32
  if (p === 0) return ZERO_SCALE;
  return p >= 2147483648 ? { m: p >>> 16, e: a.e + b.e + 16 } : { m: p >>> 15, e: a.e + b.e + 15 };
}

function clampMantissa(r: number): number {
  return Math.min(Math.max(r, 32768), 65535);
}

/** About 2^31/m for 2^15 <= m < 2^16: table and one Newton step. */
export function recip(m: number): number {
  const r0 = RECIP[(m >> 8) & 127]!;
  const d = 4294967296 - m * r0;
  return clampMantissa(Math.floor((r0 * Math.floor(d / 32768)) / 65536));
}

/** 1/scale. */
export function reciprocal(scale: Scale): Scale {
  return scale.m === 0 ? ZERO_SCALE : { m: recip(scale.m), e: -31 - scale.e };
}

/** 1/sqrt(scale): table and one Newton step. */
export function rsqrt(scale: Scale): Scale {
  const { m, e } = scale;
  if (m === 0) return ZERO_SCALE;
  const odd = (15 + e) & 1;
  const h = (15 + e - odd) / 2;
  const r0 = RSQRT[odd * 64 + ((m >> 9) & 63)]!;
  const t1 = (r0 * r0) >>> 16;
  const t2 = Math.floor((t1 * (m << odd)) / 32768);
  return { m: clampMantissa(Math.floor((r0 * (196608 - t2)) / 131072)), e: -16 - h };
}
