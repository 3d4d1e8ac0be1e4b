/**
 * Float matrix times the vectors of a block of tokens, in float32. Every result is summed in one fixed order, without
 * fused operations, whatever the block and the threads: the same bits on every machine.
 */
import {
  add,
  addF32,
  addVF32,
  divU,
  type Expr,
  laneF32,
  load32,
  loadV,
  lt,
  mul,
  mulVF32,
  ne,
  shl,
  storeF32,
  zeroV,
} from "../assembler/expression.js";
import type { Module } from "../assembler/module.js";
import { BLOCK, record, word } from "./memory.js";

export const FLOAT_TILE_ROWS = 4;
/** Of a tile's rows in four columns. */
export const FLOAT_TILE_BYTES = 64;

export const FLOAT_MATRIX = record(
  "weights", // float32 [tiles][columns in fours][rows of a tile][4]
  "tiles",
  "quads", // columns in fours
  "input", // float32 [tokens][quads][4]
  "out", // float32 [tokens][tiles][rows of a tile]
  "first", // address of the word that says from which token on
);

const ROWS = [0, 1, 2, 3] as const;

export function floatFunctions(module: Module) {
  const dot = (name: string, tokens: 1 | 2) =>
    module.func(
      name,
      ["i32", "i32", "i32", "i32", "i32", "i32"],
      "void",
      (f, weights, quads, a, b, outA, outB) => {
        const vectors = tokens === 1 ? [a] : [a, b];
        const outs = tokens === 1 ? [outA] : [outA, outB];
        const sums = ROWS.map(() => vectors.map(() => f.local("v128", zeroV)));
        const end = f.let(add(weights, mul(quads, FLOAT_TILE_BYTES)));
        f.while(ne(weights, end), () => {
          const inputs = vectors.map((vector) => f.let(loadV(vector)));
          for (const r of ROWS) {
            const weight = f.let(loadV(weights, 16 * r));
            for (const [c, input] of inputs.entries()) {
              const sum = sums[r]![c]!;
              f.set(sum, addVF32(sum, mulVF32(weight, input)));
            }
          }
          for (const vector of vectors) f.set(vector, add(vector, 16));
          f.set(weights, add(weights, FLOAT_TILE_BYTES));
        });
        for (const r of ROWS) {
          for (const [c, out] of outs.entries()) {
            const lane = (i: number): Expr<"f32"> => laneF32(sums[r]![c]!, i);
            f.do(storeF32(out, addF32(addF32(lane(0), lane(1)), addF32(lane(2), lane(3))), 4 * r));
          }
        }
      },
    );
  const one = dot("floatOne", 1);
  const two = dot("floatTwo", 2);

  return module.func("floatMatrix", ["i32", "i32", "i32"], "void", (f, step, thread, threads) => {
    const tokens = f.let(word(BLOCK.tokens));
    const first = f.let(load32(load32(step, FLOAT_MATRIX.first)));
    const tiles = f.let(load32(step, FLOAT_MATRIX.tiles));
    const quads = f.let(load32(step, FLOAT_MATRIX.quads));
    const inBytes = f.let(shl(quads, 4));
    const outBytes = f.let(shl(tiles, 4));
    const token = f.local("i32");
    const a = f.local("i32");
    const out = f.local("i32");
    f.for(divU(mul(tiles, thread), threads), divU(mul(tiles, add(thread, 1)), threads), 1, (tile) => {
      const weights = f.let(add(load32(step, FLOAT_MATRIX.weights), mul(tile, mul(quads, FLOAT_TILE_BYTES))));
      f.set(token, first);
      f.set(a, add(load32(step, FLOAT_MATRIX.input), mul(first, inBytes)));
      f.set(out, add(add(load32(step, FLOAT_MATRIX.out), mul(first, outBytes)), shl(tile, 4)));
      f.while(lt(add(token, 1), tokens), () => {
        f.do(two(weights, quads, a, add(a, inBytes), out, add(out, outBytes)));
        f.set(token, add(token, 2));
        f.set(a, add(a, shl(inBytes, 1)));
        f.set(out, add(out, shl(outBytes, 1)));
      });
      f.if(lt(token, tokens), () => f.do(one(weights, quads, a, a, out, out)));
    });
  });
}
