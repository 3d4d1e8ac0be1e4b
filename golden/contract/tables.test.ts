/** Every table entry, exhaustively, by exact integer inequalities or BigInt series: a wrong table would fool both sides. */
import assert from "node:assert/strict";
import { exp, FRACTION, ONE, PI, ratio, roundSurely, sin } from "../quantise/precise.js";
import { CACHE_CODE, EXP2, INV16, LOG16, RECIP, RSQRT, SIGMOID, SINE, V8_SLOTS } from "./tables.js";

/** v = round(num/den), ties excluded. */
function assertRounded(v: number, num: bigint, den: bigint, what: string): void {
  const w = BigInt(v);
  assert.ok((2n * w - 1n) * den < 2n * num && 2n * num < (2n * w + 1n) * den, what);
}

describe("contract tables", () => {
  it("RECIP[i] = round(2^31 / ((128 + i + 0.5)·2^8))", () => {
    assert.equal(RECIP.length, 128);
    RECIP.forEach((v, i) => {
      assertRounded(v, 2n ** 32n, (257n + 2n * BigInt(i)) * 256n, `RECIP[${i}]`);
    });
  });

  it("RSQRT[64·odd + j] = round(2^16 / sqrt((1 + (j + 0.5)/64)·(odd ? 2 : 1))), by squares", () => {
    assert.equal(RSQRT.length, 128);
    RSQRT.forEach((v, i) => {
      const w = BigInt(v);
      const x = (129n + 2n * BigInt(i & 63)) * (i >= 64 ? 2n : 1n); // 128·argument
      const target = 4n * 2n ** 32n * 128n; // (2v)^2·x for the exact v
      assert.ok((2n * w - 1n) ** 2n * x < target && target < (2n * w + 1n) ** 2n * x, `RSQRT[${i}]`);
      assert.ok(v <= 65535, "the clamp of the contract is never needed");
    });
  });

  it("SINE[i] = round(2^14·sin(πi/512))", () => {
    assert.equal(SINE.length, 257);
    SINE.forEach((v, i) => {
      // i = 256 is exactly 2^14; the series is a hair below
      assert.equal(BigInt(v), roundSurely(sin((PI * BigInt(i)) / 512n) << 14n), `SINE[${i}]`);
    });
  });

  it("EXP2[i] = round(2^16·2^(-i/64)), by 64th powers", () => {
    assert.equal(EXP2.length, 65);
    EXP2.forEach((v, i) => {
      const target = 2n ** (17n * 64n - BigInt(i));
      assert.ok((2n * BigInt(v) - 1n) ** 64n < target && target < (2n * BigInt(v) + 1n) ** 64n, `EXP2[${i}]`);
    });
  });

  it("INV16[f] = round(2^16/(16 + f))", () => {
    assert.equal(INV16.length, 16);
    INV16.forEach((v, f) => {
      assertRounded(v, 2n ** 16n, 16n + BigInt(f), `INV16[${f}]`);
    });
  });

  it("LOG16[f] = round(1024·log2(16 + f)), by 2048th powers", () => {
    assert.equal(LOG16.length, 16);
    LOG16.forEach((v, f) => {
      const power = (16n + BigInt(f)) ** 2048n;
      assert.ok(2n ** (2n * BigInt(v) - 1n) < power && power < 2n ** (2n * BigInt(v) + 1n), `LOG16[${f}]`);
    });
  });

  it("SIGMOID[i] = round(2^16/(1 + exp(-i/16)))", () => {
    assert.equal(SIGMOID.length, 257);
    SIGMOID.forEach((v, i) => {
      const denominator = ONE + exp(-ratio(BigInt(i), 16n));
      if (i === 0) assert.equal(v, 32768);
      else
        assert.equal(BigInt(v), roundSurely(((1n << 16n) << (2n * FRACTION)) / denominator), `SIGMOID[${i}]`);
    });
  });

  it("cache codes: D is the smallest multiplier that never makes a scale too small; L codes fit their bits", () => {
    for (const [bits, { largest, scale }] of Object.entries(CACHE_CODE)) {
      assert.ok(scale * largest >= 4 * 65536 && (scale - 1) * largest < 4 * 65536, `${bits} bits`);
      assert.ok(largest < 2 ** (Number(bits) - 1));
    }
    // two digits h, l in -8..7 that never need a carry out of h: 16·7 + 7
    assert.equal(CACHE_CODE[8].largest, 16 * 7 + 7);
    // section 6: μ <= 2^14, p <= 127
    assert.ok(V8_SLOTS * 127 * CACHE_CODE[8].largest * 2 ** 14 < 2 ** 39);
  });
});
