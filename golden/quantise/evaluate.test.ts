import assert from "node:assert/strict";
import { distance, evaluate, evaluationText, repetition, splitStories } from "./evaluate.js";
import { choose, sample } from "./sample.js";
import { Random } from "../model/prng.js";

const uniform = () => new Float64Array(8);
const codec = {
  encode: (text: string) => [1, ...text].map(Number),
  decode: (t: readonly number[]) => t.slice(1).join(""),
};

describe("evaluation", () => {
  it("a decoder that knows nothing: log2(vocabulary) bits per token, cut at the context", () => {
    const text = evaluationText(["234", "23456"], codec, 4);
    assert.deepEqual(text, {
      sequences: [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
      characters: 6,
    });
    const result = evaluate(uniform, text);
    assert.equal(result.tokens, 6);
    assert.ok(Math.abs(result.bitsPerCharacter - 3) < 1e-12);
    assert.ok(Math.abs(result.perplexity - 8) < 1e-12);
  });

  it("a decoder that knows all: no bits, perplexity 1", () => {
    const logits = new Float64Array(8);
    const oracle = (token: number) => {
      logits.fill(0);
      logits[token + 1] = 1000;
      return logits;
    };
    const text = evaluationText(["234"], codec, 9);
    assert.ok(Math.abs(evaluate(oracle, text).perplexity - 1) < 1e-12);
    assert.deepEqual(distance(oracle, oracle, text), { divergence: 0, agreement: 1 });
    assert.ok(distance(oracle, uniform, text).divergence > 2);
  });

  it("splits stories at their separator only", () => {
    assert.deepEqual(splitStories("One.\n\nTwo.\n<|endoftext|>\nThree.\n<|endoftext|>\n\nFour.\n"), [
      "One.\n\nTwo.",
      "Three.",
      "Four.",
    ]);
  });

  it("repetition counts n-grams seen before", () => {
    assert.equal(repetition([1, 2, 3, 4, 5, 6, 7]), 0);
    assert.equal(repetition([1, 1, 1, 1, 1, 1]), 2 / 3);
    assert.equal(repetition([1, 2]), 0);
  });

  it("samples in proportion, the same for the same seed", () => {
    const logits = Float64Array.of(0, Math.log(3), -1000);
    const random = new Random(2);
    let ones = 0;
    for (let i = 0; i < 4000; i++) ones += choose(logits, { temperature: 1 }, random);
    assert.ok(Math.abs(ones / 4000 - 0.75) < 0.03, `${ones}`);
    assert.equal(choose(Float64Array.of(1, 5, 5), { temperature: 0 }, random), 1);
    const options = { temperature: 1, seed: 9 };
    assert.deepEqual(sample(uniform, 3, 20, options), sample(uniform, 3, 20, options));
    assert.deepEqual(
      sample(() => logits, 1, 20, { temperature: 0, seed: 1, stop: 1 }),
      [1],
    );
  });
});
