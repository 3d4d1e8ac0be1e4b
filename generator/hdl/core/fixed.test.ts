import assert from "node:assert/strict";
import { simulate } from "../../simulate/index.js";
import { defineModule, elaborate, type Fixed, fixed, type Rounding, sint } from "../index.js";

/** Outputs of a function of two fixed-point inputs (12 bits·2^-4, 9 bits·2^-2), for many values. */
const check = (f: (a: Fixed, b: Fixed) => Fixed, want: (a: bigint, b: bigint) => bigint): Fixed => {
  let result: Fixed | undefined;
  const def = defineModule("op", { in: { a: sint(12), b: sint(9) }, out: { y: sint(40) } }, ({ a, b }) => {
    result = f(fixed(a, -4), fixed(b, -2));
    return { y: result.sig.extend(40) };
  });
  const sim = simulate(elaborate(def));
  for (let i = 0; i < 3000; i++) {
    const corner = [-2048, -2047, -1, 0, 1, 2047, -8, 8, 24, -24];
    const a = i < 100 ? corner[i % 10]! : ((i * 7919) % 4096) - 2048;
    const b =
      i < 100 ? [-256, 255, 0, -1, 1, 2, -2, 6, -6, 100][Math.floor(i / 10)]! : ((i * 104729) % 512) - 256;
    sim.poke("a", a);
    sim.poke("b", b);
    const y = sim.peek("y");
    assert.equal(y, want(BigInt(a), BigInt(b)), `a ${a} b ${b}`);
    assert.ok(result!.range.lo <= y && y <= result!.range.hi);
  }
  return result!;
};
const rounded =
  (mode: Rounding) =>
  (v: bigint, n: bigint): bigint => {
    const down = v >> n;
    const rest = v - (down << n);
    const half = 1n << (n - 1n);
    if (mode === "floor" || rest < half) return down;
    return rest > half || mode === "half-up" || down % 2n !== 0n ? down + 1n : down;
  };

describe("fixed point", () => {
  it("adds, subtracts, negates at the finer exponent", () => {
    assert.equal(
      check(
        (a, b) => a.add(b),
        (a, b) => a + 4n * b,
      ).exp,
      -4,
    );
    check(
      (a, b) => a.sub(b),
      (a, b) => a - 4n * b,
    );
    check(
      (a) => a.neg(),
      (a) => -a,
    );
  });

  it("multiplies into the smallest width", () => {
    const p = check(
      (a, b) => a.mul(b),
      (a, b) => a * b,
    );
    assert.deepEqual([p.exp, p.width], [-6, 21]); // -2048·-256 = 2^19 needs 21 bits
  });

  it("knows what a sum of products needs: 4,096 of int4 (±7) by int8 (±127) fit 23 bits", () => {
    const def = defineModule("sum", { in: { a: sint(4), b: sint(8) }, out: { y: sint(40) } }, ({ a, b }) => {
      const product = fixed(a, 0, { lo: -7n, hi: 7n }).mul(fixed(b, 0, { lo: -127n, hi: 127n }));
      const total = Array.from({ length: 12 }).reduce<Fixed>((sum) => sum.add(sum), product);
      assert.equal(total.width, 23);
      return { y: total.sig.extend(40) };
    });
    elaborate(def);
  });

  for (const mode of ["floor", "half-up", "half-even"] as const)
    it(`rounds ${mode}`, () => {
      check(
        (a) => a.round(-1, mode),
        (a) => rounded(mode)(a, 3n),
      );
      check(
        (a) => a.round(12, mode),
        (a) => rounded(mode)(a, 16n),
      );
    });

  it("saturates", () => {
    const s = check(
      (a) => a.sat({ lo: -100n, hi: 99n }),
      (a) => (a < -100n ? -100n : a > 99n ? 99n : a),
    );
    assert.equal(s.width, 8);
  });
});
