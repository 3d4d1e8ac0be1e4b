/** gateloom quantise: saved models that run, runs that are killed and go on, and what is refused. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { TemporaryFolder } from "../golden/import/write/folder.js";
import { writeGgufModel } from "../golden/import/write/ggufModel.js";
import { byteLevelTokenizer as ggufTokenizer } from "../golden/import/write/ggufTokenizer.js";
import { json, writeHuggingFace } from "../golden/import/write/huggingface.js";
import { randomFloatModel, TINY } from "../golden/import/write/random.js";
import { byteLevelTokenizer } from "../golden/import/write/tokenizerJson.js";
import { llama } from "../golden/model/architecture.js";
import { loadToRun } from "./model.js";
import { WorkFolder } from "./quantiseFolder.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const quiet = { context: 64 };

describe("gateloom quantise", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());
  const start = (args: readonly string[]) =>
    execa(process.execPath, ["--import", "tsx", path.join(root, "cli", "main.ts"), "quantise", ...args], {
      ...{ cwd: root, reject: false, stdin: "ignore", env: { NO_COLOR: "1" } },
    });
  const refuses = async (args: readonly string[], message: RegExp): Promise<void> => {
    const { exitCode, stderr } = await start(args);
    assert.match(stderr, message);
    assert.equal(exitCode, 2, stderr);
  };
  const tokenizer = json(byteLevelTokenizer([], [{ content: "<|end|>", special: true }], false));
  const config = json({ eos_token: "<|end|>", chat_template: "{{ messages[0].content }}" });
  const checkpoint = (shape = { ...TINY, vocab: 257 }): string =>
    temporary.folder(
      writeHuggingFace(randomFloatModel(llama(1e-5, 1e4), 4, shape), { dtype: "BF16" })
        .set("tokenizer.json", tokenizer)
        .set("tokenizer_config.json", config),
    );

  it("a folder that runs as the checkpoint does when it is quantised on the way, tokenizer and template with it", async () => {
    const folder = checkpoint();
    const out = path.join(temporary.folder(new Map()), "saved");
    const { stdout, stderr, exitCode } = await start([
      folder,
      "--out",
      out,
      "--kv",
      "8",
      "--weights",
      "W8",
      "--json",
    ]);
    assert.equal(exitCode, 0, stderr);
    const summary = JSON.parse(stdout);
    assert.deepEqual(
      [summary.kept.matrices, summary.calibrationTokens, existsSync(`${out}.partial`)],
      [0, 96, false],
    );
    assert.ok(summary.meanError < 1e-3 && summary.bitsPerWeight > 8);
    const saved = await loadToRun(out, quiet);
    const direct = await loadToRun(folder, { ...quiet, kv: 8, weights: "W8" });
    assert.deepEqual({ ...saved.model, name: "" }, { ...direct.model, name: "" });
    assert.deepEqual(saved.twin(), { ...direct.twin(), name: saved.twin().name });
    assert.deepEqual(
      [saved.tokenizer.stops, saved.tokenizer.chatTemplate, saved.tokenizer.encode("a b")],
      [direct.tokenizer.stops, direct.tokenizer.chatTemplate, direct.tokenizer.encode("a b")],
    );
    assert.deepEqual([saved.tokenizer.stops.length, saved.source], [2, undefined]);
    await assert.rejects(loadToRun(out, { ...quiet, kv: 8 }), /--kv: .* is quantised already/);
  });

  it("goes on where it was killed, to the same bytes", async () => {
    const folder = checkpoint({ ...TINY, dim: 64, hidden: 96, layers: 10, vocab: 257 });
    const place = temporary.folder(
      new Map([["text.txt", "Some text to calibrate on, over and over. ".repeat(40)]]),
    );
    const args = (out: string): string[] => [
      ...[folder, "--out", path.join(place, out), "--calibration", path.join(place, "text.txt")],
      ...["--method", "gptq", "--weights", "w2", "--threads", "1", "--calibration-tokens", "200"],
    ];
    const whole = await start(args("whole"));
    assert.equal(whole.exitCode, 0, whole.stderr);
    const killed = start(args("killed"));
    const partial = path.join(place, "killed.partial");
    while (!existsSync(path.join(partial, "layer.1"))) await new Promise((resolve) => setTimeout(resolve, 5));
    killed.kill("SIGKILL");
    await killed;
    assert.ok(!existsSync(path.join(place, "killed")) && !existsSync(path.join(partial, "final")));
    const again = await start(args("killed"));
    assert.equal(again.exitCode, 0, again.stderr);
    assert.match(again.stderr, /going on behind what an interrupted run has done/);
    const bytes = (out: string): Buffer => readFileSync(path.join(place, out, "model.safetensors"));
    assert.ok(bytes("whole").equals(bytes("killed")));
    assert.ok(!existsSync(partial));
  });

  it("keeps a GGUF file's tokenizer, as a GGUF file of metadata alone", async () => {
    const model = randomFloatModel(llama(1e-5, 1e4), 4, {
      ...TINY,
      dim: 64,
      headDim: 16,
      hidden: 64,
      vocab: 257,
    });
    const file = temporary.file("m.gguf", writeGgufModel(model, ["Q8_0"], ggufTokenizer([], ["<|im_end|>"])));
    const out = path.join(temporary.folder(new Map()), "saved");
    const { stdout, stderr, exitCode } = await start([file, "--out", out, "--rotate", "--embedding", "w8"]);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /weights in .* bits each, calibrated on 96 tokens\nrounded: squared error/);
    assert.deepEqual(readdirSync(out).sort(), ["manifest.json", "model.safetensors", "tokenizer.gguf"]);
    const saved = (await loadToRun(out, quiet)).tokenizer;
    const direct = (await loadToRun(file, quiet)).tokenizer;
    for (const text of ["a b", "<|im_end|>x", "é"]) assert.deepEqual(saved.encode(text), direct.encode(text));
    assert.deepEqual([saved.stops, saved.bos, saved.size], [direct.stops, direct.bos, direct.size]);
  });

  it("refuses what cannot work", async () => {
    const folder = checkpoint();
    const place = temporary.folder(new Map([["empty.txt", "\n"]]));
    const out = path.join(place, "out");
    await refuses(
      [folder, "--out", out, "--prune", "wanda"],
      /--prune keeps two of four weights of --weights w2, not of w4/,
    );
    await refuses(
      [folder, "--out", out, "--calibration", path.join(place, "empty.txt")],
      /the text is too short/,
    );
    await refuses(
      [folder, "--out", out, "--budget", "1MB", "--weights", "w2"],
      /--budget chooses the formats/,
    );
    await refuses([folder, "--out", place], /was not written by gateloom/);
    assert.deepEqual(readdirSync(place), ["empty.txt"]);
  });

  describe("work folder", () => {
    it("is discarded when the job is another, and never when it is not ours", async () => {
      const place = temporary.folder(new Map());
      const out = path.join(place, "out");
      const first = await WorkFolder.open(out, "one");
      await first.put("layer.0", Uint8Array.of(1, 2, 3));
      const same = await WorkFolder.open(out, "one");
      const part = (await same.get("layer.0"))!;
      assert.deepEqual([same.resumed, same.discarded, part.size], [true, false, 3]);
      await part.close();
      const other = await WorkFolder.open(out, "two");
      assert.deepEqual([other.resumed, other.discarded, await other.get("layer.0")], [false, true, null]);
      mkdirSync(path.join(place, "mine.partial"));
      writeFileSync(path.join(place, "mine.partial", "thesis.txt"), "mine");
      await assert.rejects(
        WorkFolder.open(path.join(place, "mine"), "one"),
        /holds no unfinished run of gateloom/,
      );
      await assert.rejects(other.checkRoom(1e18), /the disk has .* left, about 1000000000 GB are needed/);
    });
  });
});
