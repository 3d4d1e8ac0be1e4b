/**
 * Real checkpoints, when GATELOOM_DATA names a folder that holds them (stories260K.bin, tok512.bin and
 * stories260K-qat-w2g64.bin). Nothing here is needed for a green run, but a run without says so.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FloatModel } from "../model/float.js";
import { generate, IntegerState } from "../model/integer.js";
import { floatDecoder, integerDecoder } from "../quantise/decoder.js";
import { distance } from "../quantise/evaluate.js";
import { quantiseModel } from "../quantise/quantise.js";
import { sample } from "../quantise/sample.js";
import { readLlama2c } from "./llama2c.js";
import { readTokenizerBin, type Tokenizer } from "./tokenizer.js";

/** What llama2.c's own test (test_all.py) expects of 200 greedy steps. */
const EXPECTED = `Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.
Lily's mom said, "Lily, let's go to the park." Lily was sad and didn't know what to do. She said, "I want to play with your ball, but I can't find it."
Lily was sad and didn't know what to do. She said, "I'm sorry, Lily. I didn't know what to do."
Lily didn't want to help her mom, so she`;

describe("stories260K", () => {
  const folder = process.env.GATELOOM_DATA;
  let tokenizer: Tokenizer;
  const checkpoint = (name: string): FloatModel => readLlama2c(readFileSync(join(folder!, name)), name);

  before(function () {
    if (folder === undefined) {
      console.log("    NOT RUN: set GATELOOM_DATA to a folder with stories260K.bin to run these");
      this.skip();
    }
    tokenizer = readTokenizerBin(readFileSync(join(folder, "tok512.bin")), 512, "tok512.bin");
  });

  it("float: greedy text equals llama2.c's, byte for byte", () => {
    const model = checkpoint("stories260K.bin");
    const tokens = sample(floatDecoder(model), 1, 201, { temperature: 0, seed: 0 });
    assert.equal(tokenizer.decode(tokens), EXPECTED);
    assert.equal(tokenizer.decode(tokenizer.encode(EXPECTED)), EXPECTED);
  });

  it("two-bit checkpoint: codes recovered, integers follow the fake-quantised float model", () => {
    const source = checkpoint("stories260K-qat-w2g64.bin");
    const { model, rounded } = quantiseModel(source);
    for (const [l, layer] of model.layers.entries()) {
      for (const name of ["q", "k", "v", "o", "gate", "up", "down"] as const) {
        assert.equal(layer[name].format, "W2");
        const levels = source.layers[l]![name];
        for (let i = 0; i < levels.length; i++) {
          const error = Math.abs(rounded.float.layers[l]![name][i]! / levels[i]! - 1);
          assert.ok(error < 0.02, `${name}[${i}]: off by ${error}`);
        }
      }
    }
    const state = new IntegerState(model);
    const tokens = generate(state, [1], 200);
    assert.match(
      tokenizer.decode(tokens),
      /^Once upon a time, there was a little girl named Lily\. She loved to play/,
    );
    assert.equal(state.sticky.total(), 0);
    const text = { sequences: [tokenizer.encode(EXPECTED)], characters: EXPECTED.length };
    const twin = floatDecoder(rounded.float, { a8: true, cache: { keys: 4, values: 4 } });
    const { divergence, agreement } = distance(twin, integerDecoder(model), text);
    assert.ok(divergence < 0.03 && agreement > 0.85, `divergence ${divergence}, agreement ${agreement}`);
  });

  it("float checkpoint: rounded to W4 it still speaks", () => {
    const { model } = quantiseModel(checkpoint("stories260K.bin"));
    const text = tokenizer.decode(generate(new IntegerState(model), [1], 60));
    assert.match(text, /^Once upon a time, there was a /);
  });
});
