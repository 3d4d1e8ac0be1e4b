/**
 * Writes Hugging Face folders: config.json, safetensors in one or several files, and matrices packed by GPTQ, AWQ or BitNet. For
 * fixtures; rows of q and k go back from interleaved pairs to halves.
 */
import type { FloatModel } from "../../model/float.js";
import type { Role } from "../architecture.js";
import { HUGGING_FACE, nameIn } from "../architectureLayout.js";
import { writeBfloat, writeHalf } from "../blocks/half.js";
import { type Dtype, writeSafetensors } from "../safetensors.js";
import { tensorsOf } from "./tensors.js";

export interface Written {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Packs a matrix into the tensors that stand for it, by their endings behind "...q_proj."; halves already. */
export type Pack = (values: Float32Array, rows: number, cols: number) => ReadonlyMap<string, Written>;

export interface FolderOptions {
  readonly dtype?: "F32" | "F16" | "BF16";
  /** Tensors go to this many files in turn. */
  readonly shards?: number;
  readonly pack?: Pack;
  /** More of config.json, quantization_config for instance. */
  readonly config?: Readonly<Record<string, unknown>>;
}

const ROTATED: ReadonlySet<Role> = new Set(["q", "k", "q_bias", "k_bias", "q_norm", "k_norm"]);
const LINEAR: ReadonlySet<Role> = new Set(["q", "k", "v", "o", "gate", "up", "down"]);

/** Rows (2j, 2j + 1) of every head to (j, j + headDim/2). */
export function toHalves(values: Float32Array, cols: number, headDim: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row * cols < values.length; row++) {
    const within = row % headDim;
    const to = row - within + (within >> 1) + ((within & 1) * headDim) / 2;
    out.set(values.subarray(row * cols, (row + 1) * cols), to * cols);
  }
  return out;
}

export function written(
  dtype: "F32" | "F16" | "BF16",
  shape: readonly number[],
  values: Float32Array,
): Written {
  if (dtype === "F32") return { dtype, shape, bytes: new Uint8Array(values.slice().buffer) };
  const bytes = new Uint8Array(2 * values.length);
  const put = dtype === "F16" ? writeHalf : writeBfloat;
  for (let i = 0; i < values.length; i++) put(values[i]!, bytes, 2 * i);
  return { dtype, shape, bytes };
}

/** Files of the folder. */
export function writeHuggingFace(model: FloatModel, options: FolderOptions = {}): Map<string, Uint8Array> {
  const { dtype = "F32", shards = 1, pack } = options;
  const tensors = new Map<string, Written>();
  for (const { slot, values } of tensorsOf(model)) {
    const name = nameIn(HUGGING_FACE, slot);
    const cols = slot.shape.length === 1 ? 1 : slot.shape[1]!;
    const halves = ROTATED.has(slot.role) ? toHalves(values, cols, model.shape.headDim) : values;
    if (pack === undefined || !LINEAR.has(slot.role)) tensors.set(name, written(dtype, slot.shape, halves));
    else
      for (const [ending, tensor] of pack(halves, slot.shape[0]!, cols))
        tensors.set(name.replace(/weight$/, ending), tensor);
  }
  const config = { ...configOf(model), ...options.config };
  return new Map([["config.json", json(config)], ...inShards(tensors, shards)]);
}

function inShards(tensors: ReadonlyMap<string, Written>, shards: number): [string, Uint8Array][] {
  if (shards === 1) return [["model.safetensors", writeSafetensors(tensors)]];
  const number = (n: number): string => String(n).padStart(5, "0");
  const fileOf = (n: number): string => `model-${number((n % shards) + 1)}-of-${number(shards)}.safetensors`;
  const names = [...tensors.keys()];
  const map = Object.fromEntries(names.map((name, n) => [name, fileOf(n)]));
  const files = Array.from({ length: shards }, (_, shard): [string, Uint8Array] => [
    fileOf(shard),
    writeSafetensors(new Map([...tensors].filter((_entry, n) => n % shards === shard))),
  ]);
  return [["model.safetensors.index.json", json({ metadata: {}, weight_map: map })], ...files];
}

export function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

function configOf({ shape, architecture }: FloatModel): Record<string, unknown> {
  const { qkvBias, qkNorm, subNorms, slidingWindow, rope, eps, gate, tied } = architecture;
  const [type, name] = subNorms
    ? ["bitnet", "BitNetForCausalLM"]
    : qkNorm
      ? ["qwen3", "Qwen3ForCausalLM"]
      : qkvBias
        ? ["qwen2", "Qwen2ForCausalLM"]
        : slidingWindow !== null
          ? ["mistral", "MistralForCausalLM"]
          : ["llama", "LlamaForCausalLM"];
  return {
    architectures: [name],
    model_type: type,
    vocab_size: shape.vocab,
    hidden_size: shape.dim,
    intermediate_size: shape.hidden,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    hidden_act: gate,
    max_position_embeddings: shape.context,
    rms_norm_eps: eps,
    rope_theta: rope.theta,
    rope_scaling: scalingOf(rope.scaling),
    tie_word_embeddings: tied,
    ...(slidingWindow === null ? {} : { sliding_window: slidingWindow }),
    bos_token_id: 1,
    eos_token_id: 2,
  };
}

function scalingOf(
  scaling: FloatModel["architecture"]["rope"]["scaling"],
): Readonly<Record<string, unknown>> | null {
  switch (scaling.type) {
    case "none":
      return null;
    case "linear":
      return { rope_type: "linear", factor: scaling.factor };
    case "llama3":
      return {
        rope_type: "llama3",
        factor: scaling.factor,
        low_freq_factor: scaling.lowFactor,
        high_freq_factor: scaling.highFactor,
        original_max_position_embeddings: scaling.originalContext,
      };
    case "factors":
      throw new RangeError("config.json has no factors of RoPE");
  }
}
