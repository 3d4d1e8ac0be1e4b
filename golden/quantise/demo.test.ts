/** The shipped model: its integers follow its fake-quantised float twin on text it has never seen. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { type DemoModel, readDemo } from "../import/demo.js";
import { readTokenizerJson, type Tokenizer } from "../import/tokenizer.js";
import { generate, IntegerState } from "../model/integer.js";
import { evaluationText, splitStories } from "./evaluate.js";
import { judge } from "./judge.js";

const FOLDER = new URL("../demo/", import.meta.url);
const STORIES = 4; // of the held-out ones; `gateloom` judges all of them

describe("demo model", () => {
  let demo: DemoModel;
  let tokenizer: Tokenizer;

  before(function () {
    const file = new URL("stories.safetensors", FOLDER);
    if (!existsSync(file)) {
      console.log("    NOT RUN: golden/demo/stories.safetensors is not there");
      this.skip();
    }
    demo = readDemo(readFileSync(file), "stories.safetensors");
    tokenizer = readTokenizerJson(readFileSync(new URL("tokenizer.json", FOLDER), "utf8"), "tokenizer.json");
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
