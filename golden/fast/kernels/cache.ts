/** The KV quantiser: one vector of int24 to codes of 3, 4 or 8 bits and a scale byte. Contract section 5. */
import {
  add,
  and,
  clz64,
  eq,
  extend,
  gt,
  i32,
  i64,
  int,
  load32As64,
  lt,
  mul,
  ne,
  or,
  select,
  shl,
  shr,
  store8,
  sub,
  wrap,
} from "../assembler/expression.js";
import type { Module } from "../assembler/module.js";
import { entry } from "./memory.js";
import type { Scales } from "./scale.js";
import type { Vectors } from "./vector.js";

export type CacheWrite = ReturnType<typeof cacheFunctions>;

/** (source, length, codes, address of the scale byte, largest code L, divisor D). */
export function cacheFunctions(module: Module, scales: Scales, vectors: Vectors) {
  const cacheScale = module.func("cacheScale", ["i64", "i64"], "i32", (f, maximum, divisor) => {
    const t = f.let(shr(add(mul(maximum, divisor), 65535), 16));
    const bits = f.let(sub(i64(59), clz64(t))); // bitlen - 5
    const x = f.let(select(int("i64", 0), bits, lt(bits, 0)));
    const f0 = f.let(sub(shr(sub(add(t, shl(i64(1), x)), 1), x), 16));
    f.set(f0, select(int("i64", 0), f0, lt(f0, 0)));
    f.if(eq(f0, 16), () => {
      f.set(f0, i64(0));
      f.set(x, add(x, 1));
    });
    f.if(gt(x, 15), () => {
      scales.count(f, "cache");
      f.return(i32(255));
    });
    return wrap(or(shl(x, 4), f0));
  });

  return module.func(
    "cacheVector",
    ["i32", "i32", "i32", "i32", "i32", "i32"],
    "void",
    (f, source, length, codes, scaleAt, largest, divisor) => {
      const scale = f.let(cacheScale(vectors.maximumOf(source, length), extend(divisor)));
      f.do(store8(scaleAt, scale));
      const factor = f.let(extend(entry("INV16", and(scale, 15))));
      const shift = f.let(extend(add(shr(scale, 4), 14)));
      const half = f.let(shl(i64(1), sub(shift, 1)));
      const end = f.let(add(source, shl(length, 2)));
      const code = f.local("i32");
      const lowest = f.let(sub(i32(0), largest));
      f.while(ne(source, end), () => {
        f.set(code, wrap(shr(add(mul(load32As64(source), factor), half), shift)));
        f.set(code, select(largest, code, gt(code, largest)));
        f.set(code, select(lowest, code, lt(code, lowest)));
        f.do(store8(codes, code));
        f.set(source, add(source, 4));
        f.set(codes, add(codes, 1));
      });
    },
  );
}
