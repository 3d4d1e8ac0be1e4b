/** Scale byte of a K or V vector from its largest magnitude, and the code of one value. Contract section 5. */
import { CACHE_CODE, INV16 } from "../../golden/contract/tables.js";
import { lit, mux, reg, select, uint, when, bool } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { bitLength } from "./reciprocal.js";
import type { Bits, Bool, Int } from "./signals.js";
import { VALUE_BITS } from "./widths.js";

/** A scale byte: 16·x + f, meaning (16 + f)·2^(x - 2). */
export const SCALE_X_BITS = 4;
export const SCALE_F_BITS = 4;
const MOST_X = 15;
const MOST_F = 15;
export const INVERSE_BITS = 13;
/** Code = clamp(rshr(k·INV16[f], 14 + x), -L, L). */
const CODE_SHIFT = 14;
/** Largest code of a trace record, whatever the cache's width. */
export const TRACE_CODE_BITS = 8;
export const PRODUCT_BITS = VALUE_BITS + INVERSE_BITS + 1;
const DIGIT_BITS = 4;

/** Width of a head's codes, as flags that are there where the cache has the width. */
export interface CodeWidth {
  readonly eight: readonly Bool[];
  readonly three: readonly Bool[];
}
/** L and D of contract section 5. */
interface CodeRange {
  readonly largest: number;
  readonly scale: number;
}
const byWidth = <T extends Bits | Int>({ eight, three }: CodeWidth, of: (range: CodeRange) => T): T => {
  let value = of(CACHE_CODE[4]);
  for (const is of eight) value = mux(is, of(CACHE_CODE[8]), value) as T;
  for (const is of three) value = mux(is, of(CACHE_CODE[3]), value) as T;
  return value;
};
export const codeBits = ({ features }: AcceleratorConfig): number => (features.cache8 ? 8 : DIGIT_BITS);

/** t = (M·D + 65535) >> 16 of a 24-bit magnitude. */
export const scaleOf = (magnitude: Bits, width: CodeWidth): Bits =>
  magnitude
    .mul(byWidth<Bits>(width, ({ scale }) => lit(uint(width.three.length > 0 ? 17 : 16), scale)))
    .add(lit(uint(16), 2 ** 16 - 1))
    .shr(16);

/** (x, f) of t: x = max(0, bitlen(t) - 5), f = ceil(t / 2^x) - 16, carried into x when it reaches 16; saturated at x = 15. */
export const scaleByte = (t: Bits): { x: Bits; f: Bits; saturated: Bool } => {
  const length = bitLength(t).as("t_length");
  const x0 = mux(length.gt(5), length.subMod(5), 0)
    .resize(SCALE_X_BITS + 1)
    .as("x0");
  const one = lit(uint(t.width + 1), 1);
  const ceiling = t
    .extend(t.width + 1)
    .add(one.dshl(x0).subMod(1))
    .dshr(x0)
    .as("t_ceiling");
  const low = ceiling.lt(16).as("low");
  const f0 = mux(low, 16, ceiling)
    .resize(SCALE_F_BITS + 2)
    .subMod(16)
    .as("f0"); // 0..16
  const carry = f0.bit(SCALE_F_BITS);
  const x1 = x0.add(mux(carry, lit(uint(1), 1), 0)).as("x1");
  const saturated = x1.gt(MOST_X).as("scale_saturated");
  return {
    x: mux(saturated, MOST_X, x1.resize(SCALE_X_BITS)),
    f: mux(saturated, MOST_F, mux(carry, 0, f0.resize(SCALE_F_BITS))),
    saturated,
  };
};

export const inverse16 = (f: Bits): Bits =>
  select(
    f,
    INV16.map((v) => lit(uint(INVERSE_BITS), v)),
  );

/** clamp(rshr(product, 14 + x), -L, L) of product = value·INV16[f]. */
export const cacheCode = (c: AcceleratorConfig, product: Int, x: Bits, width: CodeWidth): Int => {
  // rshr by 14 + x: half is 2^(13 + x)
  const half = lit(uint(CODE_SHIFT + 2 ** SCALE_X_BITS), 1 << (CODE_SHIFT - 1))
    .dshl(x)
    .toSigned();
  const rounded = product.add(half).shr(CODE_SHIFT).dshr(x);
  return byWidth<Int>(width, ({ largest }) => rounded.clamp(-largest, largest).resize(codeBits(c)));
};

/** Digits of a code as they are stored, digit + 8: the low one, and the high one where there are 8 bits. */
export const digitsOf = (code: Int): { readonly low: Bits; readonly high: Bits | undefined } => {
  const digit = (low: number): Bits => code.asUnsigned().slice(low + DIGIT_BITS - 1, low);
  const flip = 1 << (DIGIT_BITS - 1);
  const low = digit(0).xor(flip);
  if (code.width === DIGIT_BITS) return { low, high: undefined };
  // code = 16·h + l with l in -8..7: h is one more where the low half counts as negative
  return {
    low,
    high: digit(DIGIT_BITS)
      .addMod(code.bit(DIGIT_BITS - 1))
      .xor(flip),
  };
};

/** The scale of the vector at hand: t, then its byte, then the inverse, a step in each of three states. */
export const scaleSteps = (peak: Bits, width: CodeWidth) => {
  const t = reg("t", uint(VALUE_BITS));
  const x = reg("scale_x", uint(SCALE_X_BITS));
  const f = reg("scale_f", uint(SCALE_F_BITS));
  const inverse = reg("inverse", uint(INVERSE_BITS));
  const saturated = reg("saturated_q", bool, { reset: 0 });
  const byte = scaleByte(t);
  return {
    x,
    f,
    inverse,
    saturated,
    scale: (): void => t.set(scaleOf(peak, width).resize(VALUE_BITS)),
    byte: (): void => {
      x.set(byte.x);
      f.set(byte.f);
      when(byte.saturated, () => saturated.set(1));
    },
    invert: (): void => inverse.set(inverse16(f)),
  };
};
