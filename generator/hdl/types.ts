/**
 * Types of signals and what can be said about them before any hardware exists: kinds, widths (computed by `tsc` where
 * they are literals), and the shapes that ports, registers and memories are declared with.
 */

import { fail } from "./errors.js";

/** Unsigned, or two's complement. */
export type Kind = "u" | "s";
/** A plain constant; it takes the type of the signal it meets. */
export type Lit = number | bigint;

// ── Widths in types ─────────────────────────────────────────────────────────
// Widths below 300 compute; wider ones, unions and plain `number` degrade to `number` and are checked at elaboration.

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type Small = `${Digit}` | `${Exclude<Digit, 0>}${Digit}` | `${1 | 2}${Digit}${Digit}`;
type Units = [
  [],
  [1],
  [1, 1],
  [1, 1, 1],
  [1, 1, 1, 1],
  [1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1, 1, 1, 1, 1],
];
type TimesTen<T extends 1[]> = [...T, ...T, ...T, ...T, ...T, ...T, ...T, ...T, ...T, ...T];
type Tuple<S extends string, T extends 1[] = []> = S extends `${infer D extends Digit}${infer Rest}`
  ? Tuple<Rest, [...TimesTen<T>, ...Units[D]]>
  : T;
type Count<T> = T extends { length: infer L extends number } ? L : number;
type Both<A extends number, B extends number> = number extends A | B
  ? false
  : [`${A}` | `${B}`] extends [Small]
    ? true
    : false;

/** A + B */
export type Plus<A extends number, B extends number> =
  Both<A, B> extends true ? Count<[...Tuple<`${A}`>, ...Tuple<`${B}`>]> : number;
/** A - B, or `number` when that is below 1 */
export type Minus<A extends number, B extends number> =
  Both<A, B> extends true
    ? Tuple<`${A}`> extends [...Tuple<`${B}`>, ...infer Rest extends [1, ...1[]]]
      ? Count<Rest>
      : number
    : number;
/** The larger width; equal types short cut. */
export type Max<A extends number, B extends number> = [A, B] extends [B, A]
  ? A
  : Both<A, B> extends true
    ? Tuple<`${A}`> extends [...Tuple<`${B}`>, ...1[]]
      ? A
      : B
    : number;
export type MaxPlus1<A extends number, B extends number> = Plus<Max<A, B>, 1>;
/** Bits from hi down to lo. */
export type SliceWidth<Hi extends number, Lo extends number> = Minus<Plus<Hi, 1>, Lo>;
export type RoundWidth<W extends number, N extends number> = number extends N
  ? number
  : N extends 0
    ? W
    : Plus<Minus<W, N>, 1>;
/** `unknown` when B bits fit W bits or that is not known yet, else a sentence for the error of `tsc`. */
export type AtMost<B extends number, W extends number> =
  Both<B, W> extends true
    ? Max<B, W> extends W
      ? unknown
      : `the value has ${B} bits, the target ${W}`
    : unknown;

// ── Descriptors ─────────────────────────────────────────────────────────────

/** Type of a signal: kind and width, with the reset value that `init` attaches. */
export class Ty<K extends Kind = Kind, W extends number = number> {
  constructor(
    readonly kind: K,
    readonly width: W,
    readonly reset?: bigint,
  ) {
    if (!Number.isInteger(width) || width < 1)
      fail(`a width is a whole number of bits, at least 1; this one is ${width}`);
  }

  /** The same type with a reset value, for `regs` and `regOf`. */
  init(value: Lit): Ty<K, W> {
    if (!fits(this, BigInt(value))) fail(`reset value ${value} does not fit ${this}`);
    return new Ty(this.kind, this.width, BigInt(value));
  }

  toString(): string {
    return this.kind === "u" && this.width === 1 ? "bool" : `${this.kind}int(${this.width})`;
  }
}

export const uint = <const W extends number>(width: W): Ty<"u", W> => new Ty("u", width);
export const sint = <const W extends number>(width: W): Ty<"s", W> => new Ty("s", width);
export const bool: Ty<"u", 1> = new Ty("u", 1);

/** `length` signals of one shape; a JS array in the body of a module. */
export class Vec<S extends Shape = Shape> {
  constructor(
    readonly element: S,
    readonly length: number,
  ) {
    if (!Number.isInteger(length) || length < 0)
      fail(`a vec has a whole number of elements; this one has ${length}`);
  }
}
export const vec = <S extends Shape>(element: S, length: number): Vec<S> => new Vec(element, length);

/** A payload with `valid` and, in the other direction, `ready`. */
export class StreamShape<S extends Shape = Shape> {
  constructor(readonly payload: S) {}
}
export const stream = <S extends Shape>(payload: S): StreamShape<S> => new StreamShape(payload);

export interface RecordShape {
  readonly [field: string]: Shape;
}
export type Shape = Ty | Vec | StreamShape | RecordShape;
/** The ports of one direction of a module. */
export type Ports = RecordShape;

// ── Values of a type ────────────────────────────────────────────────────────

export const minOf = (ty: Ty): bigint => (ty.kind === "s" ? -(1n << BigInt(ty.width - 1)) : 0n);
export const maxOf = (ty: Ty): bigint => (1n << BigInt(ty.kind === "s" ? ty.width - 1 : ty.width)) - 1n;
export const fits = (ty: Ty, value: bigint): boolean => minOf(ty) <= value && value <= maxOf(ty);
/** The bits of a value, as an unsigned integer. */
export const bitsOf = (value: bigint, width: number): bigint => BigInt.asUintN(width, value);

/** Bits that hold every integer from lo to hi. */
export function widthOfRange(kind: Kind, lo: bigint, hi: bigint): number {
  const magnitude = (n: bigint): number => (n === 0n ? 0 : n.toString(2).length);
  if (kind === "u") return Math.max(1, magnitude(hi));
  return 1 + Math.max(magnitude(hi < 0n ? -hi - 1n : hi), magnitude(lo < 0n ? -lo - 1n : lo));
}

/** Bits of an index into `n` things (at least 1). */
export const indexWidth = (n: number): number => Math.max(1, Math.ceil(Math.log2(n)));
