/**
 * What quantisation costs the real checkpoint stories260K, when GATELOOM_DATA names a folder that holds it (stories260K.bin,
 * tok512.bin). Its words are measured on the held-out stories of the demo model, which it has not seen either.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readLlama2c } from "../import/llama2c.js";
import { readTokenizerBin } from "../import/tokenizer.js";
import type { FloatModel } from "../model/float.js";
import { floatDecoder, integerDecoder } from "./decoder.js";
import { type EvaluationText, evaluate, evaluationText, splitStories } from "./evaluate.js";
import { type QuantiseOptions, quantiseModel } from "./quantise.js";

/** Stories, cut at so many tokens. */
const STORIES = 12;
const LENGTH = 256;

describe("stories260K in integers", function () {
  this.timeout(120_000);
  const folder = process.env.GATELOOM_DATA;
  let source: FloatModel;
  let text: EvaluationText;
  let perplexity = 0;

  before(function () {
    if (folder === undefined) {
      console.log("    NOT RUN: set GATELOOM_DATA to a folder with stories260K.bin to run these");
      this.skip();
    }
    source = readLlama2c(readFileSync(join(folder, "stories260K.bin")), "stories260K.bin");
    const tokenizer = readTokenizerBin(readFileSync(join(folder, "tok512.bin")), 512, "tok512.bin");
    const heldout = readFileSync(new URL("../demo/heldout.txt", import.meta.url), "utf8");
    text = evaluationText(splitStories(heldout).slice(0, STORIES), tokenizer, LENGTH);
    perplexity = evaluate(floatDecoder(source), text).perplexity;
    console.log(`    ${STORIES} stories, float perplexity ${perplexity.toFixed(4)}`);
  });

  /**
   * `cost` against float, `noise` against fake-quantised. Keys of 4 bits cost this model of 8 channels a head much, and
   * codes that round the other way then change a single story by 3 % (standard deviation, mean 0).
   */
  const cases: readonly (readonly [string, QuantiseOptions, { cost: number; noise: number }])[] = [
    [
      "W8A8KV8",
      { format: "W8", embedding: "W8", cache: { keys: 8, values: 8 } },
      { cost: 0.01, noise: 0.01 },
    ],
    ["W4A8K8V4", { cache: { keys: 8, values: 4 } }, { cost: 0.2, noise: 0.01 }],
    ["W4A8KV4", {}, { cost: 0.6, noise: 0.03 }],
  ];
  for (const [name, options, most] of cases)
    it(`${name}: perplexity within ${most.cost * 100} % of float, ${most.noise * 100} % of fake-quantised`, () => {
      const { model, rounded } = quantiseModel(source, options);
      const { cache } = model.layers[0]!;
      const fake = evaluate(floatDecoder(rounded.float, { a8: true, cache }), text).perplexity;
      const integer = evaluate(integerDecoder(model), text).perplexity;
      console.log(`    fake-quantised ${fake.toFixed(4)}, integer ${integer.toFixed(4)}`);
      assert.ok(Math.abs(integer / perplexity - 1) < most.cost);
      assert.ok(Math.abs(integer / fake - 1) < most.noise);
    });
});
