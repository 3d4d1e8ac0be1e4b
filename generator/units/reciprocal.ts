/** Normalisation, reciprocal and magnitude: the parts of contract sections 0 and 1 that more than one unit needs. */
import { RECIP } from "../../golden/contract/tables.js";
import { cat, lit, mux, select, uint } from "../hdl/index.js";
import type { Bits, Bool, Int } from "./signals.js";

/** Position of the highest 1 of `v` plus one, 0 for 0: bitlen of the contract. */
export const bitLength = (v: Bits): Bits => {
  const width = Math.ceil(Math.log2(v.width + 1));
  // Halving: is there a 1 in the upper half? Then its index counts, else that of the lower half.
  const find = (bits: Bits): { any: Bool; index: Bits | null } => {
    if (bits.width === 1) return { any: bits.bit(0), index: null };
    const half = 2 ** (Math.ceil(Math.log2(bits.width)) - 1);
    const low = find(bits.slice(half - 1, 0));
    const high = find(bits.slice(bits.width - 1, half));
    const lowIndex = low.index;
    const highIndex = high.index;
    const any = low.any.or(high.any);
    if (lowIndex === null) return { any, index: high.any };
    const upper = highIndex === null ? lit(uint(lowIndex.width), 0) : highIndex.extend(lowIndex.width);
    return { any, index: cat(high.any, mux(high.any, upper, lowIndex)) };
  };
  const { any, index } = find(v);
  return mux(any, (index ?? lit(uint(1), 0)).extend(width).addMod(1), 0);
};

/** |v| without overflow: the magnitude of an n-bit signed value in n bits. */
export const magnitude = (v: Int): Bits => {
  const bits = v.asUnsigned();
  return mux(v.isNeg(), bits.not().addMod(1), bits);
};

/** Top 16 bits of v > 0, its highest 1 at bit 15: the mantissa of norm16. `length` = bitLength(v). */
export const mantissa16 = (v: Bits, length: Bits): Bits => {
  // Shift left so that the highest 1 reaches the top, then take 16 bits: one direction of shifting only.
  const width = Math.max(v.width, 16);
  const left = lit(uint(length.width), v.width).subMod(length);
  return v
    .dshl(left)
    .extend(width)
    .slice(v.width - 1, Math.max(0, v.width - 16));
};

/** First guess of the reciprocal: RECIP[(m >> 8) & 127]. */
export const reciprocalGuess = (m: Bits): Bits =>
  select(
    m.slice(14, 8),
    RECIP.map((r) => lit(uint(16), r)),
  );
/** r0·((2^32 - m·r0) >> 15) >> 16 from t = m·r0, clamped to [2^15, 2^16 - 1]. */
export const refineReciprocal = (r0: Bits, t: Bits): Bits => {
  const d = lit(uint(33), 2n ** 32n)
    .subMod(t.extend(33))
    .slice(32, 15);
  const r = r0.mul(d).shr(16);
  return r.clamp(32768, 65535).resize(16);
};
