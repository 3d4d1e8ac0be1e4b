/** The shipped models: their integers follow their fake-quantised float twins on text they have never seen. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type DemoModel, readDemo } from "../import/demo.js";
import { readTokenizerJson, type Tokenizer } from "../import/tokenizer.js";
import { generate, IntegerState } from "../model/integer.js";
import { integerReader } from "./decoder.js";
import { evaluate, evaluationText, splitStories } from "./evaluate.js";
import { judge } from "./judge.js";

const FOLDER = new URL("../demo/", import.meta.url);
/** Of the held-out ones, for the slow float passes; the integer model reads all of them. */
const STORIES = 4;
/**
 * Bits per character on heldout.txt that the shipped models must keep. The project's first aim was 0.92, which its float
 * teacher (0.901) barely reaches on this text and its own float twin (0.989) does not: see golden/demo/train/README.md.
 */
const MODELS = [
  { file: "stories", results: "results", label: "W2A8KV4", gate: 1.2 },
  { file: "stories-n24", results: "results-n24", label: "2:4 A8KV4", gate: 1.22 },
] as const;

for (const { file, results, label, gate } of MODELS)
  describe(`demo model, ${label}`, () => {
    let demo: DemoModel;
    let tokenizer: Tokenizer;

    before(() => {
      demo = readDemo(readFileSync(new URL(`${file}.safetensors`, FOLDER)), `${file}.safetensors`);
      tokenizer = readTokenizerJson(
        readFileSync(new URL("tokenizer.json", FOLDER), "utf8"),
        "tokenizer.json",
      );
    });

    it("predicts the whole held-out excerpt within its gate", function () {
      this.timeout(240_000);
      const stories = splitStories(readFileSync(new URL("heldout.txt", FOLDER), "utf8"));
      const text = evaluationText(stories, tokenizer, demo.model.shape.context);
      const reader = integerReader(demo.model);
      const { bitsPerCharacter } = evaluate((token, position) => reader.read([token], position)[0]!, text);
      reader.close();
      const figures = JSON.parse(readFileSync(new URL(`train/${results}.json`, FOLDER), "utf8"));
      const fake: number = figures.bits_per_character[`fake-quantised ${label}, from the exported integers`];
      console.log(
        `    ${stories.length} stories: integer ${bitsPerCharacter.toFixed(4)}, fake-quantised ${fake.toFixed(4)} bits per character`,
      );
      assert.ok(bitsPerCharacter <= gate);
      assert.ok(Math.abs(bitsPerCharacter / fake - 1) < 0.01, "integer within 1 % of fake-quantised");
    });

    it("integers predict held-out text as well as the fake-quantised model", () => {
      const stories = splitStories(readFileSync(new URL("heldout.txt", FOLDER), "utf8")).slice(0, STORIES);
      const text = evaluationText(stories, tokenizer, demo.model.shape.context);
      const rows = judge({ rounded: demo.rounded.float, integer: demo.model }, text);
      const [fake, integer] = [rows.at(-2)!, rows.at(-1)!];
      for (const row of rows)
        console.log(`    ${row.name}: ${row.bitsPerCharacter.toFixed(4)} bits per character`);
      assert.ok(integer.bitsPerCharacter < 1.3, "the model has learnt the language of these stories");
      assert.ok(Math.abs(integer.bitsPerCharacter / fake.bitsPerCharacter - 1) < 0.015);
      assert.ok(integer.divergence < 0.05, `divergence from the rounded weights: ${integer.divergence}`);
    });

    it("speaks greedily without saturating anywhere", () => {
      const state = new IntegerState(demo.model);
      const text = tokenizer.decode(generate(state, [1], 120));
      assert.match(text, /^Once upon a time, there was /);
      assert.equal(state.sticky.total(), 0);
    });
  });
