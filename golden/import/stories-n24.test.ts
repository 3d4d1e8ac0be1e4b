/** The shipped 2:4 model: its file is what golden/import/README.md says, and it still speaks. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { generate, IntegerState } from "../model/integer.js";
import { MATRICES } from "../quantise/round.js";
import { readDemo } from "./demo.js";
import { readTokenizerJson } from "./tokenizer.js";

const FOLDER = new URL("../demo/", import.meta.url);
const NAME = "stories-n24.safetensors";

describe("demo model, 2:4", () => {
  const bytes = readFileSync(new URL(NAME, FOLDER));
  const { model } = readDemo(bytes, NAME);

  it("keeps exactly two four-level weights of every aligned four, in every linear matrix", () => {
    for (const [l, layer] of model.layers.entries())
      for (const name of MATRICES) {
        const { format, codes, cols } = layer[name];
        assert.equal(format, "N24");
        for (let quad = 0; quad < codes.length; quad += 4) {
          const kept = codes.subarray(quad, quad + 4).filter((c) => c !== 0);
          const where = `layers.${l}.${name}, row ${Math.floor(quad / cols)}, column ${quad % cols}`;
          assert.equal(kept.length, 2, where);
          assert.ok(
            kept.every((c) => Math.abs(c) === 1 || Math.abs(c) === 3),
            where,
          );
        }
      }
    assert.equal(model.embedding.format, "W4");
  });

  it("is smaller than 200 kB: four weights in a byte", () => assert.ok(bytes.length < 200_000));

  it("writes these 16 tokens, which are English, without saturating", () => {
    const tokenizer = readTokenizerJson(
      readFileSync(new URL("tokenizer.json", FOLDER), "utf8"),
      "tokenizer.json",
    );
    const state = new IntegerState(model);
    assert.equal(
      tokenizer.decode(generate(state, [1], 16)),
      "Once upon a time, there was a little girl named Lily. She",
    );
    assert.equal(state.sticky.total(), 0);
  });
});
