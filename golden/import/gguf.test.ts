/** Tensors by rows, codes as they are stored, the model's description; and what is refused. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import { accessBytes } from "./access.js";
import { ggufLayout } from "./architectureLayout.js";
import { blockByType, decodeRows } from "./blocks/index.js";
import { randomBlocks, randomWeights } from "./blocks/sample.js";
import { GgufSource } from "./gguf.js";
import { ggufModelInfo } from "./ggufMetadata.js";
import { ModelSource } from "./modelSource.js";
import { type GgufEntry, type GgufTensor, ggufTensor, writeGguf } from "./write/gguf.js";
import { ggufModelMetadata, writeGgufModel } from "./write/ggufModel.js";
import { randomFloatModel } from "./write/random.js";

const open = (bytes: Uint8Array): Promise<GgufSource> => GgufSource.from(accessBytes(bytes, "m.gguf"));
const only = (tensor: GgufTensor): Promise<GgufSource> =>
  open(writeGguf(new Map(), new Map([["w", tensor]])));

describe("GGUF source", () => {
  for (const type of ["F32", "BF16", "Q4_1", "Q6_K", "TQ1_0"])
    it(`${type}: rows are what their blocks are`, async () => {
      const codec = blockByType(type)!;
      const bytes = randomBlocks(codec, (6 * 512) / codec.elements, 3);
      const source = await only({ type, shape: [6, 512], bytes });
      const all = decodeRows(codec, bytes);
      assert.deepEqual(await source.read("w"), all);
      assert.deepEqual(await source.read("w", 2, 3), all.slice(2 * 512, 5 * 512));
      assert.deepEqual(await source.read("w", 5), all.slice(5 * 512));
      assert.deepEqual(await source.read("w", 6, 0), new Float32Array(0));
    });

  it("more than one piece", async () => {
    const weights = randomWeights(1300 * 1000, 5);
    const source = await only(ggufTensor("F32", [1300, 1000], weights));
    assert.deepEqual(await source.read("w", 1), weights.slice(1000));
  });

  it("vectors are one row; of more dimensions, all but the first make up a row", async () => {
    const weights = randomWeights(24, 6);
    assert.deepEqual(await (await only(ggufTensor("F32", [24], weights))).read("w", 0, 1), weights);
    const cube = await only(ggufTensor("F32", [4, 3, 2], weights));
    assert.deepEqual(await cube.read("w", 1, 2), weights.slice(6, 18));
  });

  for (const [type, low, high, group] of [
    ["Q4_0", -8, 7, 32],
    ["Q8_0", -128, 127, 32],
    ["TQ1_0", -1, 1, 256],
    ["TQ2_0", -1, 1, 256],
  ] as const)
    it(`${type}: codes as they are stored, and their scales`, async () => {
      const source = await only(ggufTensor(type, [4, 512], randomWeights(4 * 512, 9)));
      const stored = (await source.codes("w"))!;
      assert.deepEqual([stored.low, stored.high, stored.group, stored.zeros], [low, high, group, null]);
      const weights = stored.codes.length === 4 * 512 && (await source.read("w"));
      assert.deepEqual(
        weights,
        Float32Array.from(stored.codes, (code, i) => code * stored.scales[Math.floor(i / group)]!),
      );
    });

  it("TQ2_0 with the fourth code says so; types without one scale a block give no codes", async () => {
    const four = randomBlocks(blockByType("TQ2_0")!, 1, 1);
    assert.equal((await (await only({ type: "TQ2_0", shape: [1, 256], bytes: four })).codes("w"))!.high, 2);
    const zeros = await only(ggufTensor("Q4_0", [1, 32], new Float32Array(32)));
    assert.equal((await zeros.codes("w"))!.high, 7);
    for (const type of ["F16", "Q4_1", "Q2_K"])
      assert.equal(await (await only(ggufTensor(type, [1, 256], new Float32Array(256)))).codes("w"), null);
  });

  it("refuses NaN and infinities, with the block's byte", async () => {
    const weights = Float32Array.of(1, 2, 3, Number.NaN, 5, 6);
    const source = await only(ggufTensor("F32", [3, 2], weights));
    const { offset } = source.tensors.get("w")!;
    const message = `m.gguf, tensor "w", byte ${offset + 12}: weight 3 is NaN. Convert the model again; weights must be finite numbers.`;
    await assert.rejects(source.read("w"), { name: "InputError", message });
    await assert.rejects(source.read("w", 1, 1), { name: "InputError", message });
    await source.read("w", 2, 1);
    const blocks = randomBlocks(blockByType("Q8_0")!, 3, 1);
    blocks[34] = 0;
    blocks[35] = 0x7c;
    const scaled = await only({ type: "Q8_0", shape: [1, 96], bytes: blocks });
    await assert.rejects(scaled.codes("w"), {
      name: "InputError",
      message: `m.gguf, tensor "w", byte ${scaled.tensors.get("w")!.offset + 34}: the scale of block 1 is Infinity. Convert the model again; weights must be finite numbers.`,
    });
    await assert.rejects(scaled.read("w"), {
      name: "InputError",
      message: /weight (3[2-9]|[45]\d|6[0-3]) is/,
    });
  });

  it("refuses tensors that are missing or have no decoder, and rows outside", async () => {
    const source = await only({ type: 20, shape: [2, 32], bytes: new Uint8Array(36) });
    await assert.rejects(source.read("v"), {
      name: "InputError",
      message:
        'm.gguf, tensor "v": the tensor is missing. Check that the file is a model of the expected kind.',
    });
    await assert.rejects(source.read("w"), {
      name: "InputError",
      message: /^m\.gguf, tensor "w", byte \d+: block type IQ4_NL has no decoder here\. Convert the model/,
    });
    const rows = await only(ggufTensor("F32", [2, 2], new Float32Array(4)));
    for (const [from, count] of [
      [0, 3],
      [-1, 1],
      [0.5, 1],
      [1, -1],
    ] as const)
      await assert.rejects(rows.read("w", from, count), RangeError);
  });

  it("closes the file when its header is refused", async () => {
    let closed = 0;
    const access = { ...accessBytes(new Uint8Array(3), "m.gguf"), close: async () => void closed++ };
    await assert.rejects(GgufSource.from(access));
    assert.equal(closed, 1);
  });
});

describe("GGUF model description", () => {
  const shape = {
    ...{ dim: 256, hidden: 512, layers: 2, heads: 4, kvHeads: 2, headDim: 64, vocab: 300, context: 64 },
  };
  const model = randomFloatModel(llama(1e-5, 10000), 1, shape);
  const describe_ = async (changes: [string, GgufEntry | null][]) => {
    const metadata = ggufModelMetadata(model);
    for (const [key, entry] of changes)
      if (entry === null) metadata.delete(key);
      else metadata.set(key, entry);
    return ggufModelInfo(await open(writeGguf(metadata, new Map())));
  };
  const u32 = (value: number): GgufEntry => ({ type: "u32", value });
  const text = (value: string): GgufEntry => ({ type: "string", value });

  it("of a model written by us, whose matrices come back", async () => {
    const source = await open(writeGgufModel(model, ["F32"]));
    assert.deepEqual(ggufModelInfo(source), {
      ...{ architecture: "llama", name: "tiny", context: 64, dim: 256, hidden: 512, layers: 2, heads: 4 },
      ...{ kvHeads: 2, headDim: 64, eps: Math.fround(1e-5), theta: 10000, rope: "interleaved" },
      ...{ ropeScaling: null, window: 0, vocab: 300, chatTemplate: null },
    });
    assert.equal(source.tensors.size, 2 + 2 * 9);
    assert.deepEqual(await source.read("blk.1.attn_k.weight"), model.layers[1]!.k);
    assert.deepEqual(await source.read("blk.0.ffn_down.weight"), model.layers[0]!.down);
    assert.deepEqual(source.tensors.get("token_embd.weight")!.shape, [300, 256]);
  });

  it("split RoPE: rows of q and k are written in halves and come back in pairs", async () => {
    const qwen = randomFloatModel({ ...llama(1e-6, 1e6), qkvBias: true, qkNorm: true, tied: false }, 2);
    const source = await open(writeGgufModel(qwen, ["F32"]));
    const info = ggufModelInfo(source);
    assert.deepEqual([info.architecture, info.rope, info.headDim], ["qwen3", "split", 8]);
    const description = { name: "", family: "", shape: qwen.shape, architecture: qwen.architecture };
    const read = new ModelSource(source, description, ggufLayout(info.rope));
    const layer = qwen.layers[1]!;
    assert.deepEqual(await read.read("layers.1.q"), layer.q);
    assert.deepEqual(await read.read("layers.1.k_bias"), layer.bias!.k);
    assert.deepEqual(await read.read("layers.1.q_norm"), layer.qkNorm!.q);
    assert.deepEqual(await read.read("layers.1.o"), layer.o);
    assert.notDeepEqual(await source.read("blk.1.attn_q.weight"), layer.q);
  });

  it("defaults, and keys that override", async () => {
    const info = await describe_([
      ["llama.attention.head_count_kv", null],
      ["llama.rope.freq_base", null],
      ["llama.rope.scaling.type", text("linear")],
      ["llama.rope.scaling.factor", { type: "f32", value: 4 }],
      ["tokenizer.chat_template", text("{{ x }}")],
      ["llama.feed_forward_length", { type: "i32s", value: [512, 512] }],
    ]);
    assert.deepEqual(
      [info.kvHeads, info.theta, info.ropeScaling, info.chatTemplate, info.hidden],
      [4, 10000, { type: "linear", factor: 4 }, "{{ x }}", 512],
    );
    const qwen = await describe_(
      [...ggufModelMetadata(model)]
        .map(([key, entry]) => [key.replace("llama", "qwen3"), entry] as [string, GgufEntry])
        .concat([["general.architecture", text("qwen3")]]),
    );
    assert.deepEqual([qwen.architecture, qwen.rope], ["qwen3", "split"]);
  });

  const REMEDY = "Convert the model again with a current convert_hf_to_gguf.py.";
  const cases: [string, [string, GgufEntry | null][], string][] = [
    ["no architecture", [["general.architecture", null]], "metadata general.architecture is missing"],
    [
      "an architecture that would write to the terminal",
      [["general.architecture", text("llama\u001b[2J")]],
      "metadata general.architecture is not a name",
    ],
    ["no width", [["llama.embedding_length", null]], "metadata llama.embedding_length is missing"],
    ["a text for a number", [["llama.block_count", text("2")]], "metadata llama.block_count is not a number"],
    [
      "no layers",
      [["llama.block_count", u32(0)]],
      "metadata llama.block_count = 0 is not a whole number of 1 to 65536",
    ],
    [
      "sizes that differ",
      [["llama.feed_forward_length", { type: "i32s", value: [512, 256] }]],
      "metadata llama.feed_forward_length differs from layer to layer",
    ],
    [
      "heads that do not divide",
      [["llama.attention.head_count_kv", u32(3)]],
      "metadata llama.attention.head_count_kv = 3 does not divide 4 heads",
    ],
    [
      "values of another width",
      [["llama.attention.value_length", u32(32)]],
      "metadata llama.attention.value_length differs from key_length",
    ],
    [
      "rotation of a part",
      [["llama.rope.dimension_count", u32(32)]],
      "metadata llama.rope.dimension_count is not the width of a head, 64: rotating a part is not supported",
    ],
    [
      "NaN for eps",
      [["llama.attention.layer_norm_rms_epsilon", { type: "f32", value: Number.NaN }]],
      "metadata llama.attention.layer_norm_rms_epsilon is not a number",
    ],
    [
      "a part of several files",
      [["split.count", { type: "u16", value: 3 }]],
      "metadata split.count = 3: the model is in several files; join them with llama-gguf-split --merge",
    ],
  ];
  for (const [what, changes, message] of cases)
    it(`refuses ${what}`, () =>
      assert.rejects(describe_(changes), { name: "InputError", message: `m.gguf: ${message}. ${REMEDY}` }));
});
