import assert from "node:assert/strict";
import { exp, FRACTION, fromDouble, LN2, ln, ONE, PI, ratio, roundSurely, sin } from "./precise.js";

/** The first `digits` decimals of a fixed-point value. */
function decimals(value: bigint, digits: number): string {
  return String((value * 10n ** BigInt(digits)) >> FRACTION);
}

function close(a: bigint, b: bigint): boolean {
  const d = a - b;
  return (d < 0n ? -d : d) < 1n << 16n; // 2^-96
}

describe("BigInt elementary functions", () => {
  it("know pi, ln 2 and e to 30 decimals", () => {
    assert.equal(decimals(PI, 30), "3141592653589793238462643383279");
    assert.equal(decimals(LN2, 30), "693147180559945309417232121458");
    assert.equal(decimals(exp(ONE), 30), "2718281828459045235360287471352");
  });

  it("satisfy their equations", () => {
    for (let n = -20n; n <= 20n; n += 3n) {
      const x = ratio(n, 7n);
      assert.ok(close(ln(exp(x)), x), `ln(exp(${n}/7))`);
      assert.ok(close((exp(x) * exp(-x)) >> FRACTION, ONE), `exp(${n}/7)·exp(-${n}/7)`);
    }
    assert.ok(close(sin(PI / 2n), ONE));
    assert.ok(close(sin(PI / 6n), ONE / 2n));
  });

  it("round only what is sure", () => {
    assert.equal(roundSurely(ratio(7n, 3n)), 2n);
    assert.equal(roundSurely(ratio(-8n, 3n)), -3n);
    assert.throws(() => roundSurely(ratio(5n, 2n)), /undecided rounding/);
  });

  it("take doubles exactly", () => {
    assert.equal(fromDouble(-0.375), ratio(-3n, 8n));
    assert.equal(fromDouble(10000), 10000n * ONE);
    assert.equal(fromDouble(2 ** -80), ONE >> 80n);
    assert.throws(() => fromDouble(Number.NaN), /not a finite number/);
  });
});
