/** ACC, its shifter into Q, and R with its saturation. Field semantics: README.md of the room, `ac`, `q`, `r`. */
import {
  allOf,
  anyOf,
  bool,
  cat,
  defineModule,
  lit,
  mux,
  reg,
  replicate,
  select,
  sint,
  uint,
  when,
} from "../../hdl/index.js";
import { ACC_BITS } from "../machine.js";
import { type Bits, type Bool, field, has, numberOf, range } from "./fields.js";
import { PROD_BITS } from "./multiplier.js";

/** ACC <- from the product. |PROD| is added by subtracting PROD where MX is negative. */
export const accumulator = defineModule(
  "accumulator",
  {
    in: { ac: field("ac"), prod: sint(PROD_BITS), negative: bool },
    out: { acc: sint(ACC_BITS) },
    doc: "Accumulator of 52 bits: adds or subtracts the product, its magnitude, or either times 2^16.",
  },
  ({ ac, prod, negative }) => {
    const acc = reg("acc", sint(ACC_BITS));
    const upper = has("ac", ac, "=hi", "+hi", "-hi", "+abshi").as("upper");
    const magnitude = has("ac", ac, "+abs", "+abshi");
    const minus = has("ac", ac, "-", "-hi").or(magnitude.and(negative)).as("minus");
    const load = has("ac", ac, "=", "=hi").as("load");
    const addend = mux(upper, prod.shl(16).wrap(ACC_BITS), prod.extend(ACC_BITS)).asUnsigned();
    const kept = acc.asUnsigned().and(replicate(load.not(), ACC_BITS));
    // One adder: the bit below carries the 1 of the two's complement in.
    const sum = cat(kept, lit(bool, 1)).addMod(cat(addend.xor(replicate(minus, ACC_BITS)), minus));
    when(has("ac", ac, "none").not(), () => acc.set(sum.slice(ACC_BITS, 1).asSigned()));
    return { acc };
  },
);

/** Q <- ACC >> amount, and the bit shifted out last. */
export const shifter = defineModule(
  "shifter",
  {
    in: { q: field("q"), acc: sint(ACC_BITS), sh: uint(6), imm: uint(6) },
    out: { shifted: sint(ACC_BITS), rounding: bool },
    doc: "Shifter: ACC to the right by SH or a constant, with the rounding bit below.",
  },
  ({ q: code, acc, sh, imm }) => {
    const q = reg("q_q", sint(ACC_BITS));
    const rounding = reg("rounding_q", bool);
    const amount = mux(has("q", code, "floorImm", "roundImm"), imm, sh).as("amount");
    const shift = acc.shl(1).dshr(amount).as("shift");
    when(has("q", code, "none").not(), () => {
      q.set(shift.slice(ACC_BITS, 1).asSigned());
      rounding.set(shift.bit(0).and(has("q", code, "roundSh", "roundImm")));
    });
    return { shifted: q, rounding };
  },
);

/** Index of the highest set bit: the highest group of four with one, and its place there; 0 where none is. */
const highest = (x: Bits): Bits => {
  const groups = range(Math.ceil(x.width / 4)).map((g) => {
    const four = x.slice(Math.min(4 * g + 3, x.width - 1), 4 * g).extend(4);
    const place = [four.bit(3).or(four.bit(2).not().and(four.bit(1))), four.bit(3).or(four.bit(2))];
    return { any: four.orR(), place };
  });
  const leads = groups.map(({ any }, g) => {
    const above = groups.slice(g + 1).map((other) => other.any);
    return above.length === 0 ? any : any.and(anyOf(above).not());
  });
  const within = [0, 1].map((k) => anyOf(groups.map(({ place }, g) => leads[g]!.and(place[k]!))));
  const group = range(4).map((k) => anyOf(leads.filter((_, g) => ((g >> k) & 1) === 1)));
  return cat(...[...within, ...group].reverse());
};
/** Bits of an unsigned value of up to 63: the index of its highest bit with a 1 below it. */
const bitLength = (x: Bits): Bits => highest(cat(x, lit(bool, 1)));

const WIDTHS = { sat32: 32, sat24: 24, sat18: 18, clamp127: 8, clamp7: 4 } as const;
const CUTS = Object.keys(WIDTHS) as (keyof typeof WIDTHS)[];

/** For each cut, whether what holds for a row of bits holds for all from its width up. */
const prefixes = (holds: (hi: number, lo: number) => Bool): Bool[] => {
  const parts = CUTS.map((cut, i) => holds((i === 0 ? ACC_BITS : WIDTHS[CUTS[i - 1]!]) - 1, WIDTHS[cut]));
  return parts.map((_, i) => allOf(parts.slice(0, i + 1)));
};

/** R <- Q rounded and cut to a width, or a value from elsewhere; V: the cut has changed it. */
export const resultRegister = defineModule(
  "result_register",
  {
    in: {
      r: field("r"),
      q: sint(ACC_BITS),
      rounding: bool,
      acc: sint(ACC_BITS),
      token: uint(16),
      position: uint(10),
      best: uint(16),
      vd: uint(32),
    },
    out: { result: uint(32), overflow: bool, saturates: bool },
    doc: "R: Q rounded and saturated, bit length of ACC, token, position the index of the maximum, VD or ACC.",
  },
  ({ r: code, q, rounding, acc, token, position, best, vd }) => {
    const r = reg("r_q", uint(32));
    const overflow = reg("overflow_q", bool);
    const low = q.wrap(32).asUnsigned().addMod(rounding).as("rounded");
    const sign = q.isNeg();
    const cuts = CUTS.map((cut) => has("r", code, cut));
    const clamps = cuts[3]!.or(cuts[4]!).as("clamps");
    // What leaves the width is told from Q, without waiting for the carry: with bit b = w - 1 and a carry into it, the bits above must
    // all be 1 where b or the carry is 1, and all 0 where none is. The sign of what leaves it is that of Q.
    const zeros = prefixes((hi, lo) => q.slice(hi, lo).orR().not());
    const ones = prefixes((hi, lo) => q.slice(hi, lo).andR());
    const over = anyOf(
      CUTS.map((cut, i) => {
        const b = q.bit(WIDTHS[cut] - 1);
        const below = q.slice(WIDTHS[cut] - 2, 0);
        const carry = below.andR().and(rounding).as(`carry_${cut}`);
        const outside = mux(b.or(carry), ones[i]!, zeros[i]!).not();
        if (i < 3) return cuts[i]!.and(outside);
        // -128 and -8 are in the width, yet not in the range.
        const lowest = mux(b, below.orR().or(rounding).not(), carry);
        return cuts[i]!.and(outside.or(lowest));
      }),
    ).as("over");
    // At the end of the range: the sign from its bit on, its opposite below; bit 0 of a clamped value is 1.
    const extreme = (bit: number): Bool => {
      if (bit === 0) return sign.not().or(clamps);
      const inside = CUTS.map((cut, i) => (bit < WIDTHS[cut] - 1 ? cuts[i]! : lit(bool, 0)));
      return sign.xor(anyOf(inside));
    };
    const end = cat(...range(32).map(extreme).reverse());
    const other = select(
      code,
      [
        [numberOf("r", "bitlen"), bitLength(acc.slice(47, 0)).extend(32)],
        [numberOf("r", "token"), token.extend(32)],
        [numberOf("r", "position"), position.extend(32)],
        [numberOf("r", "best"), best.extend(32)],
        [numberOf("r", "acc"), acc.wrap(32).asUnsigned()],
      ],
      vd,
    );
    const elsewhere = has("r", code, "bitlen", "token", "position", "best", "vd", "acc").as("elsewhere");
    const writes = has("r", code, "none").not();
    when(writes, () => {
      // Nothing from elsewhere is over; what is known last chooses last.
      r.set(mux(over, end, mux(elsewhere, other, low)));
      when(elsewhere.not(), () => overflow.set(over));
    });
    const saturates = over.and(has("r", code, "sat32", "sat24"));
    return { result: r, overflow, saturates };
  },
);
