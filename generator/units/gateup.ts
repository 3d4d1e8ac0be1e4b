/** SiLU of the gate times the up projection. Contract section 7. */
import { SIGMOID } from "../../golden/contract/tables.js";
import {
  bool,
  defineModule,
  delay,
  delayValid,
  lit,
  Mem,
  mux,
  reg,
  select,
  type Sig,
  sint,
  uint,
  when,
} from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { tokWidth } from "./memories.js";
import { magnitude } from "./reciprocal.js";

/** Cycles from an up element to its h. */
export const GATEUP_LATENCY = 7;
type U = Sig<"u", number>;
type S = Sig<"s", number>;

/** Takes gate (even) and up (odd) rows of a token in turn; h comes out GATEUP_LATENCY cycles after the up row. */
export const gateup = (c: AcceleratorConfig) =>
  defineModule(
    "gateup",
    {
      in: { x: { valid: bool, value: sint(24), odd: bool, tok: uint(tokWidth(c)) } },
      out: { valid: bool, value: sint(32), saturated: bool },
      doc: "SiLU(gate) times up (contract section 7).",
    },
    ({ x }) => {
      // 1: value; 2: table; 3: interpolated; 4: sigmoid; 5: gate·sigmoid; then held; 6: silu·up; 7: h
      const value = [
        x.value as S,
        ...Array.from({ length: 5 }, (_, i) => delay(x.value, i + 1, "value") as S),
      ];
      const size = magnitude(value[1]!).as("size") as U;
      const index = size.slice(15, 8) as U;
      const here = new Mem("sigmoid", uint(17), 256, {
        contents: SIGMOID.slice(0, 256),
        style: "block",
      }).read(index) as U;
      const next = new Mem("sigmoid_next", uint(17), 256, {
        contents: SIGMOID.slice(1, 257),
        style: "block",
      }).read(index) as U;
      const fraction = delay(size.slice(7, 0) as U, 1, "fraction");
      const beyond = delay(size.slice(23, 16).orR(), 1, "beyond");
      const rise = delay(next.sub(here).mul(fraction.toSigned()).roundShr(8), 1, "rise") as S;
      const base = delay(here, 1, "base") as U;
      const one = lit(uint(17), 65536);
      const positive = mux(
        delay(beyond, 1, "beyond3"),
        one,
        base.toSigned().add(rise).asUnsigned().wrap(17),
      ).as("positive") as U;
      const sigma = delay(mux(value[3]!.isNeg(), one.subMod(positive), positive), 1, "sigma") as U;
      const product = delay(value[4]!.mul(sigma.toSigned()), 1, "gate_sigma") as S;
      const silu = product.roundShr(16).wrap(24).as("silu") as S;
      const odd5 = delay(x.odd, 5, "odd");
      const tok5 = delay(x.tok, 5, "tok");
      const valid5 = delayValid(x.valid, 5, "valid");
      const held = Array.from({ length: c.tokens }, (_, t) => {
        const h = reg(`silu_${t}`, sint(24));
        when(valid5.and(odd5.not()).and(tok5.eq(t)), () => h.set(silu));
        return h as S;
      });
      const gate = held.length === 1 ? held[0]! : select(tok5, held);
      const scaled = delay(gate.mul(value[5]!), 1, "silu_up") as S;
      const rounded = scaled.roundShr(8).as("rounded") as S;
      const out = rounded.sat(32);
      const valid = delayValid(valid5.and(odd5), 2, "h_valid");
      return {
        valid,
        value: delay(out, 1, "h"),
        saturated: delay(rounded.ne(out), 1, "clipped").and(valid),
      } as never;
    },
  );
