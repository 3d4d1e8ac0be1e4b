/** Eight MAC lanes in four SB_MAC16, two a slice. Field semantics: README.md of the room, `lane`. */
import { bool, cat, defineModule, lit, mux, reg, replicate, uint, vec } from "../../hdl/index.js";
import { LANES } from "../machine.js";
import { type Bits, field, has, range } from "./fields.js";
import { MAC16_TIED, macPair } from "./mac16.js";

export const lanes = defineModule(
  "lanes",
  {
    in: { lane: field("lane"), half: uint(16), quad: uint(32), ad: uint(8) },
    out: { lanes: vec(uint(16), LANES) },
    doc: "MAC lanes: eight weights of 2 or 4 bits times one activation, into 16-bit accumulators.",
  },
  ({ lane, half, quad, ad }) => {
    const four = has("lane", lane, "w4").as("four");
    const clear = has("lane", lane, "clear").as("clear");
    const accumulates = reg("accumulates", bool);
    accumulates.set(has("lane", lane, "w2", "w4"));
    const weight = (l: number): Bits => {
      // 2c - 3 of a code c: its lower bit doubled, plus 1, less 4 where the upper bit is 0.
      const code = half.slice(2 * l + 1, 2 * l);
      const two = cat(replicate(code.bit(1).not(), 2), code.bit(0), lit(bool, 1));
      return mux(four, quad.slice(4 * l + 3, 4 * l), two)
        .asSigned()
        .extend(8)
        .asUnsigned();
    };
    const holds = accumulates.or(clear).not().as("holds");
    const pairs = range(LANES / 2).map((i) =>
      macPair.inst(`u_pair_${i}`, {
        ...MAC16_TIED,
        A: cat(weight(2 * i + 1), weight(2 * i)),
        B: cat(ad, ad),
        C: 0,
        D: 0,
        AHOLD: 0,
        BHOLD: 0,
        OHOLDTOP: holds,
        OHOLDBOT: holds,
        OLOADTOP: clear,
        OLOADBOT: clear,
      }),
    );
    return { lanes: pairs.flatMap(({ O }) => [O.slice(15, 0), O.slice(31, 16)]) };
  },
);
