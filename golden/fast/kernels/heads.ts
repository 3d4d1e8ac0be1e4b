/**
 * Queries and keys between their matrices and the cache: norms of q and k where there are, RoPE, the static mean of K, and
 * A8 per head of q. Contract sections 3, 5 and 5a.
 */
import {
  add,
  extend,
  i32,
  load16S,
  load32,
  load32As64,
  mul,
  ne,
  shl,
  store32,
  sub,
  wrap,
} from "../assembler/expression.js";
import type { Module } from "../assembler/module.js";
import { BLOCK, record, word } from "./memory.js";
import type { Scales } from "./scale.js";
import { addSquare, squaresOf, type Vectors } from "./vector.js";

export const HEADS = record(
  "q", // int32 [tokens][heads][headDim]
  "k", // int32 [tokens][kvHeads][headDim]
  "heads",
  "kvHeads",
  "headDim",
  "rotation", // int32 [tokens][headDim/2][cos, sin]
  "qGain", // int16 [headDim], or 0
  "kGain",
  "qEpsilon", // addresses of int64
  "kEpsilon",
  "kNorm", // K_knorm
  "mean", // int32 [kvHeads][headDim]
  "scoreK",
  "codes", // int16 [tokens][heads], at strides of codesStride bytes
  "codesStride",
  "scales", // T of the scores: [tokens][heads]
);

export function headFunctions(module: Module, scales: Scales, vectors: Vectors) {
  /** Section 5a: x·gain in place; 1/rms. */
  const headNorm = module.func(
    "headNorm",
    ["i32", "i32", "i32", "i32"],
    "i32",
    (f, x, gain, length, epsilon) => {
      const squares = squaresOf(f);
      const value = f.local("i64");
      const end = f.let(add(x, shl(length, 2)));
      f.while(ne(x, end), () => {
        f.set(value, load32As64(x));
        addSquare(f, squares, value);
        f.set(value, scales.round(mul(value, extend(load16S(gain))), 15));
        scales.saturate(f, value, 24, "rope");
        f.do(store32(x, wrap(value)));
        f.set(x, add(x, 4));
        f.set(gain, add(gain, 2));
      });
      return vectors.inverseRoot(squares.sum, squares.shift, epsilon);
    },
  );

  /** Rotates the pairs of one head in place. */
  const rotate = module.func("rotate", ["i32", "i32", "i32"], "void", (f, x, rotation, length) => {
    const end = f.let(add(x, shl(length, 2)));
    const value = f.local("i64");
    f.while(ne(x, end), () => {
      const a = f.let(load32As64(x));
      const b = f.let(load32As64(x, 4));
      const cos = f.let(load32As64(rotation));
      const sin = f.let(load32As64(rotation, 4));
      f.set(value, scales.round(sub(mul(a, cos), mul(b, sin)), 14));
      scales.saturate(f, value, 24, "rope");
      f.do(store32(x, wrap(value)));
      f.set(value, scales.round(add(mul(a, sin), mul(b, cos)), 14));
      scales.saturate(f, value, 24, "rope");
      f.do(store32(x, wrap(value), 4));
      f.set(x, add(x, 8));
      f.set(rotation, add(rotation, 8));
    });
  });

  /** One key: the rest of its norm where r is not 0, and the mean. */
  const centre = module.func(
    "centre",
    ["i32", "i32", "i32", "i32", "i32"],
    "void",
    (f, x, mean, length, r, normed) => {
      const end = f.let(add(x, shl(length, 2)));
      const value = f.local("i64");
      f.while(ne(x, end), () => {
        f.set(value, load32As64(x));
        f.if(normed, () => {
          f.set(value, scales.scaled(value, r, i32(0)));
          scales.saturate(f, value, 24, "rope");
        });
        f.set(value, sub(value, load32As64(mean)));
        scales.saturate(f, value, 24, "rope");
        f.do(store32(x, wrap(value)));
        f.set(x, add(x, 4));
        f.set(mean, add(mean, 4));
      });
    },
  );

  const query = module.func("query", ["i32", "i32", "i32"], "void", (f, step, t, head) => {
    const length = f.let(load32(step, HEADS.headDim));
    const index = f.let(add(mul(t, load32(step, HEADS.heads)), head));
    const x = f.let(add(load32(step, HEADS.q), shl(mul(index, length), 2)));
    const gain = f.let(load32(step, HEADS.qGain));
    const inverse = f.local("i32");
    f.if(gain, () => f.set(inverse, headNorm(x, gain, length, load32(step, HEADS.qEpsilon))));
    const rotation = add(load32(step, HEADS.rotation), shl(mul(t, length), 2));
    f.do(rotate(x, rotation, length));
    const codes = add(load32(step, HEADS.codes), mul(index, load32(step, HEADS.codesStride)));
    const scale = f.let(vectors.quantise(x, length, vectors.maximumOf(x, length), codes));
    f.if(gain, () => f.set(scale, scales.multiply(scale, inverse)));
    const to = add(load32(step, HEADS.scales), shl(index, 2));
    f.do(store32(to, scales.multiply(scale, load32(step, HEADS.scoreK))));
  });

  const key = module.func("key", ["i32", "i32", "i32"], "void", (f, step, t, head) => {
    const length = f.let(load32(step, HEADS.headDim));
    const index = f.let(add(mul(t, load32(step, HEADS.kvHeads)), head));
    const x = f.let(add(load32(step, HEADS.k), shl(mul(index, length), 2)));
    const gain = f.let(load32(step, HEADS.kGain));
    const inverse = f.local("i32");
    f.if(gain, () => {
      f.set(inverse, headNorm(x, gain, length, load32(step, HEADS.kEpsilon)));
      f.set(inverse, scales.multiply(inverse, load32(step, HEADS.kNorm)));
    });
    f.do(rotate(x, add(load32(step, HEADS.rotation), shl(mul(t, length), 2)), length));
    const mean = add(load32(step, HEADS.mean), shl(mul(head, length), 2));
    f.do(centre(x, mean, length, inverse, gain));
  });

  return module.func("headStep", ["i32", "i32", "i32"], "void", (f, step, thread, threads) => {
    f.for(thread, word(BLOCK.tokens), threads, (t) => {
      f.for(i32(0), load32(step, HEADS.heads), 1, (head) => f.do(query(step, t, head)));
      f.for(i32(0), load32(step, HEADS.kvHeads), 1, (head) => f.do(key(step, t, head)));
    });
  });
}
