import assert from "node:assert/strict";
import { exp, ln, sinCos } from "./elementary.js";

describe("elementary functions from exact operations", () => {
  it("are within a few units of the last place of Math's", () => {
    for (let x = -50; x <= 50; x += 0.37) assert.ok(Math.abs(exp(x) / Math.exp(x) - 1) < 2e-15, `exp(${x})`);
    for (let x = 0.001; x < 1e6; x *= 1.7) assert.ok(Math.abs(ln(x) - Math.log(x)) < 4e-15, `ln(${x})`);
    for (let x = 0; x < 5000; x += 0.83) {
      const [sin, cos] = sinCos(x);
      assert.ok(Math.abs(sin - Math.sin(x)) < 1e-12 && Math.abs(cos - Math.cos(x)) < 1e-12, `sin(${x})`);
    }
    assert.deepEqual([exp(0), exp(-1000), ln(1)], [1, 0, 0]);
    assert.deepEqual(sinCos(0), [0, 1]);
  });
});
