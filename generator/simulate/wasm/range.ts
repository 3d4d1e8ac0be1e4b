/**
 * What is known of a value's machine word. A node of up to 32 bits is held in an i32, up to 64 in an i64, with the
 * node's bits at the bottom; the bits above are not always cleared. The range of the whole word, read as a signed
 * number, tells when they are clear or copies of the sign, so that masks are emitted only where they do something.
 */

/** Word size in bits. */
export type Cls = 32 | 64;

/** Which reading of the upper bits is wanted: zeros, copies of the sign, or anything. */
export type Form = "any" | "u" | "s";

export interface Range {
  readonly lo: bigint;
  readonly hi: bigint;
}

export const classOf = (width: number): Cls => (width <= 32 ? 32 : 64);
export const isWide = (width: number): boolean => width > 64;
/** Number of 64-bit limbs of a wide value. */
export const limbsOf = (width: number): number => (width + 63) >>> 6;

const FULL = {
  32: { lo: -(1n << 31n), hi: (1n << 31n) - 1n },
  64: { lo: -(1n << 63n), hi: (1n << 63n) - 1n },
} as const;
export const full = (cls: Cls): Range => FULL[cls];

/** The range if it fits the word, else nothing is known: the word wrapped. */
export function within(lo: bigint, hi: bigint, cls: Cls): Range {
  return lo >= FULL[cls].lo && hi <= FULL[cls].hi ? { lo, hi } : FULL[cls];
}

const pow = (n: number): bigint => 1n << BigInt(n);

/** All values of a clean width-bit number. */
export function cleanRange(width: number, form: "u" | "s", cls: Cls): Range {
  if (width >= cls) return FULL[cls];
  return form === "u" ? { lo: 0n, hi: pow(width) - 1n } : { lo: -pow(width - 1), hi: pow(width - 1) - 1n };
}

export function isClean(r: Range, width: number, form: "u" | "s", cls: Cls): boolean {
  if (width >= cls) return true;
  return form === "u" ? r.lo >= 0n && r.hi < pow(width) : r.lo >= -pow(width - 1) && r.hi < pow(width - 1);
}

// Math.min does not take bigint.
const least = (values: readonly bigint[]): bigint => values.reduce((x, y) => (x - y < 0n ? x : y));
const most = (values: readonly bigint[]): bigint => values.reduce((x, y) => (x - y > 0n ? x : y));

export const union = (a: Range, b: Range): Range => ({ lo: least([a.lo, b.lo]), hi: most([a.hi, b.hi]) });

export function product(a: Range, b: Range, cls: Cls): Range {
  const corners = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
  return within(least(corners), most(corners), cls);
}

const bitLength = (v: bigint): number => (v === 0n ? 0 : v.toString(2).length);

export function bitwiseAnd(a: Range, b: Range): Range {
  if (a.lo >= 0n && b.lo >= 0n) return { lo: 0n, hi: least([a.hi, b.hi]) };
  if (a.lo >= 0n) return { lo: 0n, hi: a.hi };
  if (b.lo >= 0n) return { lo: 0n, hi: b.hi };
  return bitwiseOr(a, b);
}

/** Of or and xor. */
export function bitwiseOr(a: Range, b: Range): Range {
  const magnitude = (v: bigint): bigint => (v < 0n ? ~v : v);
  const bits = Math.max(...[a.lo, a.hi, b.lo, b.hi].map((v) => bitLength(magnitude(v))));
  return { lo: a.lo >= 0n && b.lo >= 0n ? 0n : -pow(bits), hi: pow(bits) - 1n };
}
