import assert from "node:assert/strict";
import { Random } from "../model/prng.js";
import { mergePairs } from "./mergePairs.js";

/** The rule as llama2.c writes it: look through all pairs, merge the best, begin again. */
const plainly = (
  tokens: readonly number[],
  unionOf: (a: number, b: number) => number | undefined,
  scores: readonly number[],
): number[] => {
  const now = [...tokens];
  for (;;) {
    let best: { readonly at: number; readonly union: number } | undefined;
    for (let at = 0; at + 1 < now.length; at++) {
      const union = unionOf(now[at]!, now[at + 1]!);
      if (union !== undefined && (best === undefined || scores[union]! > scores[best.union]!))
        best = { at, union };
    }
    if (best === undefined) return now;
    now.splice(best.at, 2, best.union);
  }
};

describe("byte-pair merging", () => {
  it("is the plain rule, on random vocabularies with equal scores", () => {
    const random = new Random(5);
    for (let round = 0; round < 300; round++) {
      const unions = new Map<number, number>();
      for (let id = 4; id < 24; id++)
        unions.set(100 * random.integer(0, id - 1) + random.integer(0, id - 1), id);
      const scores = Array.from({ length: 24 }, () => -random.integer(0, 6));
      const tokens = Array.from({ length: random.integer(0, 60) }, () => random.integer(0, 3));
      const unionOf = (a: number, b: number): number | undefined => unions.get(100 * a + b);
      assert.deepEqual(mergePairs(tokens, unionOf, scores), plainly(tokens, unionOf, scores), `${tokens}`);
    }
  });

  it("merges the leftmost of equals first", () =>
    assert.deepEqual(
      mergePairs([0, 0, 0], (a, b) => (a + b === 0 ? 1 : undefined), [0, 0]),
      [1, 0],
    ));

  it("merges a long text", () => {
    const unionOf = (a: number, b: number): number | undefined => (a === b && a < 17 ? a + 1 : undefined);
    const scores = Array.from({ length: 20 }, (_, id) => -id);
    assert.deepEqual(mergePairs(Array<number>(1 << 17).fill(0), unionOf, scores), [17]);
  });
});
