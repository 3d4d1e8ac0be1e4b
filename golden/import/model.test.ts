/** Tiny random models through every container and architecture: what is opened is what was written. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import { type FloatModel, FloatState, forwardFloat } from "../model/float.js";
import { ggufLayout, nameIn } from "./architectureLayout.js";
import { openModel } from "./model.js";
import { loadFloatModel } from "./modelFloat.js";
import { TemporaryFolder } from "./write/folder.js";
import { type GgufEntry, ggufTensor, writeGguf } from "./write/gguf.js";
import { json, toHalves, writeHuggingFace } from "./write/huggingface.js";
import { writeLlama2c } from "./write/llama2c.js";
import { randomFloatModel, TINY } from "./write/random.js";
import { tensorsOf } from "./write/tensors.js";
import { VARIANTS } from "./write/variants.js";

const TOKENS = [1, 7, 30, 2, 2, 19, 33, 11, 4];

function logits(model: FloatModel): number[] {
  const state = new FloatState(model);
  TOKENS.forEach((token, position) => {
    forwardFloat(state, token, position);
  });
  return [...state.logits];
}

async function load(path: string): Promise<FloatModel> {
  const opened = await openModel(path);
  try {
    return await loadFloatModel(opened);
  } finally {
    await opened.source.close();
  }
}

describe("models", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());

  it("a Hugging Face folder computes what the same weights as a llama2.c file compute, exactly", async () => {
    const model = randomFloatModel({ ...llama(1e-5, 10000), tied: false }, 3);
    const folder = await load(temporary.folder(writeHuggingFace(model)));
    const checkpoint = await load(temporary.file("tiny.bin", writeLlama2c(model)));
    assert.deepEqual(folder.layers, checkpoint.layers);
    assert.deepEqual(logits(folder), logits(checkpoint));
    assert.deepEqual(logits(folder), logits(model));
  });

  for (const [name, architecture] of VARIANTS)
    it(`${name}: every weight and switch comes back from a folder, and each switch matters`, async () => {
      const model = randomFloatModel(architecture, 5);
      const read = await load(temporary.folder(writeHuggingFace(model)));
      assert.deepEqual(read.architecture, architecture);
      assert.deepEqual(read.shape, model.shape);
      assert.deepEqual(read.layers, model.layers);
      assert.deepEqual(read.head, model.head);
      const expected = logits(model);
      assert.deepEqual(logits(read), expected);
      if (name === "llama") return;
      const plain = logits({ ...read, architecture: llama(1e-5, 10000), layers: read.layers.map(bare) });
      if (name !== "llama-untied") assert.notDeepEqual(plain, expected);
      assert.notDeepEqual(logits({ ...read, embedding: read.embedding.map((v) => 2 * v) }), expected);
    });

  for (const [name, family] of [
    ["llama-untied", "llama"],
    ["qwen2", "qwen2"],
    ["qwen3", "qwen3"],
  ] as const)
    it(`${name} as GGUF, rows of q and k in the order of its family, factors of RoPE`, async () => {
      const factors = [1, 1.5, 2, 4];
      const architecture = VARIANTS.get(name)!;
      const rope = { theta: architecture.rope.theta, scaling: { type: "factors", factors } } as const;
      const model = randomFloatModel({ ...architecture, rope }, 5);
      const path = temporary.file("tiny.gguf", ggufOf(model, family));
      const read = await load(path);
      assert.deepEqual(read, { ...model, name: "tiny" });
      assert.deepEqual(logits(read), logits(model));
      const { description, source } = await openModel(path);
      assert.equal(description.family.toLowerCase(), family);
      await source.close();
    });

  it("in several shards, BF16 or F16: the rounded weights", async () => {
    const model = randomFloatModel(llama(1e-5, 10000), 6);
    for (const [dtype, bits] of [
      ["BF16", 8],
      ["F16", 11],
    ] as const) {
      const read = await load(temporary.folder(writeHuggingFace(model, { dtype, shards: 3 })));
      for (const [i, weight] of model.layers[1]!.k.entries()) {
        const error = Math.abs(read.layers[1]!.k[i]! - weight);
        assert.ok(error <= Math.max(Math.abs(weight) * 2 ** -bits, 2 ** -25), `${dtype} ${i}: ${error}`);
      }
    }
  });

  it("rows of q and k by range are those of the whole", async () => {
    const model = randomFloatModel(llama(1e-5, 10000), 7);
    const { source } = await openModel(temporary.folder(writeHuggingFace(model)));
    for (const [from, count] of [
      [0, 32],
      [3, 2],
      [7, 10],
      [31, 1],
      [8, 0],
    ] as const)
      assert.deepEqual(
        await source.read("layers.1.q", from, count),
        model.layers[1]!.q.slice(from * 32, (from + count) * 32),
      );
    await source.close();
  });

  it("a table may lie under either name where it serves as both", async () => {
    const model = randomFloatModel(llama(1e-5, 10000), 8);
    const files = writeHuggingFace({ ...model, architecture: { ...model.architecture, tied: true } });
    const tied = { ...config(files), tie_word_embeddings: false };
    assert.equal(
      (await load(temporary.folder(new Map(files).set("config.json", json(tied))))).head,
      undefined,
    );
    const renamed = Buffer.from(files.get("model.safetensors")!).toString("latin1");
    const both = renamed.replace('"model.embed_tokens.weight"', '"lm_head.weight"           ');
    const read = await load(
      temporary.folder(new Map(files).set("model.safetensors", Buffer.from(both, "latin1"))),
    );
    assert.deepEqual(logits(read), logits(model));
  });

  it("caps the context when asked, and refuses what does not fit", async () => {
    const opened = await openModel(temporary.folder(writeHuggingFace(randomFloatModel(llama(1e-5, 1e4), 9))));
    assert.equal((await loadFloatModel(opened, { context: 7 })).shape.context, 7);
    const huge = { ...opened.description, shape: { ...TINY, vocab: 1 << 24, dim: 4096 } };
    await assert.rejects(loadFloatModel({ ...opened, description: huge }), {
      name: "InputError",
      message: /weights are too many to hold in memory as floats/,
    });
    await opened.source.close();
  });
});

/** As llama.cpp's converter writes it: llama in interleaved pairs, the others in halves. */
function ggufOf(model: FloatModel, family: string): Uint8Array {
  const { shape, architecture } = model;
  const u32 = (value: number): GgufEntry => ({ type: "u32", value });
  const f32 = (value: number): GgufEntry => ({ type: "f32", value });
  const metadata = new Map<string, GgufEntry>([
    ["general.architecture", { type: "string", value: family }],
    ["general.name", { type: "string", value: "tiny" }],
    [`${family}.context_length`, u32(shape.context)],
    [`${family}.embedding_length`, u32(shape.dim)],
    [`${family}.feed_forward_length`, u32(shape.hidden)],
    [`${family}.block_count`, u32(shape.layers)],
    [`${family}.attention.head_count`, u32(shape.heads)],
    [`${family}.attention.head_count_kv`, u32(shape.kvHeads)],
    [`${family}.attention.layer_norm_rms_epsilon`, { type: "f64", value: architecture.eps }],
    [`${family}.rope.freq_base`, f32(architecture.rope.theta)],
    [`${family}.vocab_size`, u32(shape.vocab)],
  ]);
  const split = family !== "llama";
  const layout = ggufLayout(split ? "split" : "interleaved");
  const tensors = new Map(
    tensorsOf(model).map(({ slot, values }) => {
      const rotated = /^(q|k|q_bias|k_bias|q_norm|k_norm)$/.test(slot.role);
      const cols = slot.shape.length === 1 ? 1 : slot.shape[1]!;
      const rows = split && rotated ? toHalves(values, cols, shape.headDim) : values;
      return [nameIn(layout, slot), ggufTensor("F32", slot.shape, rows)] as const;
    }),
  );
  const { scaling } = architecture.rope;
  if (scaling.type === "factors")
    tensors.set("rope_freqs.weight", ggufTensor("F32", [4], Float32Array.from(scaling.factors)));
  return writeGguf(metadata, tensors);
}

function config(files: ReadonlyMap<string, Uint8Array>): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(files.get("config.json")));
}

/** Without what Llama lacks. */
function bare({ bias: _b, qkNorm: _q, subNorm: _s, ...layer }: FloatModel["layers"][number]): typeof layer {
  return layer;
}
