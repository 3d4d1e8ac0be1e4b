/** Scalar operations against BigInt statements of the contract, written independently of the code. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { bitlen, mul, norm16, reciprocal, rshr, rsqrt, Sticky, sat } from "./ops.js";

const big = fc.integer({ min: -(2 ** 51), max: 2 ** 51 });

describe("scalar arithmetic", () => {
  it("rshr rounds half up for every shift", () => {
    fc.assert(
      fc.property(big, fc.integer({ min: 0, max: 80 }), (a, n) => {
        const expected = n === 0 ? BigInt(a) : (BigInt(a) + (1n << BigInt(n - 1))) >> BigInt(n);
        assert.equal(rshr(a, n), Number(expected));
      }),
    );
    assert.equal(rshr(-3, 1), -1); // -1.5 up
    assert.equal(rshr(3, 1), 2);
  });

  it("sat clamps and counts only what it changed", () => {
    const sticky = new Sticky();
    assert.equal(sat(8388607, 24, sticky, "matrix"), 8388607);
    assert.equal(sat(-8388608, 24, sticky, "matrix"), -8388608);
    assert.equal(sticky.total(), 0);
    assert.equal(sat(8388608, 24, sticky, "matrix"), 8388607);
    assert.equal(sat(-8388609, 24, sticky, "rope"), -8388608);
    assert.deepEqual([sticky.matrix, sticky.rope, sticky.total()], [1, 1, 2]);
  });

  it("norm16 keeps the 16 leading bits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 52 }), (v) => {
        const { m, e } = norm16(v);
        assert.equal(bitlen(v), BigInt(v).toString(2).length);
        assert.ok(m >= 32768 && m < 65536);
        const k = BigInt(e);
        assert.equal(BigInt(m), k >= 0n ? BigInt(v) >> k : BigInt(v) << -k);
      }),
    );
    assert.deepEqual(norm16(0), { m: 0, e: 0 });
  });

  it("mul cuts the product to 16 bits", () => {
    const mantissa = fc.integer({ min: 32768, max: 65535 });
    fc.assert(
      fc.property(mantissa, mantissa, (a, b) => {
        const { m, e } = mul({ m: a, e: 3 }, { m: b, e: -7 });
        assert.ok(m >= 32768 && m < 65536);
        assert.equal(BigInt(m), (BigInt(a) * BigInt(b)) >> BigInt(e + 4));
      }),
    );
    assert.deepEqual(mul({ m: 0, e: 0 }, { m: 40000, e: 9 }), { m: 0, e: 0 });
  });

  it("reciprocal and rsqrt of zero are zero", () => {
    assert.deepEqual(reciprocal({ m: 0, e: 0 }), { m: 0, e: 0 });
    assert.deepEqual(rsqrt({ m: 0, e: 0 }), { m: 0, e: 0 });
  });

  it("reciprocal and rsqrt have the right exponent over the whole range", () => {
    for (let e = -40; e <= 40; e++) {
      const scale = { m: 49152, e };
      const inverse = reciprocal(scale);
      assert.ok(Math.abs(inverse.m * 2 ** inverse.e * scale.m * 2 ** e - 1) < 1e-4);
      const root = rsqrt(scale);
      assert.ok(Math.abs((root.m * 2 ** root.e) ** 2 * scale.m * 2 ** e - 1) < 1e-4);
    }
  });
});
