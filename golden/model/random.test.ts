/** Random models hold what their weight format says, so that every engine can be tested on them. */
import assert from "node:assert/strict";
import { MATRICES } from "../quantise/round.js";
import { randomModel } from "./random.js";
import type { WeightFormat } from "./types.js";

const SHAPE = { dim: 36, hidden: 44, layers: 1, heads: 1, kvHeads: 1, headDim: 36, vocab: 8, context: 8 };

describe("random models", () => {
  const levels: readonly (readonly [WeightFormat, readonly number[]])[] = [
    ["W2", [-3, -1, 1, 3]],
    ["W4", [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]],
    ["TERNARY", [-1, 0, 1]],
    ["N24", [-3, -1, 0, 1, 3]],
  ];
  for (const [format, codes] of levels)
    it(`${format}: all of its levels, no others`, () => {
      const layer = randomModel(SHAPE, 5, { format }).layers[0]!;
      for (const name of MATRICES)
        assert.deepEqual(
          [...new Set(layer[name].codes)].sort((a, b) => a - b),
          codes,
        );
    });

  it("N24: two of every aligned four in every row, every pair of columns among them", () => {
    const { down } = randomModel(SHAPE, 6, { format: "N24" }).layers[0]!;
    const pairs = new Set<string>();
    for (let quad = 0; quad < down.codes.length; quad += 4) {
      const kept = [0, 1, 2, 3].filter((i) => down.codes[quad + i] !== 0);
      assert.equal(kept.length, 2, `columns from ${quad % down.cols} of row ${Math.floor(quad / down.cols)}`);
      pairs.add(kept.join());
    }
    assert.equal(pairs.size, 6);
  });

  it("N24: refuses columns that are no multiple of four", () => {
    assert.throws(
      () => randomModel({ ...SHAPE, dim: 34, headDim: 34 }, 5, { format: "N24" }),
      /34 columns do not divide into the fours of N24; use W2 or a multiple of 4/,
    );
  });
});
