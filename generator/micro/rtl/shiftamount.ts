/** SH and TE: the shift amount, from R or from an exponent of the stream. Field semantics: README.md of the room, `sh`. */
import { bool, cat, defineModule, lit, mux, reg, sint, uint, when } from "../../hdl/index.js";
import { TE_BITS } from "../machine.js";
import { field, has } from "./fields.js";

export const shiftAmount = defineModule(
  "shift_amount",
  {
    in: { sh: field("sh"), r: uint(32), octet: uint(8) },
    out: { amount: uint(6), saturates: bool },
    doc: "Shift amount 0..63 and the exponent subtracted from those of the stream.",
  },
  ({ sh: code, r, octet }) => {
    const sh = reg("sh_q", uint(6));
    const te = reg("te_q", sint(TE_BITS));
    // 15 - x of 4 bits is their complement.
    const exponent = mux(has("sh", code, "scale"), octet.slice(7, 4).not().extend(8), octet);
    const difference = exponent.toSigned().sub(te).as("difference");
    const amount = mux(has("sh", code, "r"), r.asSigned(), difference.extend(32)).as("wanted");
    const negative = amount.isNeg();
    const above = amount.slice(30, 6).orR();
    const low = amount.slice(5, 0);
    const writes = has("sh", code, "r", "byte", "scale");
    when(writes, () => sh.set(mux(negative, lit(uint(6), 0), mux(above, lit(uint(6), 63), low))));
    when(has("sh", code, "te"), () => te.set(cat(r.slice(TE_BITS - 1, 0)).asSigned()));
    return { amount: sh, saturates: writes.and(negative) };
  },
);
