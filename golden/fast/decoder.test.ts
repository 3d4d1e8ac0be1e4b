/** Decoders of golden/quantise on the fast models: the same evaluation, near floats, prompts, sequences. */
import assert from "node:assert/strict";
import type { FakeOptions } from "../model/float.js";
import { type RandomOptions, randomModel } from "../model/random.js";
import { floatTwin } from "../model/twin.testing.js";
import { type Decoder, floatDecoder, integerDecoder } from "../quantise/decoder.js";
import { distance, evaluate } from "../quantise/evaluate.js";
import { logitsOf, prefill } from "./block.js";
import { fastDecoder, fastFloatDecoder } from "./decoder.js";
import { FastFloatModel } from "./float.js";
import { FastModel } from "./model.js";

const SHAPE = { dim: 64, hidden: 172, layers: 2, heads: 4, kvHeads: 2, headDim: 16, vocab: 67, context: 64 };
const sequence = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => (i * 29 + seed) % SHAPE.vocab);
const SEQUENCES = [sequence(40, 1), sequence(1, 2), sequence(64, 3), [], sequence(7, 5)];
const TEXT = { sequences: SEQUENCES, characters: 300 };

describe("fast decoders", () => {
  it("the integer model token by token: golden's logits to the last bit", () => {
    const model = randomModel(SHAPE, 41, { format: "W4" });
    const golden = integerDecoder(model);
    const fast = fastDecoder(model, { threads: 2 });
    for (const [position, token] of SEQUENCES[2]!.entries())
      assert.deepEqual(fast(token, position), golden(token, position));
    fast.close();
  });

  it("evaluation that runs ahead gives the same figures, again and again", () => {
    const model = randomModel(SHAPE, 42, { format: "W4", sinks: 1, window: 20 });
    const fast = fastDecoder(model, { threads: 1, block: 16, sequences: SEQUENCES });
    const expected = evaluate(integerDecoder(model), TEXT);
    assert.deepEqual(evaluate(fast, TEXT), expected);
    assert.deepEqual(evaluate(fast, TEXT), expected);
    assert.deepEqual(distance(integerDecoder(model), fast, TEXT), {
      ...distance(integerDecoder(model), integerDecoder(model), TEXT),
    });
    assert.throws(() => fast(66, 0), /token 66 at position 0 is not what the sequences say/);
    fast.close();
  });

  it("logits of all sequences, and of a prompt's last token", () => {
    const model = randomModel(SHAPE, 43);
    const golden = integerDecoder(model);
    const fast = new FastModel(model, { threads: 1, block: 9 });
    let seen = 0;
    for (const { sequence, position, logits } of logitsOf(fast, SEQUENCES)) {
      assert.deepEqual(logits, golden(SEQUENCES[sequence]![position]!, position));
      seen++;
    }
    assert.equal(seen, 40 + 1 + 64 + 7);

    const logits = new Float64Array(SHAPE.vocab);
    fast.readLogits(prefill(fast, SEQUENCES[0]!.slice(0, 12), 0), logits); // a prompt in two parts
    fast.readLogits(prefill(fast, SEQUENCES[0]!.slice(12), 12), logits);
    let last = new Float64Array(0);
    for (const [position, token] of SEQUENCES[0]!.entries()) last = golden(token, position).slice();
    assert.deepEqual(logits, last);
    fast.close();
  });

  it("refuses what golden refuses, and blocks that are none", () => {
    const model = randomModel(SHAPE, 44);
    const fast = new FastModel(model, { threads: 1, block: 4 });
    assert.throws(() => fast.run([67], 0), /token 67 is outside the vocabulary 0\.\.66/);
    assert.throws(() => fast.run([1, 2], 63), /positions 63\.\.64 are outside the context 0\.\.63/);
    assert.throws(() => fast.run([], 0), /0 tokens: a block has 1 to 4/);
    assert.throws(() => fast.run([1, 2, 3, 4, 5], 0), /5 tokens: a block has 1 to 4/);
    assert.throws(() => new FastModel(model, { threads: 0 }), /threads is 0/);
    assert.throws(() => new FastModel(model, { block: 1.5 }), /block is 1\.5/);
    const huge = { ...model, sinks: 0, window: 2 ** 28 };
    assert.throws(
      () => new FastModel(huge, { threads: 1 }),
      /needs [0-9.]+ GiB; a WebAssembly memory has at most 4/,
    );
    fast.close();
    assert.throws(() => fast.run([1], 0), /closed/);
  });
});

describe("fast float decoder", () => {
  const largestDifference = (a: Decoder, b: Decoder, tokens: readonly number[]): number => {
    let largest = 0;
    for (const [position, token] of tokens.entries()) {
      const logits = a(token, position);
      const others = b(token, position);
      for (let i = 0; i < logits.length; i++) largest = Math.max(largest, Math.abs(logits[i]! - others[i]!));
    }
    return largest;
  };
  const architectures: Readonly<Record<string, RandomOptions>> = {
    Llama: { format: "W8" },
    everything: { format: "W4", bias: true, qkNorm: true, subNorm: true, gate: "relu2", head: "W8" },
  };
  for (const [name, options] of Object.entries(architectures)) {
    it(`is within 1e-4 of the float model: ${name}`, () => {
      const model = floatTwin(randomModel(SHAPE, 45, options));
      const tokens = SEQUENCES[2]!;
      const fast = fastFloatDecoder(model, {}, { threads: 2, block: 16, sequences: [[...tokens, 0]] });
      const difference = largestDifference(fast, floatDecoder(model), tokens);
      assert.ok(difference > 0 && difference < 1e-4, `largest difference of a logit: ${difference}`);
      fast.close();
    });
  }

  it("is near with fake quantisation too: a code that rounds the other way is all that differs", () => {
    const fakes: readonly FakeOptions[] = [
      { a8: true },
      { a8: true, cache: { keys: 4, values: 8 }, slots: { sinks: 2, window: 20 } },
    ];
    for (const fake of fakes) {
      const model = floatTwin(randomModel(SHAPE, 46, { format: "W4" }));
      const fast = fastFloatDecoder(model, fake, { threads: 1, sequences: SEQUENCES });
      const { divergence, agreement } = distance(floatDecoder(model, fake), fast, TEXT);
      assert.ok(divergence < 1e-4, `divergence ${divergence}`);
      assert.ok(agreement > 0.98, `agreement ${agreement}`);
      const shift =
        evaluate(fast, TEXT).perplexity / evaluate(floatDecoder(model, fake), TEXT).perplexity - 1;
      assert.ok(Math.abs(shift) < 1e-3, `perplexity differs by ${shift}`);
      fast.close();
    }
  });

  it("gives the same bits whatever the threads and blocks", () => {
    const model = floatTwin(randomModel(SHAPE, 47));
    const bits = (threads: number, block: number): number[] => {
      const fast = new FastFloatModel(model, { a8: true }, { threads, block });
      const all: number[] = [];
      for (const { logits } of logitsOf(fast, [SEQUENCES[0]!])) all.push(...logits);
      fast.close();
      return all;
    };
    const expected = bits(1, 1);
    assert.deepEqual(bits(1, 5), expected);
    assert.deepEqual(bits(3, 32), expected);
  });
});
