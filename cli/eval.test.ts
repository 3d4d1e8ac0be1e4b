import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { TemporaryFolder } from "../golden/import/write/folder.js";
import { json, writeHuggingFace } from "../golden/import/write/huggingface.js";
import { randomFloatModel, TINY } from "../golden/import/write/random.js";
import { byteLevelTokenizer } from "../golden/import/write/tokenizerJson.js";
import { llama } from "../golden/model/architecture.js";
import { loadToRun } from "./model.js";
import { EVAL_MARK } from "./evalPage.js";
import { type EvalReport, renderEval } from "./evalText.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const quiet = { context: 64 };

describe("gateloom eval", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());

  const run = (args: readonly string[]) =>
    execa(process.execPath, ["--import", "tsx", path.join(root, "cli", "main.ts"), "eval", ...args], {
      ...{ cwd: root, reject: false, stdin: "ignore", env: { NO_COLOR: "1" } },
    });

  it("the demo, on a text without separators: a report, and a page", async () => {
    const folder = temporary.folder(
      new Map([["some.txt", new TextEncoder().encode("The cat sat on the mat. ".repeat(40))]]),
    );
    const text = path.join(folder, "some.txt");
    const page = path.join(folder, "report.html");
    const { stdout, stderr, exitCode } = await run([
      "--text",
      text,
      "--tokens",
      "300",
      "--json",
      "--out",
      page,
    ]);
    assert.equal(exitCode, 0, stderr);
    const report: EvalReport = JSON.parse(stdout);
    assert.deepEqual(
      report.steps.map(({ name }) => name),
      ["rounded weights", "+ A8", "+ A8 KV4", "integer"],
    );
    assert.deepEqual(
      [report.hasSource, report.text.tokens, report.text.windows, report.text.longest, report.layers.tokens],
      [false, 300, 2, 256, 256],
    );
    const [first, , fake, integer] = report.steps;
    assert.equal(first!.divergence, 0);
    assert.ok(integer!.perplexity < 12 && Math.abs(integer!.perplexity / fake!.perplexity - 1) < 0.02);
    assert.ok(
      Math.abs(first!.bitsPerCharacter * report.text.characters - 300 * Math.log2(first!.perplexity)) < 1e-6,
    );
    const saturated = Object.values(report.saturations);
    assert.ok(saturated.length > 0 && saturated.every((count) => count === 0));
    assert.match(renderEval(report), /quantised already: the float it was made from is not here/);
    assert.ok(readFileSync(page, "utf8").includes(EVAL_MARK));
  });

  it("refuses what cannot work, and never replaces a file that is not its own", async () => {
    const folder = temporary.folder(new Map([["mine.html", new TextEncoder().encode("mine")]]));
    const mine = path.join(folder, "mine.html");
    const { stderr, exitCode } = await run([
      "--text",
      "golden/demo/heldout.txt",
      "--tokens",
      "4",
      "--out",
      mine,
    ]);
    assert.match(stderr, /mine\.html: exists and was not written by gateloom/);
    assert.equal(exitCode, 2);
    assert.equal(readFileSync(mine, "utf8"), "mine");
    const nothing = await run(["--text", path.join(folder, "none.txt")]);
    assert.match(nothing.stderr, /^gateloom: --text .*none\.txt: no such file/);
    assert.equal(nothing.exitCode, 2);
  });

  describe("models", () => {
    const architecture = llama(1e-5, 1e4);
    const model = randomFloatModel(architecture, 4, { ...TINY, vocab: 257 });
    const tokenizer = json(byteLevelTokenizer([], [{ content: "<|end|>", special: true }], false));

    it("a checkpoint is rounded on the way, and keeps its float; options say how", async () => {
      const folder = temporary.folder(writeHuggingFace(model).set("tokenizer.json", tokenizer));
      const loaded = await loadToRun(folder, {
        ...quiet,
        ...{ weights: "W8", embedding: "W8", kv: 8, sinks: 2, window: 6 },
      });
      const { model: integer, source } = loaded;
      assert.deepEqual(source!.layers[1]!.down, model.layers[1]!.down);
      assert.deepEqual([integer.layers[0]!.q.format, integer.embedding.format], ["W8", "W8"]);
      assert.deepEqual(
        [integer.layers[1]!.cache, integer.sinks, integer.window],
        [{ keys: 8, values: 8 }, 2, 6],
      );
      assert.equal(loaded.tokenizer.size, 257);
    });

    it("needs a tokenizer that fits", async () => {
      const bare = temporary.folder(writeHuggingFace(model));
      await assert.rejects(loadToRun(bare, quiet), /no tokenizer beside it; give --tokenizer/);
      const few = writeHuggingFace(randomFloatModel(architecture, 4)).set("tokenizer.json", tokenizer);
      await assert.rejects(
        loadToRun(temporary.folder(few), quiet),
        /the tokenizer has 257 tokens, the model only 40/,
      );
    });

    it("a file of integers takes no formats", async () => {
      await assert.rejects(loadToRun(undefined, { ...quiet, kv: 8 }), /--kv: .* is quantised already/);
      const copy = path.join(temporary.folder(new Map()), "copy.safetensors");
      writeFileSync(copy, readFileSync(path.join(root, "golden/demo/stories.safetensors")));
      await assert.rejects(loadToRun(copy, quiet), /no tokenizer beside it/);
    });
  });
});
