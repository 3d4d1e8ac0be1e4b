/** `gateloom inspect` as a user runs it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { execa } from "execa";
import type { Inspection } from "../golden/import/modelInspect.js";
import { TemporaryFolder } from "../golden/import/write/folder.js";
import { json, writeHuggingFace } from "../golden/import/write/huggingface.js";
import { writeLlama2c } from "../golden/import/write/llama2c.js";
import { gptq } from "../golden/import/write/packed.js";
import { randomFloatModel } from "../golden/import/write/random.js";
import { VARIANTS } from "../golden/import/write/variants.js";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("gateloom inspect", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());
  const run = (...args: string[]) =>
    execa(process.execPath, ["--import", "tsx", path.join(root, "cli", "main.ts"), "inspect", ...args], {
      cwd: root,
      reject: false,
      env: { NO_COLOR: "1" },
      stdin: "ignore",
    });
  const model = randomFloatModel(VARIANTS.get("qwen3")!, 1);

  it("a folder: what it is, one line for all layers", async () => {
    const { stdout, exitCode } = await run(temporary.folder(writeHuggingFace(model, { shards: 2 })));
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /container {4}Hugging Face folder\n/);
    assert.match(stdout, /architecture Qwen3, norms of q and k\n/);
    assert.match(stdout, /layers {7}2 of width 32, hidden 48\n/);
    assert.match(stdout, /attention {4}4 heads of 8, 2 for keys and values\n/);
    assert.match(stdout, /weights {6}16,832\n/);
    assert.match(stdout, /tokenizer {4}none beside the model\n/);
    assert.match(stdout, /model\.layers\.\{0-1\}\.self_attn\.q_norm\.weight +F32 +\[8\] +64 bytes {2}yes\n/);
    assert.match(stdout, /\nsupported: every tensor that the model needs is read$/);
  });

  it("--json: every tensor with its place, role and reason", async () => {
    const settings = { quant_method: "gptq", bits: 4, group_size: 16 };
    const files = writeHuggingFace(model, {
      pack: gptq({ bits: 4, group: 16 }),
      config: { quantization_config: settings },
    });
    const { stdout, exitCode } = await run(temporary.folder(files), "--json");
    assert.equal(exitCode, 0);
    const inspection: Inspection = JSON.parse(stdout);
    assert.equal(inspection.supported, true);
    const q = inspection.tensors.find(({ role }) => role === "layers.1.q")!;
    assert.deepEqual(
      [q.name, q.type, q.shape, q.status],
      ["model.layers.1.self_attn.q_proj.weight", "GPTQ-4", [32, 32], "used"],
    );
    const bias = inspection.tensors.find(({ name }) => name.endsWith("layers.0.mlp.up_proj.bias"))!;
    assert.deepEqual([bias.status, bias.note], ["not needed", "a bias of zeros adds nothing"]);
    const end = Math.max(...inspection.tensors.map(({ offset, bytes }) => offset + bytes));
    assert.ok(end > 1000);
  });

  it("an unsupported model: still listed, with the reason", async () => {
    const files = writeHuggingFace(model);
    const config = JSON.parse(new TextDecoder().decode(files.get("config.json")));
    const clip = await run(
      temporary.folder(new Map(files).set("config.json", json({ ...config, model_type: "clip" }))),
    );
    assert.equal(clip.exitCode, 0);
    assert.match(clip.stdout, /model\.norm\.weight +F32 +\[32\] +128 bytes {2}\?\n/);
    assert.match(
      clip.stdout,
      /not supported: 1 problem\n {2}\S+config\.json: model_type "clip" is not supported\./,
    );
    const wide = await run(
      temporary.folder(new Map(files).set("config.json", json({ ...config, intermediate_size: 64 }))),
    );
    assert.match(
      wide.stdout,
      /model\.layers\.\{0-1\}\.mlp\.up_proj\.weight +F32 +\[48, 32\] .* NO +its shape is \[48, 32\], the model needs \[64, 32\]\n/,
    );
    assert.match(wide.stdout, /not supported: 6 problems\n/);
  });

  it("a llama2.c checkpoint, and one that is cut off: exit code 2 and one message", async () => {
    const bytes = writeLlama2c(randomFloatModel(VARIANTS.get("llama")!, 1), 2);
    const whole = await run(temporary.file("tiny.bin", bytes));
    assert.equal(whole.exitCode, 0);
    assert.match(whole.stdout, /container {4}llama2\.c checkpoint, version 2\n[\s\S]*Q8-32/);
    for (const file of [temporary.file("cut.bin", bytes.subarray(0, 5000)), `${temporary.path}/none`]) {
      const { stdout, stderr, exitCode } = await run(file);
      assert.equal(exitCode, 2);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /^gateloom: \S+(cut\.bin, byte 5000: these sizes take|none: there is no such file)[^\n]*$/,
      );
    }
  });

  it("--help says what can be given", async () => {
    const { stdout, exitCode } = await run("--help");
    assert.equal(exitCode, 0);
    for (const word of ["GPTQ", "AWQ", "*.gguf", "llama2.c", "config.json", "Exit code 2"])
      assert.ok(stdout.includes(word), word);
  });
});
