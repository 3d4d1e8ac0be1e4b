/** What the sampler cuts away, and how often it draws the rest. */
import assert from "node:assert/strict";
import { Random } from "../model/prng.js";
import { choose, type Sampling } from "./sample.js";

/** Probabilities 0.1, 0.4, 0.2, 0.3 in this order. */
const LOGITS = Float64Array.of(1, 4, 2, 3).map((p) => Math.log(p / 10));
const DRAWS = 20_000;

const shares = (sampling: Sampling, logits: Float64Array = LOGITS): number[] => {
  const random = new Random(7);
  const counts = Array<number>(logits.length).fill(0);
  for (let i = 0; i < DRAWS; i++) counts[choose(logits, sampling, random)]!++;
  return counts.map((count) => count / DRAWS);
};

/** Four standard deviations of a share. */
const near = (actual: number[], expected: number[]): void => {
  for (const [i, p] of expected.entries())
    assert.ok(Math.abs(actual[i]! - p) <= 4 * Math.sqrt((p * (1 - p)) / DRAWS), `${actual} for ${expected}`);
};

describe("the sampler", () => {
  it("draws in proportion to the exponentials", () => near(shares({ temperature: 1 }), [0.1, 0.4, 0.2, 0.3]));
  it("temperature divides the logits", () =>
    near(
      shares({ temperature: 0.5 }),
      [1, 16, 4, 9].map((w) => w / 30),
    ));
  it("top-k keeps the likeliest, in proportion", () => {
    near(shares({ temperature: 1, topK: 2 }), [0, 4 / 7, 0, 3 / 7]);
    near(shares({ temperature: 1, topK: 1 }), [0, 1, 0, 0]);
    near(shares({ temperature: 1, topK: 99 }), [0.1, 0.4, 0.2, 0.3]);
  });
  it("top-p keeps the fewest that reach it", () => {
    near(shares({ temperature: 1, topP: 0.65 }), [0, 4 / 7, 0, 3 / 7]);
    near(shares({ temperature: 1, topP: 0.75 }), [0, 4 / 9, 2 / 9, 3 / 9]);
    near(shares({ temperature: 1, topP: 0 }), [0, 1, 0, 0]);
  });
  it("top-p counts what top-k left", () =>
    // Of 0.4 and 0.3 the first alone is 0.57.
    near(shares({ temperature: 1, topK: 2, topP: 0.5 }), [0, 1, 0, 0]));
  it("takes equal logits in the order of their index", () =>
    near(shares({ temperature: 1, topK: 2 }, new Float64Array(4)), [0.5, 0.5, 0, 0]));
  it("gives the same tokens for the same seed, others for another", () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 30 }, () => choose(LOGITS, { temperature: 1, topP: 0.95 }, random));
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
  });
});
