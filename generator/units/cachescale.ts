/** Scale byte of a K or V vector from its largest magnitude, and the code of one value. Contract section 5. */
import { CACHE_SCALE, INV16 } from "../../golden/contract/tables.js";
import { lit, mux, select, type Sig, uint } from "../hdl/index.js";
import { bitLength } from "./reciprocal.js";

type U = Sig<"u", number>;
type S = Sig<"s", number>;

/** t = (M·37450 + 65535) >> 16 of a 24-bit magnitude. */
export const scaleOf = (magnitude: U): U =>
  magnitude
    .mul(lit(uint(16), CACHE_SCALE))
    .add(lit(uint(16), 65535))
    .shr(16) as U;

/** (x, f) of t: x = max(0, bitlen(t) - 5), f = ceil(t / 2^x) - 16, carried into x when it reaches 16; saturated at x = 15. */
export const scaleByte = (t: U): { x: U; f: U; saturated: Sig<"u", 1> } => {
  const length = bitLength(t).as("t_length") as U;
  const x0 = mux(length.gt(5), length.subMod(5), 0).resize(5).as("x0") as U;
  const ceiling = t
    .extend(t.width + 1)
    .add(
      lit(uint(t.width + 1), 1)
        .dshl(x0)
        .subMod(1),
    )
    .dshr(x0)
    .as("t_ceiling") as U;
  const low = ceiling.lt(16).as("low") as Sig<"u", 1>;
  const f0 = mux(low, 16, ceiling).resize(6).subMod(16).as("f0") as U; // 0..16
  const carry = f0.bit(4);
  const x1 = x0.add(mux(carry, lit(uint(1), 1), 0)).as("x1") as U;
  const saturated = x1.gt(15).as("scale_saturated") as Sig<"u", 1>;
  return {
    x: mux(saturated, 15, x1.resize(4)).resize(4) as U,
    f: mux(saturated, 15, mux(carry, 0, f0.resize(4))).resize(4) as U,
    saturated,
  };
};

export const inverse16 = (f: U): U =>
  select(
    f,
    INV16.map((v) => lit(uint(13), v)),
  );

/** clamp(rshr(product, 14 + x), -7, 7) of product = value·INV16[f]. */
export const cacheCode = (product: S, x: U): S => {
  // rshr by 14 + x: half is 2^(13 + x)
  const half = lit(uint(30), 1 << 13)
    .dshl(x)
    .toSigned();
  return product.add(half).shr(14).dshr(x).clamp(-7, 7).resize(4) as S;
};
