/** Scale byte of a K or V vector from its largest magnitude, and the code of one value. Contract section 5. */
import { CACHE_SCALE, INV16 } from "../../golden/contract/tables.js";
import { lit, mux, reg, select, uint, when, bool } from "../hdl/index.js";
import { bitLength } from "./reciprocal.js";
import type { Bits, Bool, Int } from "./signals.js";
import { VALUE_BITS } from "./widths.js";

/** A scale byte: 16·x + f, meaning (16 + f)·2^(x - 2). */
export const SCALE_X_BITS = 4;
export const SCALE_F_BITS = 4;
const MOST_X = 15;
const MOST_F = 15;
export const INVERSE_BITS = 13;
/** Code = clamp(rshr(k·INV16[f], 14 + x), -7, 7). */
const CODE_SHIFT = 14;
const MOST_CODE = 7;
export const CODE_BITS = 4;
export const PRODUCT_BITS = VALUE_BITS + INVERSE_BITS + 1;

/** t = (M·37450 + 65535) >> 16 of a 24-bit magnitude. */
export const scaleOf = (magnitude: Bits): Bits =>
  magnitude
    .mul(lit(uint(16), CACHE_SCALE))
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

/** clamp(rshr(product, 14 + x), -7, 7) of product = value·INV16[f]. */
export const cacheCode = (product: Int, x: Bits): Int => {
  // rshr by 14 + x: half is 2^(13 + x)
  const half = lit(uint(CODE_SHIFT + 2 ** SCALE_X_BITS), 1 << (CODE_SHIFT - 1))
    .dshl(x)
    .toSigned();
  return product.add(half).shr(CODE_SHIFT).dshr(x).clamp(-MOST_CODE, MOST_CODE).resize(CODE_BITS);
};

/** The scale of the vector at hand: t, then its byte, then the inverse, a step in each of three states. */
export const scaleSteps = (peak: Bits) => {
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
    scale: (): void => t.set(scaleOf(peak).resize(VALUE_BITS)),
    byte: (): void => {
      x.set(byte.x);
      f.set(byte.f);
      when(byte.saturated, () => saturated.set(1));
    },
    invert: (): void => inverse.set(inverse16(f)),
  };
};
