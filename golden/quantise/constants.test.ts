import assert from "node:assert/strict";
import { epsilonSum, ropeIncrements, toScale } from "./constants.js";

describe("constants of a quantised model", () => {
  it("toScale is the nearest scale", () => {
    for (let v = 1e-9; v < 1e9; v *= 1.37) {
      const { m, e } = toScale(v);
      assert.ok(m >= 32768 && m < 65536);
      assert.ok(Math.abs((m * 2 ** e) / v - 1) <= 2 ** -16, `${v}`);
    }
    assert.deepEqual(toScale(65535.7), { m: 32768, e: 1 }); // carries into the exponent
    assert.deepEqual(toScale(0), { m: 0, e: 0 });
    assert.throws(() => toScale(-1), /no scale for -1/);
  });

  it("RoPE increments are turns/2^32 per position", () => {
    const increments = ropeIncrements({ theta: 10000, scaling: { type: "none" } }, 32);
    assert.equal(increments.length, 16);
    increments.forEach((increment, j) => {
      const expected = (4294967296 * 10000 ** (-j / 16)) / (2 * Math.PI);
      assert.ok(Math.abs(increment - expected) <= 0.5000001, `pair ${j}`);
    });
    assert.equal(increments[0], 683565276); // 2^32/(2π)
    assert.equal(increments[8], 6835653); // a hundredth
  });

  it("epsilonSum is at least 1", () => {
    assert.equal(epsilonSum(64, 1e-5, 26), 171799);
    assert.equal(epsilonSum(64, 1e-5, 12), 1);
  });
});
