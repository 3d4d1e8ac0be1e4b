/** Folders as users have them broken: every refusal as it is read, and nothing opened outside the folder. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import { openModel } from "./model.js";
import { writeSafetensors } from "./safetensors.js";
import { TemporaryFolder } from "./write/folder.js";
import { json, writeHuggingFace } from "./write/huggingface.js";
import { writeLlama2c } from "./write/llama2c.js";
import { randomFloatModel } from "./write/random.js";

type Files = Map<string, Uint8Array>;
const INDEX = "model.safetensors.index.json";

describe("Hugging Face folders", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());
  const model = randomFloatModel({ ...llama(1e-5, 10000), tied: false }, 1);

  const parsed = (files: Files, name: string): Record<string, unknown> =>
    JSON.parse(new TextDecoder().decode(files.get(name)));
  /** The folder with fields of config.json replaced; undefined takes one away. */
  const configured = (fields: Record<string, unknown>): Files => {
    const files = writeHuggingFace(model);
    return files.set("config.json", json({ ...parsed(files, "config.json"), ...fields }));
  };
  const indexed = (change: (map: Record<string, string>) => void): Files => {
    const files = writeHuggingFace(model, { shards: 2 });
    const index = parsed(files, INDEX) as { weight_map: Record<string, string> };
    change(index.weight_map);
    return files.set(INDEX, json(index));
  };
  const without = (name: string): Files => {
    const files = writeHuggingFace(model);
    files.delete(name);
    return files;
  };
  const NORM = "model.norm.weight";

  const cases: [string, () => Files, RegExp][] = [
    [
      "no config.json",
      () => without("config.json"),
      /m\d+: there is no config\.json in this folder\. Give the folder that holds config\.json/,
    ],
    ["no weights", () => without("model.safetensors"), /there is no safetensors file in this folder/],
    [
      "pickles only",
      () => without("model.safetensors").set("pytorch_model.bin", new Uint8Array(9)),
      /the weights are in pytorch_model\.bin, a pickle, which can hold programs and is not read\. Save the model with/,
    ],
    [
      "shards without an index",
      () => {
        const files = writeHuggingFace(model, { shards: 2 });
        files.delete(INDEX);
        return files;
      },
      /2 safetensors files \(model-00001-of-00002\.safetensors, \S+ \.\.\.\) but no model\.safetensors\.index\.json/,
    ],
    [
      "an index that climbs out",
      () => indexed((map) => Object.assign(map, { [NORM]: "../other/model.safetensors" })),
      /index\.json, tensor "model\.norm\.weight": its shard "\.\.\/other\/model\.safetensors" is not the name of a safetensors file in the same folder\./,
    ],
    [
      "an index with an absolute path",
      () => indexed((map) => Object.assign(map, { [NORM]: "/etc/model.safetensors" })),
      /its shard "\/etc\/model\.safetensors" is not the name/,
    ],
    [
      "an index that names itself",
      () => indexed((map) => Object.assign(map, { [NORM]: INDEX })),
      /its shard "model\.safetensors\.index\.json" is not the name/,
    ],
    [
      "an index whose shard is missing",
      () => indexed((map) => Object.assign(map, { [NORM]: "gone.safetensors" })),
      /gone\.safetensors: the file cannot be opened \(ENOENT\)/,
    ],
    [
      "an index that names the wrong shard",
      () =>
        indexed((map) =>
          Object.assign(map, {
            [NORM]: map[NORM]!.includes("00001")
              ? "model-00002-of-00002.safetensors"
              : "model-00001-of-00002.safetensors",
          }),
        ),
      /model-0000\d-of-00002\.safetensors, tensor "model\.norm\.weight": the index places the tensor in this file, which does not have it/,
    ],
    [
      "an index that is none",
      () => writeHuggingFace(model).set(INDEX, json({ weight_map: [1] })),
      /index\.json: weight_map: .*\. Check that this belongs/,
    ],
    [
      "config.json that is cut",
      () => configured({}).set("config.json", json({}).subarray(0, 1)),
      /config\.json: the file is not JSON/,
    ],
    [
      "another kind of model",
      () => configured({ model_type: "clip" }),
      /config\.json: model_type "clip" is not supported\. Take a model of llama, mistral/,
    ],
    ["a size of zero", () => configured({ hidden_size: 0 }), /config\.json: hidden_size: /],
    ["a size that is missing", () => configured({ vocab_size: undefined }), /config\.json: vocab_size: /],
    [
      "heads that do not divide",
      () => configured({ num_key_value_heads: 3 }),
      /do not divide into heads of even width/,
    ],
    ["another activation", () => configured({ hidden_act: "gelu" }), /hidden_act "gelu" is not supported/],
    [
      "biases of attention",
      () => configured({ attention_bias: true }),
      /attention_bias: biases of q, k, v and o together/,
    ],
    ["biases of the feed-forward", () => configured({ mlp_bias: true }), /mlp_bias: /],
    [
      "partly rotated heads",
      () => configured({ partial_rotary_factor: 0.5 }),
      /rotating 0\.5 of a head is not supported/,
    ],
    [
      "yarn",
      () => configured({ rope_scaling: { rope_type: "yarn", factor: 4 } }),
      /RoPE scaling "yarn" is not supported/,
    ],
    [
      "llama3 scaling without its factors",
      () => configured({ rope_scaling: { rope_type: "llama3", factor: 4 } }),
      /the scaling of RoPE lacks "low_freq_factor"/,
    ],
    [
      "mixed windows",
      () => configured({ layer_types: ["full_attention", "sliding_attention"] }),
      /layer_types: a mixture of full_attention and sliding_attention/,
    ],
    [
      "a quantisation that is not read",
      () => configured({ quantization_config: { quant_method: "bitsandbytes" } }),
      /quant_method "bitsandbytes" is not supported\. Take the model unquantised, or quantised by gptq, awq, bitnet\.$/,
    ],
    [
      "a shape that is not config.json's",
      () => configured({ intermediate_size: 64 }),
      /tensor "model\.layers\.0\.mlp\.gate_proj\.weight", byte \d+: its shape is \[48, 32\], the model needs \[64, 32\] \(and 5 more/,
    ],
    [
      "fewer tensors than layers",
      () => configured({ num_hidden_layers: 3 }),
      /tensor "model\.layers\.2\.input_layernorm\.weight": the tensor is missing; the model needs it as \[32\]/,
    ],
    [
      "more tensors than layers",
      () => configured({ num_hidden_layers: 1 }),
      /tensor "model\.layers\.1\.\S+", byte \d+: the model has no place for this tensor \(and 8 more/,
    ],
    [
      "weights of a type that is not read",
      () =>
        writeHuggingFace({ ...model, architecture: llama(1e-5, 1e4) }).set(
          "model.safetensors",
          writeSafetensors(
            new Map([
              ["model.embed_tokens.weight", { dtype: "I8", shape: [40, 32], bytes: new Uint8Array(1280) }],
            ]),
          ),
        ),
      /tensor "model\.embed_tokens\.weight", byte \d+: type I8 alone is not read as weights/,
    ],
  ];
  for (const [what, files, message] of cases)
    it(`refuses ${what}`, async () => {
      await assert.rejects(openModel(temporary.folder(files())), { name: "InputError", message });
    });

  it("reads what transformers 5 writes: rope_parameters", async () => {
    const files = configured({
      rope_theta: undefined,
      rope_scaling: undefined,
      rope_parameters: { rope_theta: 500000, rope_type: "linear", factor: 2 },
    });
    const { description, source } = await openModel(temporary.folder(files));
    assert.deepEqual(description.architecture.rope, {
      theta: 500000,
      scaling: { type: "linear", factor: 2 },
    });
    await source.close();
  });

  it("Qwen2's window counts where it is switched on for all layers only", async () => {
    const qwen = { model_type: "qwen2", sliding_window: 6, max_window_layers: 28 };
    const biased = randomFloatModel({ ...model.architecture, qkvBias: true }, 2);
    const open = async (fields: object): Promise<number | null> => {
      const files = writeHuggingFace(biased);
      files.set("config.json", json({ ...parsed(files, "config.json"), ...qwen, ...fields }));
      const { description, source } = await openModel(temporary.folder(files));
      await source.close();
      return description.architecture.slidingWindow;
    };
    assert.equal(await open({ use_sliding_window: false }), null);
    assert.equal(await open({ use_sliding_window: true }), null); // 28 layers without, the model has 2
    assert.equal(await open({ use_sliding_window: true, max_window_layers: 0 }), 6);
    await assert.rejects(open({ use_sliding_window: true, max_window_layers: 1 }), /in some layers only/);
  });

  it("a weight that is no number is found when it is read", async () => {
    const files = writeHuggingFace(model);
    const bytes = files.get("model.safetensors")!;
    bytes.fill(255, bytes.length - 4);
    const { source } = await openModel(temporary.folder(files));
    await assert.rejects(source.read("head"), {
      name: "InputError",
      message: /tensor "lm_head\.weight", byte \d+: weight 1279 is NaN\. Export the model again/,
    });
    await source.close();
  });
});

describe("files that are no model", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const cases: [string, Uint8Array, RegExp][] = [
    [
      "a.pt",
      text("PK\u0003\u0004rest"),
      /a\.pt, byte 0: this is not a model that is read: it looks like a PyTorch pickle/,
    ],
    ["a.bin", Uint8Array.of(0x80, 2, 1), /a\.bin, byte 0: .*: it looks like a pickle/],
    [
      "a.safetensors",
      text("version https://git-lfs.github.com/spec/v1\n"),
      /a pointer of Git LFS, not the file itself\. Fetch it with git lfs pull\.$/,
    ],
    ["a.gguf", text("<!DOCTYPE html><html>"), /it looks like a web page/],
    ["a.bin", new Uint8Array(0), /it looks like an empty file/],
    ["config.json", text("{}"), /it looks like JSON\. Give the folder that it lies in\.$/],
    [
      "notes.txt",
      text("some text that is no model at all, whatever else"),
      /^\S+notes\.txt, byte 0: this is not a model that is read\. Give a Hugging Face folder, a GGUF/,
    ],
    ["cut.bin", new Uint8Array(12), /cut\.bin, byte 0: the file has 12 bytes, a header takes 28/],
  ];
  for (const [name, bytes, message] of cases)
    it(`${name}: ${String(message).slice(1, 60)}`, async () => {
      await assert.rejects(openModel(temporary.file(name, bytes)), { name: "InputError", message });
    });

  it("a path that is not there", async () => {
    await assert.rejects(
      openModel(`${temporary.path}/none`),
      /none: there is no such file or folder\. Check the path/,
    );
  });

  it("safetensors alone, and with config.json beside", async () => {
    const files = writeHuggingFace(randomFloatModel(llama(1e-5, 1e4), 1));
    const alone = temporary.file("model.safetensors", files.get("model.safetensors")!);
    await assert.rejects(
      openModel(alone),
      /safetensors alone do not say what model they are\. Put config\.json/,
    );
    const { kind, source } = await openModel(`${temporary.folder(files)}/model.safetensors`);
    assert.equal(kind, "Hugging Face folder");
    await source.close();
  });

  it("a llama2.c checkpoint is known by its sizes, whatever its name", async () => {
    const model = randomFloatModel(llama(1e-5, 1e4), 1);
    for (const version of [0, 1, 2] as const) {
      const { kind, source } = await openModel(temporary.file("model.dat", writeLlama2c(model, version)));
      assert.equal(kind, `llama2.c checkpoint, version ${version}`);
      await source.close();
    }
  });
});
