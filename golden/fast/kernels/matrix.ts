/**
 * Matrix times the vectors of a block of tokens: contract section 4. Code times mantissa fits int16 in every format
 * (128·255 < 2^15), so a row times a vector is one int16 dot product, exact in int32 for SPILL groups and in int64 beyond.
 *
 * Weights lie in tiles of four rows (pack.ts). For one token they go from their packed form straight into the products;
 * for more, a tile is widened once into the thread's memory and meets the tokens two by two.
 */
import {
  add,
  addV32,
  addV64,
  and,
  divU,
  dotV16,
  eq,
  type Expr,
  extend,
  ge,
  gt,
  gtU,
  highV64,
  i32,
  i64,
  load32,
  load32As64,
  load64,
  load8U,
  load8x8S,
  loadV,
  lowV64,
  lt,
  mul,
  mulV16,
  ne,
  select,
  shl,
  shlV16,
  shr,
  shrU,
  shrV16,
  shuffle,
  splat16,
  store32,
  storeV,
  sub,
  wrap,
  zeroV,
} from "../assembler/expression.js";
import type { Body, Local, Module } from "../assembler/module.js";
import { BLOCK, record, word } from "./memory.js";
import type { Scales } from "./scale.js";

export const TILE_ROWS = 4;
/** Bytes of the four rows of a tile in one group: 4-bit codes, 8-bit codes, widened. */
export const TILE_BYTES = { narrow: 64, wide: 128, expanded: 256 } as const;
/** Groups whose products sum to less than 2^31: 64·32·(8·255)·127, and 16·32·(128·255)·127. */
const SPILL = { narrow: 64, wide: 16 } as const;

export const MATRIX = record(
  "codes", // [tiles][groups][rows of a tile][32 codes]
  "mantissas", // [tiles][groups][rows of a tile]
  "exponents", // bytes [rows]
  "bias", // int32 [rows], or 0
  "rows",
  "groups",
  "wide", // 1: codes of 8 bits, else of 4
  "input", // int16 [tokens], at strides of inputStride bytes
  "inputStride",
  "scales", // [tokens], before they are multiplied by k
  "k",
  "out", // int32 [tokens], at strides of outStride bytes
  "outStride",
  "bits", // of the results: 24 or 32
  "first", // address of the word that says from which token on
  "tile", // in the thread's memory: one widened tile
  "tokenScales", // and int32 [tokens]
);

/** Where a tile's sums are left in the thread's memory: int64 [one or two tokens][rows of a tile]. */
const SUMS = 64;
const SUMS_BYTES = 8 * TILE_ROWS;

/** Column quarter k (0..3) of row r in the group at the pointers: int16x8 of code·mantissa. */
type Weights = (body: Body, codes: Expr<"i32">, mantissas: Expr<"i32">, row: number) => Expr<"v128">[];

const QUARTERS = [0, 1, 2, 3] as const;
const ROWS = [0, 1, 2, 3] as const;

const expanded: Weights = (_body, codes, _mantissas, row) =>
  QUARTERS.map((k) => loadV(codes, 16 * (TILE_ROWS * k + row)));

/** Nibble k of int16 j is the code of column 8k + j. */
const narrow: Weights = (body, codes, mantissas, row) => {
  const packed = body.let(loadV(codes, 16 * row));
  const mantissa = body.let(splat16(load8U(mantissas, row)));
  return QUARTERS.map((k) => mulV16(shrV16(k === 3 ? packed : shlV16(packed, 12 - 4 * k), 12), mantissa));
};

const wide: Weights = (body, codes, mantissas, row) => {
  const mantissa = body.let(splat16(load8U(mantissas, row)));
  return QUARTERS.map((k) => mulV16(load8x8S(codes, 32 * row + 8 * k), mantissa));
};

type Rows = Local<"v128">;

/** From four vectors of four int32, the four sums. */
function sumsOf(body: Body, [a, b, c, d]: readonly [Rows, Rows, Rows, Rows]): Expr<"v128"> {
  const pairs = (x: Rows, y: Rows): Local<"v128"> =>
    body.let(addV32(shuffle(x, y, LOWER_WORDS), shuffle(x, y, UPPER_WORDS)));
  const ab = pairs(a, b);
  const cd = pairs(c, d);
  return addV32(shuffle(ab, cd, LOWER_HALVES), shuffle(ab, cd, UPPER_HALVES));
}
/** Bytes of int32 lanes: [x0 y0 x1 y1], [x2 y2 x3 y3], [x0 x1 y0 y1], [x2 x3 y2 y3]. */
const lanes = (...words: number[]): number[] => words.flatMap((w) => [0, 1, 2, 3].map((i) => 4 * w + i));
const LOWER_WORDS = lanes(0, 4, 1, 5);
const UPPER_WORDS = lanes(2, 6, 3, 7);
const LOWER_HALVES = lanes(0, 1, 4, 5);
const UPPER_HALVES = lanes(2, 3, 6, 7);

export function matrixFunctions(module: Module, area: Expr<"i32">, scales: Scales) {
  /** Sums of a tile times one or two vectors, into SUMS. */
  const dot = (name: string, tokens: 1 | 2, bytes: number, weights: Weights) =>
    module.func(
      name,
      ["i32", "i32", "i32", "i32", "i32", "i32"],
      "void",
      (f, codes, mantissas, a, b, groups, spill) => {
        const vectors = tokens === 1 ? [a] : [a, b];
        const sums = vectors.map(() => [f.local("v128"), f.local("v128")] as const);
        const accumulators = vectors.map(
          () => [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")] as const,
        );
        const end = f.local("i32");
        f.while(gt(groups, 0), () => {
          const run = select(spill, groups, gt(groups, spill));
          f.set(end, add(codes, mul(run, bytes)));
          f.set(groups, sub(groups, run));
          for (const accumulator of accumulators.flat()) f.set(accumulator, zeroV);
          f.while(ne(codes, end), () => {
            accumulateGroup(f, weights, codes, mantissas, vectors, accumulators);
            f.set(codes, add(codes, bytes));
            f.set(mantissas, add(mantissas, TILE_ROWS));
            for (const vector of vectors) f.set(vector, add(vector, 64));
          });
          for (const [c, [low, high]] of sums.entries()) {
            const four = f.let(sumsOf(f, accumulators[c]!));
            f.set(low, addV64(low, lowV64(four)));
            f.set(high, addV64(high, highV64(four)));
          }
        });
        for (const [c, [low, high]] of sums.entries()) {
          f.do(storeV(area, low, SUMS + SUMS_BYTES * c));
          f.do(storeV(area, high, SUMS + SUMS_BYTES * c + 16));
        }
      },
    );

  const dotNarrow = dot("dotNarrow", 1, TILE_BYTES.narrow, narrow);
  const dotWide = dot("dotWide", 1, TILE_BYTES.wide, wide);
  const dotOne = dot("dotOne", 1, TILE_BYTES.expanded, expanded);
  const dotTwo = dot("dotTwo", 2, TILE_BYTES.expanded, expanded);

  const expand = (name: string, bytes: number, weights: Weights) =>
    module.func(name, ["i32", "i32", "i32", "i32"], "void", (f, codes, mantissas, to, groups) => {
      const end = f.let(add(codes, mul(groups, bytes)));
      f.while(ne(codes, end), () => {
        for (const r of ROWS)
          for (const [k, quarter] of weights(f, codes, mantissas, r).entries())
            f.do(storeV(to, quarter, 16 * (TILE_ROWS * k + r)));
        f.set(codes, add(codes, bytes));
        f.set(mantissas, add(mantissas, TILE_ROWS));
        f.set(to, add(to, TILE_BYTES.expanded));
      });
    });
  const expandNarrow = expand("expandNarrow", TILE_BYTES.narrow, narrow);
  const expandWide = expand("expandWide", TILE_BYTES.wide, wide);

  /** Scales the sums of a tile and writes them, for `count` tokens from `token` on. */
  const finish = module.func(
    "finish",
    ["i32", "i32", "i32", "i32"],
    "void",
    (f, step, tile, token, count) => {
      const rows = f.let(load32(step, MATRIX.rows));
      const bias = f.let(load32(step, MATRIX.bias));
      const short = f.let(eq(load32(step, MATRIX.bits), 24));
      const stride = f.let(load32(step, MATRIX.outStride));
      const out = f.let(add(load32(step, MATRIX.out), mul(token, stride)));
      const exponents = f.let(load32(step, MATRIX.exponents));
      const tokenScales = f.let(add(add(area, load32(step, MATRIX.tokenScales)), shl(token, 2)));
      const limit = f.let(select(i64(2 ** 23), i64(2 ** 31), short));
      const from = f.let(shl(tile, 2));
      const end = f.let(add(from, TILE_ROWS));
      f.set(end, select(end, rows, lt(end, rows)));
      const shift = f.local("i32");
      const value = f.local("i64");
      f.for(i32(0), count, 1, (c) => {
        const t = f.let(load32(add(tokenScales, shl(c, 2))));
        const m = f.let(extend(and(t, 0xffff)));
        const e = f.let(shr(t, 16));
        const sums = f.let(sub(add(area, mul(c, SUMS_BYTES)), shl(from, 3)));
        f.for(from, end, 1, (row) => {
          f.set(value, load64(add(sums, shl(row, 3)), SUMS));
          f.set(shift, sub(load8U(add(exponents, row)), e));
          f.if(
            gtU(shift, 62), // below 0 too
            () => f.set(value, scales.scaled(value, t, load8U(add(exponents, row)))),
            () => {
              const n = f.let(extend(shift));
              const half = shrU(shl(i64(1), n), 1);
              f.set(value, shr(add(mul(value, m), half), n));
            },
          );
          const saturate = (): void =>
            f.if(gtU(add(value, limit), sub(shl(limit, 1), 1)), () =>
              f.if(
                short,
                () => scales.saturate(f, value, 24, "matrix"),
                () => scales.saturate(f, value, 32, "matrix"),
              ),
            );
          saturate();
          f.if(bias, () => {
            f.set(value, add(value, load32As64(add(bias, shl(row, 2)))));
            saturate();
          });
          f.do(store32(add(out, shl(row, 2)), wrap(value)));
        });
        f.set(out, add(out, stride));
      });
    },
  );

  return module.func("matrix", ["i32", "i32", "i32"], "void", (f, step, thread, threads) => {
    const tokens = f.let(word(BLOCK.tokens));
    const first = f.let(load32(load32(step, MATRIX.first)));
    f.if(ge(first, tokens), () => f.return());
    const isWide = f.let(load32(step, MATRIX.wide));
    const groups = f.let(load32(step, MATRIX.groups));
    const input = f.let(load32(step, MATRIX.input));
    const stride = f.let(load32(step, MATRIX.inputStride));
    const expandedTile = f.let(add(area, load32(step, MATRIX.tile)));

    const tokenScales = f.let(add(area, load32(step, MATRIX.tokenScales)));
    const given = f.let(load32(step, MATRIX.scales));
    f.for(first, tokens, 1, (t) => {
      const scale = scales.multiply(load32(add(given, shl(t, 2))), load32(step, MATRIX.k));
      f.do(store32(add(tokenScales, shl(t, 2)), scale));
    });

    const tiles = f.let(shr(add(load32(step, MATRIX.rows), TILE_ROWS - 1), 2));
    const tileBytes = f.let(mul(groups, select(i32(TILE_BYTES.wide), i32(TILE_BYTES.narrow), isWide)));
    const spill = f.let(select(i32(SPILL.wide), i32(SPILL.narrow), isWide));
    const codes = f.local("i32");
    const mantissas = f.local("i32");
    const token = f.local("i32");
    const a = f.local("i32");
    f.for(divU(mul(tiles, thread), threads), divU(mul(tiles, add(thread, 1)), threads), 1, (tile) => {
      f.set(codes, add(load32(step, MATRIX.codes), mul(tile, tileBytes)));
      f.set(mantissas, add(load32(step, MATRIX.mantissas), shl(mul(tile, groups), 2)));
      f.set(token, first);
      f.set(a, add(input, mul(first, stride)));
      f.if(
        eq(sub(tokens, first), 1),
        () => {
          f.if(
            isWide,
            () => f.do(dotWide(codes, mantissas, a, a, groups, spill)),
            () => f.do(dotNarrow(codes, mantissas, a, a, groups, spill)),
          );
          f.do(finish(step, tile, token, i32(1)));
        },
        () => {
          f.if(
            isWide,
            () => f.do(expandWide(codes, mantissas, expandedTile, groups)),
            () => f.do(expandNarrow(codes, mantissas, expandedTile, groups)),
          );
          f.while(lt(add(token, 1), tokens), () => {
            f.do(dotTwo(expandedTile, expandedTile, a, add(a, stride), groups, spill));
            f.do(finish(step, tile, token, i32(2)));
            f.set(token, add(token, 2));
            f.set(a, add(a, shl(stride, 1)));
          });
          f.if(lt(token, tokens), () => {
            f.do(dotOne(expandedTile, expandedTile, a, a, groups, spill));
            f.do(finish(step, tile, token, i32(1)));
          });
        },
      );
    });
  });
}

/** Products of one group, added to [vectors][rows]. */
function accumulateGroup(
  f: Body,
  weights: Weights,
  codes: Expr<"i32">,
  mantissas: Expr<"i32">,
  vectors: readonly Expr<"i32">[],
  accumulators: readonly (readonly Local<"v128">[])[],
): void {
  const rows = ROWS.map((r) => weights(f, codes, mantissas, r));
  for (const k of QUARTERS) {
    const inputs = vectors.map((vector) => f.let(loadV(vector, 16 * k)));
    for (const r of ROWS) {
      const weight = vectors.length === 1 ? rows[r]![k]! : f.let(rows[r]![k]!);
      for (const [c, input] of inputs.entries()) {
        const accumulator = accumulators[c]![r]!;
        f.set(accumulator, addV32(accumulator, dotV16(weight, input)));
      }
    }
  }
}
