/** PLL figures against those of icepll (Project IceStorm), for the iCEBreaker's 12 MHz and others. */
import assert from "node:assert/strict";
import { ice40Clocks, ice40Pll } from "./pll.js";

describe("iCE40 PLL", () => {
  it("makes what icepll makes", () => {
    const figures = (input: number, output: number): number[] => {
      const pll = ice40Pll(input, output)!;
      return [pll.divr, pll.divf, pll.divq, pll.filterRange];
    };
    assert.deepEqual(figures(12, 20.25), [0, 53, 5, 1]);
    assert.deepEqual(figures(12, 24), [0, 63, 5, 1]);
    assert.deepEqual(figures(12, 60), [0, 79, 4, 1]);
    assert.deepEqual(figures(100, 30), [4, 47, 5, 2]);
    assert.deepEqual(figures(48, 18), [0, 11, 5, 4]);
  });

  it("says where it cannot", () => {
    for (const output of [15.9, 20.1, 300]) assert.equal(ice40Pll(12, output), null);
  });

  it("clocks fall, and all can be made", () => {
    const clocks = ice40Clocks(12, 16, 30);
    assert.deepEqual(clocks.slice(0, 3), [30, 29.625, 29.25]);
    assert.ok(clocks.every((c, i) => ice40Pll(12, c) !== null && (i === 0 || c < clocks[i - 1]!)));
    assert.ok(clocks.includes(20.25) && clocks.includes(24));
  });
});
