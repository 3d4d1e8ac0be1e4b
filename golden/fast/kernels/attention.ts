/** Attention over the cache, and writing to it: contract section 6. Thread memory holds one head's scores and p. */
import {
  add,
  addV32,
  addV64,
  and,
  dotV16,
  divU,
  type Expr,
  eq,
  extend,
  ge,
  gt,
  highV64,
  i32,
  lane32,
  le,
  load8U,
  load8x8S,
  load32,
  load32Splat,
  load64,
  loadV,
  lowV64,
  lt,
  mul,
  ne,
  remU,
  select,
  shl,
  shlV64,
  shr,
  shuffle,
  store16,
  store32,
  storeV,
  sub,
  wrap,
  zeroV,
} from "../assembler/expression.js";
import type { Local, Module } from "../assembler/module.js";
import type { CacheWrite } from "./cache.js";
import { BLOCK, entry, record, word } from "./memory.js";
import type { Scales } from "./scale.js";

export const ATTENTION = record(
  "qCodes", // int16 [tokens][heads], at strides of qStride bytes
  "qStride",
  "qScales", // T of the scores: [tokens][heads]
  "k", // int32 [tokens][kvHeads][headDim]
  "v",
  "keys", // int8 [kvHeads][slots][vectorBytes]
  "values",
  "keyScales", // bytes [kvHeads][slots]
  "valueScales",
  "heads",
  "kvHeads",
  "headDim",
  "vectorBytes", // headDim, rounded up to 8
  "sinks",
  "window",
  "keyLargest", // L and D of the codes
  "keyDivisor",
  "valueLargest",
  "valueDivisor",
  "attendK",
  "out", // int32 [tokens][heads][headDim]
  "scores", // in the thread's memory: int32 [slots], of c too
  "p", // int16 [slots rounded up to 32]
  "exponents", // int32 [blocks of 32 slots]
  "totals", // int64 [headDim rounded up to 8]
);

/** [a0 b0 a1 b1 a2 b2 a3 b3] and the upper halves, as int16. */
const INTERLEAVE_LOW = [0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23];
const INTERLEAVE_HIGH = INTERLEAVE_LOW.map((i) => i + 8);
const UPPER_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const SECOND = [4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7];

export function attentionFunctions(
  module: Module,
  area: Expr<"i32">,
  scales: Scales,
  cacheVector: CacheWrite,
) {
  const exp2 = module.func("exp2", ["i32"], "i32", (f, d) => {
    const n = f.let(shr(d, 10));
    f.if(gt(n, 17), () => f.return(i32(0)));
    const i = f.let(shr(and(d, 1023), 4));
    const high = f.let(entry("EXP2", i));
    const fall = mul(sub(high, entry("EXP2", i, 1)), and(d, 15));
    const v = f.let(sub(high, shr(add(fall, 8), 4)));
    return shr(add(v, shr(shl(i32(1), n), 1)), n);
  });

  /** Sum of int16 times int8 over `bytes`. */
  const dotKey = module.func("dotKey", ["i32", "i32", "i32"], "i32", (f, q, key, bytes) => {
    const accumulator = f.local("v128");
    const end = f.let(add(key, bytes));
    f.while(ne(key, end), () => {
      f.set(accumulator, addV32(accumulator, dotV16(loadV(q), load8x8S(key))));
      f.set(q, add(q, 16));
      f.set(key, add(key, 8));
    });
    const folded = f.let(addV32(accumulator, shuffle(accumulator, accumulator, UPPER_HALF)));
    return lane32(addV32(folded, shuffle(folded, folded, SECOND)), 0);
  });

  /** Scores of the live slots; the largest. */
  const score = module.func(
    "score",
    ["i32", "i32", "i32", "i32", "i32"],
    "i32",
    (f, step, q, t, firstSlot, live) => {
      const bytes = f.let(load32(step, ATTENTION.vectorBytes));
      const key = f.let(add(load32(step, ATTENTION.keys), mul(firstSlot, bytes)));
      const scaleAt = f.let(add(load32(step, ATTENTION.keyScales), firstSlot));
      const to = f.let(add(area, load32(step, ATTENTION.scores)));
      const end = f.let(add(to, shl(live, 2)));
      const largest = f.let(i32(-0x80000000));
      const value = f.local("i64");
      const scale = f.local("i32");
      f.while(ne(to, end), () => {
        f.set(scale, load8U(scaleAt));
        const sum = mul(add(and(scale, 15), 16), dotKey(q, key, bytes));
        f.set(value, scales.scaled(extend(sum), t, sub(i32(15), shr(scale, 4))));
        scales.saturate(f, value, 24, "matrix");
        const result = f.let(wrap(value));
        f.do(store32(to, result));
        f.set(largest, select(result, largest, gt(result, largest)));
        f.set(key, add(key, bytes));
        f.set(scaleAt, add(scaleAt, 1));
        f.set(to, add(to, 4));
      });
      return largest;
    },
  );

  /** p and exponents of the live slots from their scores; SE. */
  const softmax = module.func(
    "softmax",
    ["i32", "i32", "i32", "i32"],
    "i64",
    (f, step, firstSlot, live, smax) => {
      const scores = f.let(add(area, load32(step, ATTENTION.scores)));
      const scaleAt = f.let(add(load32(step, ATTENTION.valueScales), firstSlot));
      const p = f.let(add(area, load32(step, ATTENTION.p)));
      const exponents = f.let(add(area, load32(step, ATTENTION.exponents)));
      const sum = f.local("i64");
      const cmax = f.local("i32");
      const to = f.local("i32");
      const c = f.local("i32");
      const scale = f.local("i32");
      const exponent = f.local("i32");
      f.for(i32(0), live, 32, (from) => {
        f.set(to, add(from, 32));
        f.set(to, select(to, live, lt(to, live)));
        f.set(cmax, i32(-0x80000000));
        f.for(from, to, 1, (s) => {
          const at = add(scores, shl(s, 2));
          f.set(c, sub(load32(at), smax));
          f.set(sum, add(sum, extend(exp2(sub(i32(0), c)))));
          f.set(scale, load8U(add(scaleAt, s)));
          f.set(c, add(c, add(shl(shr(scale, 4), 10), entry("LOG16", and(scale, 15)))));
          f.do(store32(at, c));
          f.set(cmax, select(c, cmax, gt(c, cmax)));
        });
        f.set(exponent, shr(add(cmax, 1023), 10));
        f.do(store32(exponents, exponent));
        f.set(exponents, add(exponents, 4));
        f.for(from, to, 1, (s) => {
          const down = sub(shl(exponent, 10), load32(add(scores, shl(s, 2))));
          f.do(store16(add(p, shl(s, 1)), shr(add(mul(exp2(down), 127), 32768), 16)));
        });
        f.for(to, add(from, 32), 1, (s) => f.do(store16(add(p, shl(s, 1)), i32(0))));
      });
      return sum;
    },
  );

  /** o of one head, int32 [headDim]. */
  const attend = module.func(
    "attend",
    ["i32", "i32", "i32", "i64", "i32"],
    "void",
    (f, step, firstSlot, live, sum, out) => {
      const bytes = f.let(load32(step, ATTENTION.vectorBytes));
      const values = f.let(add(load32(step, ATTENTION.values), mul(firstSlot, bytes)));
      const p = f.let(add(area, load32(step, ATTENTION.p)));
      const exponents = f.let(add(area, load32(step, ATTENTION.exponents)));
      const totals = f.let(add(area, load32(step, ATTENTION.totals)));
      const emax = f.let(load32(exponents));
      f.for(i32(32), live, 32, (from) => {
        const exponent = f.let(load32(add(exponents, shr(from, 3))));
        f.set(emax, select(exponent, emax, gt(exponent, emax)));
      });
      const constant = scales.multiply(
        scales.reciprocal(scales.norm16(sum)),
        load32(step, ATTENTION.attendK),
      );
      const t = f.let(add(constant, shl(emax, 16)));

      const sums = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")] as const;
      const block = [f.local("v128"), f.local("v128")] as const;
      const down = f.local("i32");
      const to = f.local("i32");
      const at = f.local("i32");
      const next = f.local("i32");
      f.for(i32(0), bytes, 8, (d) => {
        for (const one of sums) f.set(one, zeroV);
        f.for(i32(0), live, 32, (from) => {
          f.set(down, sub(emax, load32(add(exponents, shr(from, 3)))));
          f.if(le(down, 14), () => {
            f.set(to, add(from, 32));
            f.set(to, select(to, live, lt(to, live)));
            for (const one of block) f.set(one, zeroV);
            f.set(at, add(add(values, d), mul(from, bytes)));
            // slots two by two: p of a slot that is not live is 0
            f.for(from, to, 2, (s) => {
              f.set(next, add(at, bytes));
              const a = f.let(load8x8S(at));
              const b = f.let(load8x8S(next));
              const pair = f.let(load32Splat(add(p, shl(s, 1))));
              f.set(block[0], addV32(block[0], dotV16(shuffle(a, b, INTERLEAVE_LOW), pair)));
              f.set(block[1], addV32(block[1], dotV16(shuffle(a, b, INTERLEAVE_HIGH), pair)));
              f.set(at, add(next, bytes));
            });
            const weight = f.let(sub(i32(14), down));
            const weigh = (sum: Local<"v128">, part: Expr<"v128">): void =>
              f.set(sum, addV64(sum, shlV64(part, weight)));
            weigh(sums[0], lowV64(block[0]));
            weigh(sums[1], highV64(block[0]));
            weigh(sums[2], lowV64(block[1]));
            weigh(sums[3], highV64(block[1]));
          });
        });
        for (const [i, one] of sums.entries()) f.do(storeV(add(totals, shl(d, 3)), one, 16 * i));
      });

      const value = f.local("i64");
      f.for(i32(0), load32(step, ATTENTION.headDim), 1, (d) => {
        f.set(value, scales.scaled(load64(add(totals, shl(d, 3))), t, i32(0)));
        scales.saturate(f, value, 24, "matrix");
        f.do(store32(add(out, shl(d, 2)), wrap(value)));
      });
    },
  );

  /** One query head of token t over `live` slots. */
  const head = module.func("head", ["i32", "i32", "i32", "i32"], "void", (f, step, t, h, live) => {
    const heads = f.let(load32(step, ATTENTION.heads));
    const slots = add(load32(step, ATTENTION.sinks), load32(step, ATTENTION.window));
    const firstSlot = f.let(mul(divU(mul(h, load32(step, ATTENTION.kvHeads)), heads), slots));
    const index = f.let(add(mul(t, heads), h));
    const q = add(load32(step, ATTENTION.qCodes), mul(index, load32(step, ATTENTION.qStride)));
    const scale = load32(add(load32(step, ATTENTION.qScales), shl(index, 2)));
    const smax = score(step, q, scale, firstSlot, live);
    const sum = f.let(softmax(step, firstSlot, live, smax));
    const out = shl(mul(index, load32(step, ATTENTION.headDim)), 2);
    f.do(attend(step, firstSlot, live, sum, add(load32(step, ATTENTION.out), out)));
  });

  /** Key and value of token t and KV head h into their slot. */
  const write = module.func("cacheWrite", ["i32", "i32", "i32"], "void", (f, step, t, h) => {
    const sinks = f.let(load32(step, ATTENTION.sinks));
    const window = f.let(load32(step, ATTENTION.window));
    const slot = f.let(add(word(BLOCK.position), t));
    f.if(ge(slot, sinks), () => f.set(slot, add(sinks, remU(sub(slot, sinks), window))));
    f.set(slot, add(slot, mul(h, add(sinks, window))));
    const length = f.let(load32(step, ATTENTION.headDim));
    const at = f.let(mul(slot, load32(step, ATTENTION.vectorBytes)));
    const index = f.let(add(mul(t, load32(step, ATTENTION.kvHeads)), h));
    const from = f.let(shl(mul(index, length), 2));
    f.do(
      cacheVector(
        add(load32(step, ATTENTION.k), from),
        length,
        add(load32(step, ATTENTION.keys), at),
        add(load32(step, ATTENTION.keyScales), slot),
        load32(step, ATTENTION.keyLargest),
        load32(step, ATTENTION.keyDivisor),
      ),
    );
    f.do(
      cacheVector(
        add(load32(step, ATTENTION.v), from),
        length,
        add(load32(step, ATTENTION.values), at),
        add(load32(step, ATTENTION.valueScales), slot),
        load32(step, ATTENTION.valueLargest),
        load32(step, ATTENTION.valueDivisor),
      ),
    );
  });

  const liveAt = module.func("liveAt", ["i32", "i32"], "i32", (f, step, t) => {
    const seen = f.let(add(add(word(BLOCK.position), t), 1));
    const slots = f.let(add(load32(step, ATTENTION.sinks), load32(step, ATTENTION.window)));
    return select(seen, slots, lt(seen, slots));
  });

  /** Without a ring that wraps in this block, all keys and values are written first, by every thread some. */
  const writeStep = module.func("writeStep", ["i32", "i32", "i32"], "void", (f, step, thread, threads) => {
    f.if(word(BLOCK.wraps), () => f.return());
    const kvHeads = f.let(load32(step, ATTENTION.kvHeads));
    f.for(thread, mul(word(BLOCK.tokens), kvHeads), threads, (i) =>
      f.do(write(step, divU(i, kvHeads), remU(i, kvHeads))),
    );
  });

  /** Then every head of every token is on its own. With one, a KV head and its queries go token by token. */
  const attendStep = module.func("attendStep", ["i32", "i32", "i32"], "void", (f, step, thread, threads) => {
    const heads = f.let(load32(step, ATTENTION.heads));
    const kvHeads = f.let(load32(step, ATTENTION.kvHeads));
    const tokens = f.let(word(BLOCK.tokens));
    f.if(
      word(BLOCK.wraps),
      () =>
        f.for(thread, kvHeads, threads, (kvHead) =>
          f.for(i32(0), tokens, 1, (t) => {
            f.do(write(step, t, kvHead));
            f.for(i32(0), heads, 1, (h) =>
              f.if(eq(divU(mul(h, kvHeads), heads), kvHead), () => f.do(head(step, t, h, liveAt(step, t)))),
            );
          }),
        ),
      () =>
        f.for(thread, mul(tokens, heads), threads, (i) => {
          const t = f.let(divU(i, heads));
          f.do(head(step, t, remU(i, heads), liveAt(step, t)));
        }),
    );
  });

  return { writeStep, attendStep };
}
