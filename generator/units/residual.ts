/** Residual stream: read, add, saturate, write; and on the way y, its magnitude and the sum of squares. Contract section 2. */
import {
  bool,
  cat,
  defineModule,
  delay,
  delayValid,
  Mem,
  mux,
  reg,
  select,
  type Sig,
  sint,
  uint,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { tokWidth } from "./memories.js";
import { SQUARES_BITS } from "./scaler.js";

/** Cycles from a result to its y. */
export const RESIDUAL_LATENCY = 6;
type S = Sig<"s", number>;
type U = Sig<"u", number>;

export const residual = (c: AcceleratorConfig) =>
  defineModule(
    "residual",
    {
      in: {
        d: { valid: bool, value: sint(32), row: uint(16), tok: uint(tokWidth(c)), embed: bool },
        gain: sint(16), // gain RAM at the element's row, one cycle later
        squaresTok: uint(tokWidth(c)),
      },
      out: {
        y: sint(32), // RESIDUAL_LATENCY cycles after d
        squares: uint(SQUARES_BITS), // SS of token `squaresTok`
        saturated: bool,
        trace: { residual: { valid: bool, value: sint(32), tok: uint(4), row: uint(16) } },
      },
      doc: "Residual stream (contract section 2): x += d; y = x·g; sum of squares per token.",
    },
    ({ d, gain, squaresTok }) => {
      const perToken = log2(c.residualElements / c.tokens);
      const at = d.row.resize(perToken) as U;
      const address = c.tokens === 1 ? at : cat(d.tok, at);
      const x = new Mem("x", sint(32), c.residualElements, { readDuringWrite: "old", style: "block" });
      // 1: old x; 2: new x; 3: x·g and z; 4: y and z²; 5: sums; 6
      const old = x.read(address) as S;
      const valid = [
        d.valid as Sig<"u", 1>,
        ...Array.from({ length: RESIDUAL_LATENCY }, (_, i) => delayValid(d.valid, i + 1, "valid")),
      ];
      const value1 = delay(d.value, 1, "d") as S;
      const embed1 = delay(d.embed, 1, "embed");
      const sum = old.add(value1).as("sum") as S;
      const clipped = sum.sat(32);
      const fresh = mux(embed1, value1, clipped).as("x_new") as S;
      const address1 = delay(address, 1, "address");
      x.write(valid[1]!, address1, fresh as Sig<"s", 32>);
      const fresh2 = delay(fresh, 1, "x_q") as S;
      const product = delay(fresh2.mul(delay(gain, 1, "gain_q") as S), 1, "x_gain") as S;
      const shifted = fresh2.shr(12) as S;
      const z = delay(shifted.sat(18), 1, "z") as S;
      const rounded = product.roundShr(15).as("y_rounded") as S;
      const y = rounded.sat(32);
      const square = delay(z.mul(z).asUnsigned(), 1, "z_squared") as U;
      const y4 = delay(y, 1, "y") as S;
      // Sum per token; its first row starts afresh.
      const first4 = delay(d.row.eq(0), 4, "first");
      const tok4 = delay(d.tok, 4, "tok");
      const sums = Array.from({ length: c.tokens }, (_, t) => {
        const ss = reg(`squares_${t}`, uint(SQUARES_BITS));
        when(valid[4]!.and(tok4.eq(t)), () => ss.set(mux(first4, 0, ss).addMod(square)));
        return ss as U;
      });
      const saturated = reg("saturated_q", bool, { reset: 0 });
      when(valid[1]!.and(embed1.not()).and(sum.ne(clipped)), () => saturated.set(1));
      when(valid[2]!.and(shifted.ne(shifted.sat(18))), () => saturated.set(1));
      when(valid[3]!.and(rounded.ne(y)), () => saturated.set(1));
      return {
        y: delay(y4, RESIDUAL_LATENCY - 4, "y"),
        squares: sums.length === 1 ? sums[0]! : select(squaresTok, sums),
        saturated,
        trace: {
          residual: {
            valid: valid[2]!,
            value: fresh2,
            tok: delay(d.tok, 2, "tok").resize(4),
            row: delay(d.row, 2, "row"),
          },
        },
      } as never;
    },
  );
