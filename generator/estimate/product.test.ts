import assert from "node:assert/strict";
import type { Kernel } from "../engines/kernel.js";
import { indexMux } from "../engines/kernels/example.testing.js";
import { tree } from "../engines/kernels/tree.js";
import type { BeatCode } from "../isa/codes.js";
import { defaultConfig } from "../isa/config.js";
import { extrapolate, runProduct } from "./product.js";
import { runSlice, type Subject } from "./slice.js";

const subject = (kernel: Kernel, rows = 2, tokens = 1): Subject => ({
  kernel,
  family: "fabric",
  config: { ...defaultConfig, rows, tokens },
});

describe("products by slices", () => {
  it("counts on at the rhythm of the blocks", () => {
    assert.deepEqual(extrapolate([5, 9, 13, 17], 3), { at: 13, scaling: "counted" });
    assert.deepEqual(extrapolate([9, 13, 17, 21, 25], 100), { at: 25 + 95 * 4, scaling: "counted" });
    // 3 and 5 in turn, after a slow start: 17 more blocks are 8 pairs and a 5
    const turns = [10, 20, 23, 28, 31, 36, 39, 44, 47];
    assert.deepEqual(extrapolate(turns, 26), { at: 47 + 8 * 8 + 5, scaling: "counted" });
    assert.deepEqual(extrapolate([1, 2, 4, 7, 8, 13, 15, 22], 10), { at: 22 + 8, scaling: "by the mean" });
  });

  it("gives the cycles of the whole product", () => {
    // 1,024 rows of 64 columns: 128 of them simulated and counted on, against all of them simulated
    const all = runSlice(subject(tree), "w2", { blocks: 512, groups: 2, tokens: 1 });
    const run = runProduct(subject(tree), "w2", { rows: 1024, columns: 64, tokens: 1 }, 64);
    assert.equal(run.cycles, all.sumsAt[511]! + 1);
    assert.equal(run.simulatedBeats, 128);
    assert.equal(run.beats, 1024);
    assert.equal(run.busy, (1024 * 64) / (64 * run.cycles));
  });

  for (const [kernel, code] of [
    [tree, "w2"],
    [tree, "w4"],
    [tree, "ternary"],
    [indexMux, "n24"],
  ] satisfies [Kernel, BeatCode][])
    it(`compares the sums of ${kernel.name}, ${code}, two tokens`, () => {
      const { compared } = runSlice(subject(kernel, 4, 2), code, { blocks: 3, groups: 4, tokens: 2 });
      assert.equal(compared, (code === "w4" ? 2 : 4) * 3 * 2);
    });

  it("does not print figures of an engine that is wrong", () => {
    // The fault: it takes 2:4 beats for dense ones.
    const wrong: Kernel = { ...tree, codes: ["n24"] };
    assert.throws(
      () => runSlice(subject(wrong), "n24", { blocks: 1, groups: 1, tokens: 1 }),
      /code n24: row sum 0 of sums 0 is -?\d+, whole numbers give -?\d+/,
    );
  });
});
