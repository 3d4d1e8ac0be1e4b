import assert from "node:assert/strict";
import { distance, evaluate, evaluationText, repetition, splitStories, textWindows } from "./evaluate.js";
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

  describe("windows of any text", () => {
    /** A token per character; "é" is spread over two. */
    const bytes = new TextEncoder();
    const codec = (bos: number | null) => ({
      bos,
      encode: (text: string) => [...bytes.encode(text)],
      piece: (_: number, token: number) => Uint8Array.of(token),
    });

    it("with BOS: every token is predicted once", () => {
      const { sequences, characters } = textWindows("abcdefg", codec(1), 4, 99);
      assert.deepEqual(sequences, [
        [1, 97, 98, 99],
        [1, 100, 101, 102],
        [1, 103],
      ]);
      assert.equal(characters, 7);
    });
    it("without BOS: behind the token before it, and the first one of a document never", () => {
      const { sequences, characters } = textWindows("abcde", codec(null), 3, 99);
      assert.deepEqual(sequences, [
        [97, 98, 99],
        [99, 100, 101],
      ]);
      assert.equal(characters, 4);
    });
    it("documents begin windows; characters count where they begin; it ends at the limit", () => {
      const text = "a\u00e9\n<|endoftext|>\nxyz\n<|endoftext|>\nnever";
      const { sequences, characters } = textWindows(text, codec(1), 9, 5);
      assert.deepEqual(sequences, [
        [1, 97, 0xc3, 0xa9],
        [1, 120, 121],
      ]);
      assert.equal(characters, 4);
      assert.equal(
        textWindows("\u00e9", codec(null), 9, 5).characters,
        0,
        "its first byte was not predicted",
      );
    });
    it("a long text is not encoded further than is asked for", () => {
      let encoded = 0;
      const { encode } = codec(1);
      const counting = {
        ...codec(1),
        encode: (text: string) => {
          encoded += text.length;
          return encode(text);
        },
      };
      const { sequences } = textWindows("\u{1f642}".repeat(1e5), counting, 8, 10);
      assert.deepEqual(
        sequences.map((tokens) => tokens.length),
        [8, 4],
      );
      assert.ok(encoded < 1000);
      // Tokens of very many characters: all of it is needed after all.
      const coarse = {
        ...codec(1),
        encode: (text: string) => [...text.matchAll(/.{1,1000}/g)].map(() => 65),
      };
      assert.equal(textWindows("x".repeat(5000), coarse, 8, 4).sequences[0]!.length, 5);
    });
    it("a text without a token to predict has no windows", () =>
      assert.deepEqual(textWindows("a", codec(null), 8, 9), { sequences: [], characters: 0 }));
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
