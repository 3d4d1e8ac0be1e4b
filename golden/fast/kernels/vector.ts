/**
 * The residual stream, deferred norms and the A8 quantiser: contract sections 2, 3 and 6a. One function serves every
 * norm, for they differ only in the shift behind their gain. The codes come out as int16, ready for products.
 */
import {
  add,
  and,
  eqz,
  type Expr,
  extend,
  ge,
  gt,
  i32,
  i64,
  int,
  load16S,
  load32,
  load32As64,
  load64,
  lt,
  mul,
  ne,
  select,
  shl,
  shr,
  shrU,
  store16,
  store32,
  sub,
  wrap,
} from "../assembler/expression.js";
import type { Body, Local, Module } from "../assembler/module.js";
import { BLOCK, record, word } from "./memory.js";
import type { Scales } from "./scale.js";

export const NORM = record(
  "source", // int32 [tokens][length]
  "delta", // int32 [tokens][length] to add to it first, or 0
  "length",
  "gain", // int16 [length], or 0: no norm
  "gainShift", // y = rshr(x·g, gainShift)
  "epsilon", // the address of an int64
  "codes", // int16 [tokens], at strides of codesStride bytes
  "codesStride",
  "scales", // [tokens]
  "y", // in the thread's memory: int32 [length]
  "first", // address of the word that says from which token on
);

/** Section 2: a sum of squares stands for sum·2^(2·shift); two variables of a function. */
export interface Squares {
  readonly sum: Local<"i64">;
  readonly shift: Local<"i64">;
  /** x >> shift of the element at hand. */
  readonly z: Local<"i64">;
}

export function squaresOf(f: Body): Squares {
  return { sum: f.local("i64"), shift: f.local("i64"), z: f.local("i64") };
}

/**
 * One element more. What does not fit 18 bits makes the shift grow; two steps of 7 cut the sum as one of 14 does, for
 * floor of floor is floor, and behind 14 every int32 fits.
 */
export function addSquare(f: Body, { sum, shift, z }: Squares, x: Expr<"i64">): void {
  f.set(z, shr(x, shift));
  f.while(ne(shrU(add(z, 131072), 18), 0), () => {
    f.set(sum, shrU(sum, 14));
    f.set(shift, add(shift, 7));
    f.set(z, shr(x, shift));
  });
  f.set(sum, add(sum, mul(z, z)));
}

export type Vectors = ReturnType<typeof vectorFunctions>;

export function vectorFunctions(module: Module, area: Expr<"i32">, scales: Scales) {
  /** Section 3: int32 [length] to int16 codes relative to `maximum`; the scale. */
  const quantise = module.func(
    "quantise",
    ["i32", "i32", "i64", "i32"],
    "i32",
    (f, v, length, maximum, to) => {
      const scale = f.let(scales.norm16(maximum));
      const r = f.let(
        select(i64(0), extend(shr(mul(scales.recip(and(scale, 0xffff)), 127), 7)), eqz(scale)), // all codes 0
      );
      const k = f.let(shr(scale, 16));
      const left = f.let(select(sub(i32(0), k), i32(0), lt(k, 0)));
      const right = f.let(select(k, i32(0), gt(k, 0)));
      const end = f.let(add(v, shl(length, 2)));
      const q = f.local("i32");
      f.while(ne(v, end), () => {
        const n = shr(shl(load32(v), left), right);
        f.set(q, wrap(shr(add(mul(extend(n), r), 8388608), 24)));
        f.set(q, select(i32(127), q, gt(q, 127)));
        f.set(q, select(i32(-127), q, lt(q, -127)));
        f.do(store16(to, q));
        f.set(v, add(v, 4));
        f.set(to, add(to, 2));
      });
      return scale;
    },
  );

  /** max |v_i| of int32 [length], at most 2^31. */
  const maximumOf = module.func("maximumOf", ["i32", "i32"], "i64", (f, v, length) => {
    const maximum = f.local("i64");
    const end = f.let(add(v, shl(length, 2)));
    const value = f.local("i64");
    f.while(ne(v, end), () => {
      f.set(value, load32As64(v));
      raise(f, maximum, value);
      f.set(v, add(v, 4));
    });
    return maximum;
  });

  /** R of section 2: one over the root of sum·2^(2·shift) and E, an int64 at `epsilon`. */
  const inverseRoot = module.func("inverseRoot", ["i64", "i64", "i32"], "i32", (f, sum, shift, epsilon) => {
    const twice = f.let(shl(shift, 1));
    const m = scales.norm16(add(sum, shrU(load64(epsilon), twice)));
    return scales.rsqrt(add(m, shl(wrap(twice), 16))); // rsqrt of a mantissa of 0 is 0 whatever the exponent
  });

  /** One vector through its norm, where it has one, and the quantiser; returns S, or mul(S, 1/rms). */
  const norm = module.func("norm", ["i32", "i32", "i32"], "i32", (f, step, source, codes) => {
    const length = f.let(load32(step, NORM.length));
    const gain = f.let(load32(step, NORM.gain));
    f.if(eqz(gain), () => f.return(quantise(source, length, maximumOf(source, length), codes)));
    const gainShift = f.let(extend(load32(step, NORM.gainShift)));
    const half = f.let(shl(i64(1), sub(gainShift, 1)));
    const y = f.let(add(area, load32(step, NORM.y)));
    const maximum = f.local("i64");
    const squares = squaresOf(f);
    const x = f.local("i64");
    const value = f.local("i64");
    f.for(i32(0), length, 1, (i) => {
      f.set(x, load32As64(add(source, shl(i, 2))));
      f.set(value, shr(add(mul(x, extend(load16S(add(gain, shl(i, 1))))), half), gainShift));
      scales.saturate(f, value, 32, "y");
      f.do(store32(add(y, shl(i, 2)), wrap(value)));
      raise(f, maximum, value);
      addSquare(f, squares, x);
    });
    const scale = f.let(quantise(y, length, maximum, codes));
    return scales.multiply(scale, inverseRoot(squares.sum, squares.shift, load32(step, NORM.epsilon)));
  });

  /** x += delta of one vector. */
  const addDelta = module.func("addDelta", ["i32", "i32", "i32"], "void", (f, x, delta, length) => {
    const end = f.let(add(x, shl(length, 2)));
    const value = f.local("i64");
    f.while(ne(x, end), () => {
      f.set(value, add(load32As64(x), load32As64(delta)));
      scales.saturate(f, value, 32, "residual");
      f.do(store32(x, wrap(value)));
      f.set(x, add(x, 4));
      f.set(delta, add(delta, 4));
    });
  });

  const normStep = module.func("normStep", ["i32", "i32", "i32"], "void", (f, step, thread, threads) => {
    const bytes = f.let(shl(load32(step, NORM.length), 2));
    const first = f.let(load32(load32(step, NORM.first)));
    f.for(thread, word(BLOCK.tokens), threads, (t) => {
      const source = f.let(add(load32(step, NORM.source), mul(t, bytes)));
      const delta = f.let(load32(step, NORM.delta));
      f.if(delta, () => f.do(addDelta(source, add(delta, mul(t, bytes)), load32(step, NORM.length))));
      f.if(ge(t, first), () => {
        const codes = add(load32(step, NORM.codes), mul(t, load32(step, NORM.codesStride)));
        f.do(store32(add(load32(step, NORM.scales), shl(t, 2)), norm(step, source, codes)));
      });
    });
  });

  return { quantise, maximumOf, inverseRoot, norm, normStep };
}

/** maximum = max(maximum, |value|). */
function raise(f: Body, maximum: Local<"i64">, value: Expr<"i64">): void {
  f.set(maximum, select(value, maximum, gt(value, maximum)));
  const negative = sub(int("i64", 0), value);
  f.set(maximum, select(negative, maximum, gt(negative, maximum)));
}
