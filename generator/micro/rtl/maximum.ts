/** |R| and the running maximum M with its index. Field semantics: README.md of the room, `max`. */
import { cat, defineModule, mux, reg, replicate, uint, when } from "../../hdl/index.js";
import { field, has } from "./fields.js";

export const maximum = defineModule(
  "maximum",
  {
    in: { max: field("max"), r: uint(32) },
    out: { a: uint(32), m: uint(32), best: uint(16) },
    doc: "Running maximum of |R| or of R, and the index of the first largest R.",
  },
  ({ max, r }) => {
    const m = reg("m_q", uint(32));
    const index = reg("index_q", uint(16));
    const best = reg("best_q", uint(16));
    const sign = r.bit(31);
    const a = r.xor(replicate(sign, 32)).addMod(sign).as("magnitude");
    const key = mux(has("max", max, "abs"), a, cat(sign.not(), r.slice(30, 0))).as("key");
    // As a subtraction it is one carry chain behind that of the magnitude; Yosys maps `<` to a tree.
    const greater = m.sub(key).isNeg().as("greater");
    const clear = has("max", max, "clear");
    const argmax = has("max", max, "argmax");
    when(has("max", max, "abs", "signed", "argmax").and(greater), () => m.set(key));
    when(argmax, () => index.set(index.addMod(1)));
    when(argmax.and(greater), () => best.set(index));
    when(clear, () => {
      m.set(0);
      index.set(0);
    });
    return { a, m, best };
  },
);
