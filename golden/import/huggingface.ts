/** Hugging Face folders: config.json, one or several safetensors, matrices packed by GPTQ, AWQ or BitNet. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openFile } from "./access.js";
import type { ModelDescription } from "./architecture.js";
import { slotsOf } from "./architecture.js";
import { HUGGING_FACE, type Layout, nameIn } from "./architectureLayout.js";
import { awqMatrices } from "./awq.js";
import { bitnetMatrices } from "./bitnet.js";
import { checked, type HuggingFaceConfig, parseJson, quantization, readConfig } from "./config.js";
import { describeConfig } from "./configFamilies.js";
import { InputError } from "./error.js";
import { gptqMatrices } from "./gptq.js";
import { PackedSource } from "./packed.js";
import { SafetensorsSource } from "./safetensorsSource.js";
import { readShardIndex, ShardedSource } from "./shards.js";
import type { TensorSource } from "./source.js";

const INDEX = "model.safetensors.index.json";
/** Longest JSON that is read. */
const LONGEST = 1 << 28;

export interface HuggingFaceFolder {
  readonly source: TensorSource;
  /** Token ids that end a text, as config.json says. */
  readonly eos: number | readonly number[] | null;
  /** Throws what is wrong with config.json or not supported in it. */
  description(): ModelDescription;
  layout(): Promise<Layout>;
}

/** Text of a file of the folder, or null where there is none. */
export async function textIn(folder: string, name: string): Promise<string | null> {
  try {
    await stat(join(folder, name));
  } catch {
    return null;
  }
  const access = await openFile(join(folder, name));
  try {
    if (access.size > LONGEST)
      throw new InputError(
        `${access.size} bytes of JSON are too many`,
        { file: access.file },
        "Download the file again",
      );
    return new TextDecoder().decode(await access.read(0, access.size));
  } finally {
    await access.close();
  }
}

export async function openHuggingFace(folder: string): Promise<HuggingFaceFolder> {
  const file = join(folder, "config.json");
  const text = await textIn(folder, "config.json");
  if (text === null)
    throw new InputError(
      "there is no config.json in this folder",
      { file: folder },
      "Give the folder that holds config.json, tokenizer.json and *.safetensors",
    );
  const shards = await openShards(folder);
  try {
    const config = await withQuantizeConfig(readConfig(text, file), folder);
    const source = unpacked(shards, config, file);
    const has = (name: string): boolean => source.tensors.has(name);
    const { names } = HUGGING_FACE;
    const about = { name: nameOf(folder), file, oneTable: !has(names.head) || !has(names.embedding) };
    const description = (): ModelDescription => describeConfig(config, about);
    const layout = (): Promise<Layout> => layoutOf(source, description());
    return { source, eos: config.eos_token_id ?? null, description, layout };
  } catch (error) {
    if (error instanceof InputError) return listed(shards, error);
    await shards.close();
    throw error;
  }
}

/** Tensors can be listed even where the configuration is not supported. */
function listed(source: TensorSource, why: InputError): HuggingFaceFolder {
  const refuse = (): never => {
    throw why;
  };
  return { source, eos: null, description: refuse, layout: async () => refuse() };
}

/** AutoGPTQ wrote its settings into a file of their own. */
async function withQuantizeConfig(config: HuggingFaceConfig, folder: string): Promise<HuggingFaceConfig> {
  const text = await textIn(folder, "quantize_config.json");
  if (text === null || config.quantization_config) return config;
  const file = join(folder, "quantize_config.json");
  const settings = checked(quantization, parseJson(text, file), file);
  return { ...config, quantization_config: { quant_method: "gptq", ...settings } };
}

async function openShards(folder: string): Promise<ShardedSource> {
  const text = await textIn(folder, INDEX);
  const index = text === null ? null : readShardIndex(text, join(folder, INDEX));
  const names = index === null ? await loneFile(folder) : [...new Set(index.values())].sort();
  const shards = new Map<string, SafetensorsSource>();
  try {
    for (const name of names) {
      const path = join(folder, name);
      shards.set(name, await SafetensorsSource.from(await openFile(path)));
    }
    return new ShardedSource(folder, shards, index);
  } catch (error) {
    for (const shard of shards.values()) await shard.close();
    throw error;
  }
}

/** model.safetensors, or the only safetensors that is there. */
async function loneFile(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const found = names.filter((name) => name.endsWith(".safetensors")).sort();
  if (found.includes("model.safetensors")) return ["model.safetensors"];
  if (found.length === 1) return found;
  if (found.length > 1)
    throw new InputError(
      `${found.length} safetensors files (${found.slice(0, 3).join(", ")} ...) but no ${INDEX}`,
      { file: folder },
      `Download ${INDEX} too`,
    );
  const pickled = names.find((name) => /\.(bin|pt|pth)$/.test(name));
  throw new InputError(
    pickled === undefined
      ? "there is no safetensors file in this folder"
      : `the weights are in ${pickled}, a pickle, which can hold programs and is not read`,
    { file: folder },
    pickled === undefined
      ? "Download the weights too"
      : "Save the model with transformers: model.save_pretrained(folder, safe_serialization=True)",
  );
}

function unpacked(shards: ShardedSource, config: HuggingFaceConfig, file: string): TensorSource {
  const settings = config.quantization_config;
  if (!settings) return shards;
  const methods = new Map([
    ["gptq", gptqMatrices],
    ["awq", awqMatrices],
    ["bitnet", bitnetMatrices],
  ]);
  const method = methods.get(settings.quant_method ?? "");
  if (method === undefined)
    throw new InputError(
      `quant_method "${settings.quant_method}" is not supported`,
      { file },
      `Take the model unquantised, or quantised by ${[...methods.keys()].join(", ")}`,
    );
  return new PackedSource(shards, method(shards, settings, file));
}

/** AutoGPTQ writes biases of zeros for matrices that have none: these may be left out. */
async function layoutOf(source: TensorSource, description: ModelDescription): Promise<Layout> {
  const needed = new Set(slotsOf(description).map((slot) => nameIn(HUGGING_FACE, slot)));
  const zeros = new Set<string>();
  for (const [name, { type, shape }] of source.tensors) {
    if (!name.endsWith(".bias") || needed.has(name) || shape.length !== 1 || shape[0]! > 1 << 20) continue;
    if (!["F32", "F16", "BF16"].includes(type)) continue;
    if ((await source.read(name)).every((value) => value === 0)) zeros.add(name);
  }
  const biases = { name: { test: (name: string) => zeros.has(name) }, why: "a bias of zeros adds nothing" };
  return { ...HUGGING_FACE, ignored: [...HUGGING_FACE.ignored, biases] };
}

/** The folder's name without those above it. */
function nameOf(folder: string): string {
  return folder.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, "");
}
