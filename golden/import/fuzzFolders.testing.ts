/** Hugging Face folders of each kind; of each, one file is damaged and the whole folder opened. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { llama } from "../model/architecture.js";
import { type FuzzTarget, readAll } from "./fuzzTargets.testing.js";
import { openModel } from "./model.js";
import { TemporaryFolder } from "./write/folder.js";
import { type FolderOptions, json, writeHuggingFace } from "./write/huggingface.js";
import { awq, bitnet, gptq } from "./write/packed.js";
import { randomFloatModel } from "./write/random.js";
import { VARIANTS } from "./write/variants.js";

const TOKENIZER = {
  added_tokens: [{ id: 0, content: "<s>", special: true, normalized: false }],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel" },
  model: { type: "BPE", vocab: { "<s>": 0, a: 1, b: 2, ab: 3, Ġ: 4, Ġa: 5 }, merges: ["a b", "Ġ a"] },
};

/** Name, the file that is damaged, architecture, how it is written. */
const KINDS: readonly (readonly [string, string, string, FolderOptions])[] = [
  ["HF config", "config.json", "llama", {}],
  ["HF tokenizer", "tokenizer.json", "llama", {}],
  ["HF index", "model.safetensors.index.json", "qwen3", { shards: 3, dtype: "BF16" }],
  ["HF F16", "model.safetensors", "qwen2", { dtype: "F16" }],
  [
    "GPTQ",
    "model.safetensors",
    "llama",
    {
      pack: gptq({ bits: 4, group: 16 }),
      config: { quantization_config: { quant_method: "gptq", bits: 4, group_size: 16, desc_act: false } },
    },
  ],
  [
    "AWQ",
    "model.safetensors",
    "llama",
    {
      pack: awq(16),
      config: { quantization_config: { quant_method: "awq", bits: 4, group_size: 16, version: "gemm" } },
    },
  ],
  [
    "BitNet",
    "model.safetensors",
    "bitnet",
    {
      pack: bitnet("autobitlinear"),
      config: { quantization_config: { quant_method: "bitnet", linear_class: "autobitlinear" } },
    },
  ],
];

/** Folders are written when they are first read; `remove` takes them away. */
export function fuzzFolders(): { readonly targets: FuzzTarget[]; readonly remove: () => void } {
  const temporary = new TemporaryFolder();
  const targets = KINDS.map(([name, damaged, variant, options], kind): FuzzTarget => {
    const model = randomFloatModel(VARIANTS.get(variant) ?? llama(1e-5, 10000), kind, {
      ...{ dim: 32, hidden: 64, layers: 1, heads: 2, kvHeads: 2, headDim: 16, vocab: 16, context: 16 },
    });
    const files = new Map([
      ...writeHuggingFace(model, options),
      ["tokenizer.json", json(TOKENIZER)] as const,
    ]);
    const file = files.get(damaged)!;
    let folder: string | undefined;
    return {
      name,
      file,
      header: damaged.endsWith(".json") ? file.length : Math.min(file.length, 2000),
      read: async (bytes) => {
        folder ??= temporary.folder(files);
        writeFileSync(join(folder, damaged), bytes);
        const { source, tokenizer } = await openModel(folder);
        try {
          tokenizer?.decode(tokenizer.encode("ab <s> a é"));
          await readAll(source);
        } finally {
          await source.close();
        }
      },
    };
  });
  return { targets, remove: () => temporary.remove() };
}
