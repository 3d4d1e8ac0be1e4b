/**
 * Fixed point by exact range: a value is sig·2^exp and lies in [lo, hi]·2^exp, so widths are the smallest that are right
 * (SpinalHDL's AFix tracks ranges the same way). Rounding and saturation are named.
 */
import { fail } from "../errors.js";
import { sint, widthOfRange } from "../types.js";
import { lit, mux, type Sig } from "./signal.js";

export type Rounding = "floor" | "half-up" | "half-even";
export interface Range {
  readonly lo: bigint;
  readonly hi: bigint;
}
type S = Sig<"s", number>;

const ranged = (sig: S, exp: number, { lo, hi }: Range): Fixed =>
  new Fixed(sig.resize(widthOfRange("s", lo, hi)) as S, exp, { lo, hi });
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

export class Fixed {
  /** `sig` has exactly the bits that `range` needs. */
  constructor(
    readonly sig: S,
    readonly exp: number,
    readonly range: Range,
  ) {}

  get width(): number {
    return this.sig.width;
  }
  /** The same value with a smaller exponent: zeros below. */
  private at(exp: number): Fixed {
    const shift = this.exp - exp;
    if (shift === 0) return this;
    const by = BigInt(shift);
    return ranged(this.sig.shl(shift) as S, exp, { lo: this.range.lo << by, hi: this.range.hi << by });
  }
  private combine(other: Fixed, f: (a: S, b: S) => S, range: (a: Range, b: Range) => Range): Fixed {
    const exp = Math.min(this.exp, other.exp);
    const [a, b] = [this.at(exp), other.at(exp)];
    return ranged(f(a.sig, b.sig), exp, range(a.range, b.range));
  }
  add(other: Fixed): Fixed {
    return this.combine(
      other,
      (a, b) => a.add(b) as S,
      (a, b) => ({ lo: a.lo + b.lo, hi: a.hi + b.hi }),
    );
  }
  sub(other: Fixed): Fixed {
    return this.combine(
      other,
      (a, b) => a.sub(b) as S,
      (a, b) => ({ lo: a.lo - b.hi, hi: a.hi - b.lo }),
    );
  }
  mul(other: Fixed): Fixed {
    const { lo: a, hi: b } = this.range;
    const { lo: c, hi: d } = other.range;
    const corners = [a * c, a * d, b * c, b * d];
    return ranged(this.sig.mul(other.sig) as S, this.exp + other.exp, {
      lo: corners.reduce(smaller),
      hi: corners.reduce(larger),
    });
  }
  neg(): Fixed {
    return ranged(this.sig.neg() as S, this.exp, { lo: -this.range.hi, hi: -this.range.lo });
  }
  /** To a larger exponent. half-even: to the even neighbour when exactly between two. */
  round(exp: number, mode: Rounding): Fixed {
    const n = exp - this.exp;
    if (n < 0)
      fail(`round(${exp}): the value has exponent ${this.exp} already; only a larger one drops bits`);
    if (n === 0) return this;
    const by = BigInt(n);
    const half = 1n << (by - 1n);
    const floor = (v: bigint): bigint => v >> by;
    switch (mode) {
      case "floor":
        return ranged(this.sig.extend(this.width + n).shr(n) as S, exp, {
          lo: floor(this.range.lo),
          hi: floor(this.range.hi),
        });
      case "half-up": {
        const wide = this.sig.extend(this.width + n) as S;
        const range = { lo: floor(this.range.lo + half), hi: floor(this.range.hi + half) };
        return ranged(wide.add(lit(sint(n + 1), half)).shr(n) as S, exp, range);
      }
      case "half-even": {
        // half up, then down again by one where it was a tie and the result is odd
        const wide = this.sig.extend(this.width + n) as S;
        const up = wide.add(lit(sint(n + 1), half)).shr(n) as S;
        const tie = wide.slice(n - 1, 0).eq(half);
        const even = mux(tie.and(up.bit(0)), up.subMod(1), up) as S;
        return ranged(even, exp, { lo: floor(this.range.lo + half) - 1n, hi: floor(this.range.hi + half) });
      }
    }
  }
  /** Values outside stop at the ends of the range, given in units of 2^exp. */
  sat({ lo, hi }: Range): Fixed {
    const range = { lo: larger(lo, this.range.lo), hi: smaller(hi, this.range.hi) };
    if (range.lo > range.hi)
      fail(`sat: no value of [${this.range.lo}, ${this.range.hi}] lies in [${lo}, ${hi}]`);
    return ranged(this.sig.clamp(range.lo, range.hi) as S, this.exp, range);
  }
}

/** A signed signal as sig·2^exp. The range is that of its width unless a smaller one is known. */
export const fixed = (sig: Sig<"s", number>, exp: number, range?: Range): Fixed => {
  const most = { lo: -(1n << BigInt(sig.width - 1)), hi: (1n << BigInt(sig.width - 1)) - 1n };
  const known = range ?? most;
  if (known.lo < most.lo || known.hi > most.hi || known.lo > known.hi)
    fail(`fixed: [${known.lo}, ${known.hi}] is no range of a signal of ${sig.width} bits`);
  return ranged(sig, exp, known);
};
