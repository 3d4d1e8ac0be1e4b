/**
 * Scales, reciprocals, saturation in WebAssembly: contract sections 0, 1 and the end of 4. A scale travels as one int32,
 * mantissa in the low half, exponent in the high one.
 */
import {
  add,
  and,
  clz64,
  type Expr,
  eq,
  extend,
  extendU,
  ge,
  gt,
  i32,
  i64,
  int,
  load64,
  lt,
  mul,
  ne,
  or,
  select,
  shl,
  shr,
  shrU,
  store64,
  sub,
  wrap,
} from "../assembler/expression.js";
import type { Body, Local, Module } from "../assembler/module.js";
import { entry } from "./memory.js";

/** Places of saturations, as golden/model/scale.ts counts them; each thread has an int64 for each. */
export const PLACES = ["residual", "y", "matrix", "shift", "rope", "cache", "h"] as const;
export type Place = (typeof PLACES)[number];

export type Scales = ReturnType<typeof scaleFunctions>;

/** `area`: the thread's own memory, whose first words are its counts of saturations. */
export function scaleFunctions(module: Module, area: Expr<"i32">) {
  const count = (body: Body, place: Place | Expr<"i32">): void => {
    const address = typeof place === "string" ? add(area, 8 * PLACES.indexOf(place)) : add(area, place);
    body.do(store64(address, add(load64(address), 1)));
  };

  /** Clamps v to signed `bits` bits, in place. */
  const saturate = (body: Body, v: Local<"i64">, bits: number, place: Place | Expr<"i32">): void => {
    const limit = 2 ** (bits - 1);
    body.if(
      ge(v, limit),
      () => {
        count(body, place);
        body.set(v, i64(limit - 1));
      },
      () =>
        body.if(lt(v, -limit), () => {
          count(body, place);
          body.set(v, i64(-limit));
        }),
    );
  };

  const norm16 = module.func("norm16", ["i64"], "i32", (f, v) => {
    f.if(eq(v, 0), () => f.return(i32(0)));
    const k = f.let(sub(i64(48), clz64(v)));
    f.if(
      ge(k, 0),
      () => f.set(v, shrU(v, k)),
      () => f.set(v, shl(v, sub(i64(0), k))),
    );
    return or(shl(wrap(k), 16), wrap(v));
  });

  const multiply = module.func("multiply", ["i32", "i32"], "i32", (f, a, b) => {
    const p = f.let(mul(and(a, 0xffff), and(b, 0xffff)));
    f.if(eq(p, 0), () => f.return(i32(0)));
    const e = add(shr(a, 16), shr(b, 16));
    const large = lt(p, 0); // 2^31 or more
    return select(or(shl(add(e, 16), 16), shrU(p, 16)), or(shl(add(e, 15), 16), shrU(p, 15)), large);
  });

  const clampMantissa = (f: Body, r: Local<"i64">): Expr<"i32"> => {
    f.set(r, select(int("i64", 32768), r, lt(r, 32768)));
    return wrap(select(int("i64", 65535), r, gt(r, 65535)));
  };

  const recip = module.func("recip", ["i32"], "i32", (f, m) => {
    const r0 = f.let(extend(entry("RECIP", and(shr(m, 8), 127))));
    const d = sub(i64(2 ** 32), mul(extend(m), r0));
    const r = f.let(shr(mul(r0, shr(d, 15)), 16));
    return clampMantissa(f, r);
  });

  const reciprocal = module.func("reciprocal", ["i32"], "i32", (f, s) => {
    f.if(eq(and(s, 0xffff), 0), () => f.return(i32(0)));
    return or(shl(sub(i32(-31), shr(s, 16)), 16), recip(and(s, 0xffff)));
  });

  const rsqrt = module.func("rsqrt", ["i32"], "i32", (f, s) => {
    const m = f.let(and(s, 0xffff));
    f.if(eq(m, 0), () => f.return(i32(0)));
    const e = f.let(add(shr(s, 16), 15));
    const odd = f.let(and(e, 1));
    const h = shr(sub(e, odd), 1);
    const r0 = f.let(extend(entry("RSQRT", add(shl(odd, 6), and(shr(m, 9), 63)))));
    const t1 = shrU(mul(r0, r0), 16);
    const t2 = shrU(mul(t1, extendU(shl(m, odd))), 15);
    const r = f.let(shr(mul(r0, sub(i64(196608), t2)), 17));
    return or(shl(sub(i32(-16), h), 16), clampMantissa(f, r));
  });

  /** rshr(v, n) of a constant n > 0. */
  const round = (v: Expr<"i64">, n: number): Expr<"i64"> => shr(add(v, 2 ** (n - 1)), n);

  /** rshr(P·m, exponent - e) before it saturates. */
  const scaled = module.func("scaled", ["i64", "i32", "i32"], "i64", (f, sum, t, exponent) => {
    const shift = f.let(sub(exponent, shr(t, 16)));
    f.if(lt(shift, 0), () => {
      count(f, "shift");
      f.set(shift, i32(0));
    });
    const n = f.let(extend(shift));
    f.set(sum, mul(sum, extend(and(t, 0xffff))));
    f.if(gt(n, 62), () => f.return(i64(0)));
    f.if(ne(n, 0), () => f.set(sum, shr(add(sum, shl(i64(1), sub(n, 1))), n)));
    return sum;
  });

  return { count, saturate, norm16, multiply, recip, reciprocal, rsqrt, round, scaled };
}
