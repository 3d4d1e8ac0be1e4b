/** The gated activation of the feed-forward: contract section 7. */
import {
  add,
  and,
  divU,
  type Expr,
  extend,
  gt,
  i32,
  i64,
  load32,
  load32As64,
  lt,
  mul,
  select,
  shl,
  shr,
  store32,
  sub,
  wrap,
} from "../assembler/expression.js";
import type { Module } from "../assembler/module.js";
import { BLOCK, entry, record, word } from "./memory.js";
import type { Scales } from "./scale.js";

export const GATE = record(
  "gate", // int32 [tokens][length]
  "up",
  "h",
  "length",
  "squared", // 1: squared ReLU, else SiLU
);

export function gateFunctions(module: Module, scales: Scales) {
  /** 2^16·sigmoid of a gate with 12 fraction bits. */
  const sigmoid = module.func("sigmoid", ["i32"], "i32", (f, gate) => {
    const a = f.let(select(sub(i32(0), gate), gate, lt(gate, 0)));
    const s = f.let(i32(65536));
    f.if(lt(a, 65536), () => {
      const i = f.let(shr(a, 8));
      const low = f.let(entry("SIGMOID", i));
      const rise = mul(sub(entry("SIGMOID", i, 1), low), and(a, 255));
      f.set(s, add(low, shr(add(rise, 128), 8)));
    });
    return select(sub(i32(65536), s), s, lt(gate, 0));
  });

  /** The whole block is one run of elements, for every thread a part. */
  return module.func("gateStep", ["i32", "i32", "i32"], "void", (f, step, thread, threads) => {
    const elements = f.let(mul(word(BLOCK.tokens), load32(step, GATE.length)));
    const share = f.let(add(divU(elements, threads), 1));
    const from = f.let(mul(share, thread));
    const end = f.let(add(from, share));
    f.set(end, select(end, elements, lt(end, elements)));
    const gates = f.let(load32(step, GATE.gate));
    const ups = f.let(load32(step, GATE.up));
    const hs = f.let(load32(step, GATE.h));
    const squared = f.let(load32(step, GATE.squared));
    const value = f.local("i64");
    const up = (at: Expr<"i32">): Expr<"i64"> => load32As64(add(ups, at));
    f.for(from, end, 1, (i) => {
      const at = f.let(shl(i, 2));
      const gate = f.let(load32(add(gates, at)));
      f.if(
        squared,
        () => {
          f.set(value, extend(select(gate, i32(0), gt(gate, 0))));
          f.set(value, scales.round(mul(value, value), 16));
          f.set(value, select(i64(2 ** 30 - 1), value, gt(value, 2 ** 30 - 1)));
          f.set(value, scales.round(mul(value, up(at)), 18));
        },
        () => {
          f.set(value, scales.round(mul(extend(gate), extend(sigmoid(gate))), 16));
          f.set(value, scales.round(mul(value, up(at)), 8));
        },
      );
      scales.saturate(f, value, 32, "h");
      f.do(store32(add(hs, at), wrap(value)));
    });
  });
}
