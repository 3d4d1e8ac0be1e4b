/** Vectors and matrices against BigInt statements of the contract; planted extremes. */
import assert from "node:assert/strict";
import { addResidual, argmax, embed, gather, matvec, quantise, Sticky, sigmoid } from "./ops.js";
import { Random } from "./random.js";
import type { QuantisedMatrix, Scale } from "./types.js";

/** Section 4 in BigInt. */
function exactRow(matrix: QuantisedMatrix, row: number, input: Int8Array, t: Scale, bits: number): bigint {
  const groups = Math.ceil(matrix.cols / 32);
  let sum = 0n;
  for (let i = 0; i < matrix.cols; i++) {
    const mantissa = BigInt(matrix.mantissas[row * groups + Math.floor(i / 32)]!);
    sum += mantissa * BigInt(matrix.codes[row * matrix.cols + i]!) * BigInt(input[i]!);
  }
  const product = sum * BigInt(t.m);
  const shift = BigInt(Math.max(0, matrix.exponents[row]! - t.e));
  const rounded = shift === 0n ? product : (product + (1n << (shift - 1n))) >> shift;
  const limit = 1n << BigInt(bits - 1);
  return rounded >= limit ? limit - 1n : rounded < -limit ? -limit : rounded;
}

function randomMatrix(random: Random, rows: number, cols: number): QuantisedMatrix {
  return {
    rows,
    cols,
    format: "W4",
    codes: Int8Array.from({ length: rows * cols }, () => random.integer(-8, 7)),
    mantissas: Uint8Array.from({ length: rows * Math.ceil(cols / 32) }, () => random.integer(0, 255)),
    exponents: Uint8Array.from({ length: rows }, () => random.integer(0, 31)),
  };
}

describe("vector and matrix operations", () => {
  it("matvec equals exact arithmetic for any scale, with a last group that is not full", () => {
    const random = new Random(5);
    for (const cols of [12, 32, 64, 172]) {
      const matrix = randomMatrix(random, 24, cols);
      const input = Int8Array.from({ length: cols }, () => random.integer(-127, 127));
      for (let e = -45; e <= 20; e += 5) {
        const t = { m: random.integer(32768, 65535), e };
        const bits = e % 2 === 0 ? 24 : 32;
        const out = new Int32Array(matrix.rows);
        matvec(matrix, input, t, bits, out, new Sticky());
        const exact = Array.from(out, (_, row) => Number(exactRow(matrix, row, input, t, bits)));
        assert.deepEqual(Array.from(out), exact, `cols ${cols}, exponent ${e}`);
      }
    }
  });

  it("matvec counts negative shifts and saturations", () => {
    const matrix = { ...randomMatrix(new Random(1), 1, 32), codes: new Int8Array(32).fill(7) };
    const wide = { ...matrix, mantissas: Uint8Array.of(255), exponents: Uint8Array.of(0) };
    const sticky = new Sticky();
    const out = new Int32Array(1);
    matvec(wide, new Int8Array(32).fill(127), { m: 65535, e: 4 }, 24, out, sticky);
    assert.deepEqual([out[0], sticky.shift, sticky.matrix], [8388607, 1, 1]);
  });

  it("embed shifts left or rounds right, as exponent and binary point ask", () => {
    const table: QuantisedMatrix = {
      rows: 2,
      cols: 3,
      format: "W4",
      codes: Int8Array.of(7, -8, 3, 7, -8, 3),
      mantissas: Uint8Array.of(255, 101),
      exponents: Uint8Array.of(10, 25),
    };
    const x = new Int32Array(3);
    const sticky = new Sticky();
    embed(table, 0, 20, x, sticky);
    assert.deepEqual(Array.from(x), [1785 * 1024, -2040 * 1024, 765 * 1024]);
    embed(table, 1, 20, x, sticky);
    assert.deepEqual(Array.from(x), [22, -25, 9]); // 707/32 = 22.09, -808/32 = -25.25, 303/32 = 9.47
    embed(table, 0, 40, x, sticky);
    assert.deepEqual(Array.from(x), [2147483647, -2147483648, 2147483647]);
    assert.equal(sticky.residual, 3);
  });

  it("gather takes |-2^31| as 2^31", () => {
    const x = Int32Array.of(-2147483648, 4096, -1);
    const y = new Int32Array(3);
    const sticky = new Sticky();
    const sums = gather(x, Int16Array.of(32767, 16384, -32768), y, sticky);
    assert.deepEqual(Array.from(y), [-2147418112, 2048, 1]);
    assert.equal(sums.maximum, 2147418112);
    assert.deepEqual(sums.squares, { sum: 131072 ** 2 + 0 + 1, shift: 14 });
    const low = gather(Int32Array.of(-2147483648), Int16Array.of(-32768), new Int32Array(1), sticky);
    assert.equal(low.maximum, 2147483647);
    assert.equal(sticky.y, 1);
  });

  it("quantise: the largest magnitude gets ±127, zero stays zero, any maximum works", () => {
    for (let k = 0; k <= 31; k++) {
      const maximum = 2 ** k;
      const v = Int32Array.of(k === 31 ? -2147483648 : -maximum, 0, Math.floor(maximum / 2));
      const codes = new Int8Array(3);
      const scale = quantise(v, maximum, codes);
      assert.equal(scale.m * 2 ** scale.e, maximum);
      assert.deepEqual(Array.from(codes.subarray(0, 2)), [-127, 0]);
      if (k > 4) assert.equal(codes[2], 63); // 63.5 less the error of recip(2^15) = 65535
    }
    const codes = Int8Array.of(5, 5);
    assert.deepEqual(quantise(new Int32Array(2), 0, codes), { m: 0, e: 0 });
    assert.deepEqual(Array.from(codes), [0, 0]);
  });

  it("addResidual saturates at both ends", () => {
    const x = Int32Array.of(2147483647, -2147483648, 5);
    const sticky = new Sticky();
    addResidual(x, Int32Array.of(1, -1, -7), sticky);
    assert.deepEqual([...x, sticky.residual], [2147483647, -2147483648, -2, 2]);
  });

  it("argmax takes the lowest index among equals", () => {
    assert.equal(argmax(Int32Array.of(-5, 9, 3, 9)), 1);
    assert.equal(argmax(Int32Array.of(-5, -5)), 0);
  });

  it("sigmoid is complementary and constant beyond 16", () => {
    for (let gate = 1; gate < 70000; gate += 7) assert.equal(sigmoid(gate) + sigmoid(-gate), 65536);
    assert.deepEqual(
      [sigmoid(65536), sigmoid(-65536), sigmoid(8388607), sigmoid(-8388608)],
      [65536, 0, 65536, 0],
    );
  });
});
