/**
 * The PyTorch program against the importers: run when GATELOOM_PYTHON names a Python with torch, numpy, safetensors and tokenizers. Nothing of
 * Gateloom needs Python; a run without says so.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { openFile } from "../../import/access.js";
import { slotsOf } from "../../import/architecture.js";
import { loadQuantised, QuantisedSource } from "../../import/quantised.js";
import { SafetensorsSource } from "../../import/safetensorsSource.js";
import { openTokenizer } from "../../import/tokenizerFile.js";
import { TemporaryFolder } from "../../import/write/folder.js";
import { json, writeHuggingFace } from "../../import/write/huggingface.js";
import { randomFloatModel, TINY } from "../../import/write/random.js";
import { byteLevelTokenizer } from "../../import/write/tokenizerJson.js";
import { VARIANTS } from "../../import/write/variants.js";
import type { FakeOptions, FloatModel } from "../../model/float.js";
import { floatDecoder, integerDecoder } from "../decoder.js";
import { textWindows } from "../evaluate.js";
import { judge } from "../judge.js";
import { withMatrices } from "../round.js";

const folder = fileURLToPath(new URL(".", import.meta.url));
const TOKENS = [1, 5, 9, 13, 17, 3, 8, 39, 0, 22, 22, 4];

/** What reference.py prints. */
interface Reference {
  readonly matrices: Readonly<
    Record<string, { readonly codes: number[]; readonly mantissas: number[]; readonly exponents: number[] }>
  >;
  readonly teacher: readonly number[][];
  readonly student: readonly number[][];
}

/** Largest difference of logits over the tokens. */
function difference(model: FloatModel, fake: FakeOptions, expected: readonly number[][]): number {
  const decoder = floatDecoder(model, fake);
  let most = 0;
  TOKENS.forEach((token, position) => {
    const logits = decoder(token, position);
    for (let i = 0; i < logits.length; i++)
      most = Math.max(most, Math.abs(logits[i]! - expected[position]![i]!));
  });
  return most;
}

describe("distillation in PyTorch", function () {
  this.timeout(300_000);
  const python = process.env.GATELOOM_PYTHON;
  const temporary = new TemporaryFolder();
  before(function () {
    if (python !== undefined) return;
    console.log(
      "    NOT RUN: set GATELOOM_PYTHON to a Python with torch, numpy, safetensors and tokenizers to run these",
    );
    this.skip();
  });
  after(() => temporary.remove());

  const program = (name: string, ...args: string[]) =>
    execa(python!, [join(folder, name), ...args], { reject: false, env: { OMP_NUM_THREADS: "1" } });
  const distil = (teacher: string, out: string, ...args: string[]) =>
    program(
      "distil.py",
      ...["--teacher", teacher, "--out", out, "--device", "cpu", "--samples", "8", "--length", "16"],
      ...["--batch", "4", "--rate", "1e-2", ...args],
    );
  const teacherOf = (variant: string): { path: string; model: FloatModel } => {
    const model = randomFloatModel(VARIANTS.get(variant)!, 7, { ...TINY, dim: 64, hidden: 108 });
    return { path: temporary.folder(writeHuggingFace(model)), model };
  };
  const opened: QuantisedSource[] = [];
  const open = async (out: string): Promise<QuantisedSource> => {
    const file = await openFile(join(out, "model.safetensors"));
    const source = new QuantisedSource(await SafetensorsSource.from(file));
    opened.push(source);
    return source;
  };
  afterEach(async () => {
    for (const source of opened.splice(0)) await source.close();
  });

  const cases = [
    ["llama-3.1", "w2", "32", "4", "w4"],
    ["llama-untied", "n24", "32", "8", "w8"],
    ["mistral", "w4", "128", "3", "w4"],
    ["qwen2", "ternary", "64", "4", "w4"],
    ["qwen3", "w2", "64", "4", "w8"],
  ] as const;
  for (const [variant, weights, group, cache, embedding] of cases)
    it(`${variant}, ${weights} in groups of ${group}, KV${cache}: codes import as trained, logits agree`, async () => {
      const teacher = teacherOf(variant);
      const out = join(temporary.folder(new Map()), "out");
      const formats = ["--weights", weights, "--group", group, "--cache", cache, "--embedding", embedding];
      const { stderr, exitCode } = await distil(teacher.path, out, "--steps", "6", ...formats);
      assert.equal(exitCode, 0, stderr);
      const printed = await program(
        "reference.py",
        ...["--teacher", teacher.path, "--work", `${out}.work`, "--tokens", ...TOKENS.map(String)],
      );
      assert.equal(printed.exitCode, 0, printed.stderr);
      const reference: Reference = JSON.parse(printed.stdout);

      const source = await open(out);
      const { description, recipe } = source.about();
      assert.deepEqual(description.architecture, teacher.model.architecture);
      assert.deepEqual(description.shape, teacher.model.shape);
      assert.deepEqual(recipe.cache, { keys: Number(cache), values: Number(cache) });
      const matrices = slotsOf(description).filter(({ shape }) => shape.length === 2);
      assert.deepEqual(
        Object.keys(reference.matrices),
        matrices.map(({ name }) => name),
      );
      for (const { name, shape } of matrices) {
        const found = await source.rows(name, 0);
        const expected = reference.matrices[name]!;
        const groups = Math.ceil(shape[1]! / 32);
        const perRow = expected.mantissas.length / found.rows;
        assert.deepEqual([...found.codes], expected.codes, name);
        assert.deepEqual([...found.exponents], expected.exponents, name);
        assert.deepEqual(
          [...found.mantissas],
          expected.mantissas.filter((_, i) => i % perRow < groups),
          name,
        );
      }

      const { model, rounded } = await loadQuantised(source);
      const { float } = withMatrices(rounded.float, rounded.embedding, rounded.layers, rounded.head);
      assert.ok(difference(teacher.model, {}, reference.teacher) < 1e-4);
      const off = difference(float, { a8: true, cache: recipe.cache }, reference.student);
      assert.ok(off < 1e-9, `fake-quantised logits are off by ${off}`);
      const integer = integerDecoder(model);
      let [error, size] = [0, 0];
      TOKENS.forEach((token, position) => {
        const logits = integer(token, position);
        for (let i = 0; i < logits.length; i++) {
          const expected = reference.student[position]![i]!;
          error += Math.abs(logits[i]! - expected);
          size += Math.abs(expected);
        }
      });
      assert.ok(error < 0.15 * size, `integer logits are off by ${error / size}`);
    });

  it("bits per character of texts are those of gateloom eval", async () => {
    const architecture = VARIANTS.get("llama")!;
    const model = randomFloatModel(architecture, 4, { ...TINY, vocab: 258, context: 32 });
    const tokenizer = json(byteLevelTokenizer([["t", "h"]], [{ content: "<|end|>", special: true }], true));
    const text =
      "The cat thought — and sat on the mat.\n<|endoftext|>\n\nA second story, not so long.\n".repeat(4);
    const teacher = temporary.folder(
      writeHuggingFace(model).set("tokenizer.json", tokenizer).set("text", new TextEncoder().encode(text)),
    );
    const out = join(temporary.folder(new Map()), "out");
    const file = join(teacher, "text");
    const { stdout, stderr, exitCode } = await distil(
      ...([teacher, out, "--text", file, "--held-out", file, "--steps", "20"] as const),
    );
    assert.equal(exitCode, 0, stderr);
    const source = await open(out);
    const { model: integer, rounded } = await loadQuantised(source);
    const { float } = withMatrices(rounded.float, rounded.embedding, rounded.layers);
    const found = await openTokenizer(out, 258);
    const judged = judge({ rounded: float, integer }, textWindows(text, found!, 16, Infinity));
    const [bits, perplexity] = /student, trained: (\S+) bits per character, perplexity (\S+)/
      .exec(stdout)!
      .slice(1);
    const fake = judged.find(({ name }) => name === "+ A8 KV4")!;
    assert.ok(Math.abs(fake.bitsPerCharacter - Number(bits)) < 1e-3, `${fake.bitsPerCharacter}, not ${bits}`);
    assert.ok(
      Math.abs(fake.perplexity / Number(perplexity) - 1) < 1e-3,
      `${fake.perplexity}, not ${perplexity}`,
    );
  });

  it("a run that is killed goes on to the same bytes", async () => {
    const { path } = teacherOf("llama");
    const base = temporary.folder(new Map());
    const options = ["--steps", "60", "--save-every", "1"];
    const finished = async (name: string): Promise<Buffer> => {
      const { exitCode, stderr } = await distil(path, join(base, name), ...options);
      assert.equal(exitCode, 0, stderr);
      return readFileSync(join(base, name, "model.safetensors"));
    };
    const whole = await finished("whole");
    const killed = distil(path, join(base, "killed"), ...options);
    while (!existsSync(join(base, "killed.work", "checkpoint.pt"))) await setTimeout(5);
    killed.kill("SIGKILL");
    assert.equal((await killed).signal, "SIGKILL");
    assert.ok(!existsSync(join(base, "killed")));
    assert.ok((await finished("killed")).equals(whole));
  });

  it("begins with the codes of a saved model, and says what cannot be", async () => {
    const { path } = teacherOf("llama");
    const base = temporary.folder(new Map());
    const saved = join(base, "saved");
    assert.equal((await distil(path, saved, "--steps", "1", "--group", "64")).exitCode, 0);
    const [first, second] = [join(base, "first"), join(base, "second")];
    const still = ["--steps", "1", "--rate", "0", "--group", "64", "--start"];
    assert.equal((await distil(path, first, ...still, saved)).exitCode, 0);
    const [a, b] = [await open(saved), await open(first)];
    for (const name of ["embedding", "layers.0.q", "layers.1.down"])
      assert.deepEqual(await b.rows(name, 0), await a.rows(name, 0), name);

    const fails = async (expected: RegExp, out: string, ...args: string[]): Promise<void> => {
      const { exitCode, stderr } = await distil(path, out, ...args);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, expected);
      assert.equal(stderr.trim().split("\n").length, 1);
    };
    await fails(/^distil: --out .*first: it exists already/, first);
    await fails(
      /^distil: .*checkpoint\.pt: it is of a run with other options/,
      second,
      "--work",
      `${first}.work`,
    );
    await fails(/^distil: .*: this is no saved quantised model/, second, "--start", path);
    await fails(/^distil: --student-layers: 3 is not in 1\.\.2/, second, "--student-layers", "3");
    const bitnet = temporary.folder(writeHuggingFace(randomFloatModel(VARIANTS.get("bitnet")!, 7)));
    const refused = await distil(bitnet, second);
    assert.match(refused.stderr, /^distil: .*config\.json: model_type "bitnet" is not supported/);
    assert.ok(!existsSync(second));
  });
});
