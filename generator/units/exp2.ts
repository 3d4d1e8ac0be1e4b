/** exp2 of contract section 6. */
import { EXP2 } from "../../golden/contract/tables.js";
import { delay, lit, mux, select, uint } from "../hdl/index.js";
import type { Bits } from "./signals.js";

/** 16 fraction bits; 1 is included. */
const FRACTION = 16;
const RESULT_BITS = FRACTION + 1;
/** Of d, 10 fraction bits: 6 bits of table index and 4 of interpolation. */
const INTERPOLATION_BITS = 4;
const INTERVALS = 64;
const INTEGER_AT = 10;
/** Further than this, the result is 0. */
const FAR = 17;
const SHIFT_BITS = 5;

/** 2^-(d/1024) in 2^-16 of d >= 0, 0..65536; two registers. Contract section 6, exp2. */
export const exp2 = (name: string, d: Bits): Bits => {
  const index = d.slice(INTEGER_AT - 1, INTERPOLATION_BITS);
  const table = (first: number): Bits[] =>
    EXP2.slice(first, first + INTERVALS).map((v) => lit(uint(RESULT_BITS), v));
  const here = select(index, table(0)).as(`${name}_here`);
  const next = select(index, table(1)).as(`${name}_next`);
  const fall = here
    .subMod(next)
    .mul(d.slice(INTERPOLATION_BITS - 1, 0))
    .add(lit(uint(INTERPOLATION_BITS), 1 << (INTERPOLATION_BITS - 1)))
    .shr(INTERPOLATION_BITS)
    .as(`${name}_fall`);
  const value = delay(here.subMod(fall.resize(RESULT_BITS)), 1, `${name}_value`);
  const shift = delay(d.shr(INTEGER_AT), 1, `${name}_shift`);
  const far = shift.gt(FAR).as(`${name}_far`);
  const by = shift.resize(SHIFT_BITS);
  // rshr: half of the last place, then shift; a shift of 0 has no half
  const half = lit(uint(FAR + 1), 1)
    .dshl(by)
    .shr(1);
  const rounded = value.add(half).dshr(by).as(`${name}_rounded`);
  return delay(mux(far, 0, rounded.resize(RESULT_BITS)), 1, name);
};
