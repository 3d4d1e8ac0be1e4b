import assert from "node:assert/strict";
import { ropeFrequencies, type RopeScaling } from "../model/architecture.js";
import { epsilonSum, epsilons, ropeIncrements, toScale } from "./constants.js";

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

  it("RoPE increments follow every scaling that the float forward pass knows", () => {
    const factors = Array.from({ length: 32 }, (_, j) => 1 + j / 7);
    const llama3 = { type: "llama3", lowFactor: 1, highFactor: 4, originalContext: 8192 } as const;
    const scalings: readonly RopeScaling[] = [
      { type: "linear", factor: 4 },
      { type: "factors", factors },
      { ...llama3, factor: 8 },
      { ...llama3, factor: 32, originalContext: 100 },
    ];
    const plain = ropeIncrements({ theta: 500000, scaling: { type: "none" } }, 64);
    for (const scaling of scalings) {
      const increments = ropeIncrements({ theta: 500000, scaling }, 64);
      assert.notDeepEqual(increments, plain);
      for (const [j, frequency] of ropeFrequencies({ theta: 500000, scaling }, 64).entries()) {
        const expected = (frequency * 4294967296) / (2 * Math.PI);
        assert.ok(Math.abs(increments[j]! - expected) <= 0.500001, `${scaling.type}, pair ${j}`);
      }
    }
  });

  it("epsilonSum is at least 1", () => {
    assert.equal(epsilonSum(64, 1e-5, 26), 2882303761517);
    assert.equal(epsilonSum(64, 1e-5, 2), 1);
  });

  it("epsilons of the other norms, in units of their own elements; 1 where there is none", () => {
    const shape = { dim: 64, hidden: 128, heads: 4, headDim: 32 };
    const fraction = { q: 20, k: 18, key: 16, v: 16, o: 17, gate: 18, up: 16 };
    const of = (qkNorm: boolean, subNorm: boolean) =>
      epsilons(shape, "relu2", 1e-5, fraction, { qkNorm, subNorm });
    assert.deepEqual(of(false, false), { q: 1, k: 1, attention: 1, ffn: 1 });
    assert.deepEqual(of(true, true), {
      q: Math.round(32e-5 * 2 ** 40),
      k: Math.round(32e-5 * 2 ** 36),
      attention: Math.round(128e-5 * 2 ** 34),
      ffn: Math.round(128e-5 * 2 ** 36), // h has 2·18 + 16 - 34 = 18 fraction bits
    });
  });
});
