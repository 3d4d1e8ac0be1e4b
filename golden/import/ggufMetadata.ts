/**
 * What a GGUF file says about its model, typed and checked (keys: ggml-org/ggml docs/gguf.md; names of llama.cpp's
 * src/llama-arch.cpp). Defaults are llama.cpp's.
 */
import { InputError } from "./error.js";
import type { GgufValue } from "./ggufCursor.js";

export interface GgufModelInfo {
  /** general.architecture: llama, qwen2, qwen3 ... */
  readonly architecture: string;
  readonly name: string;
  readonly context: number;
  readonly dim: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Of RMSNorm. */
  readonly eps: number;
  /** Base of RoPE. */
  readonly theta: number;
  /**
   * How RoPE pairs the elements of a head in this file: (2j, 2j + 1), or (j, j + headDim/2). The converter permutes the rows of
   * attn_q and attn_k of Llama-like models to pairs; other architectures keep Hugging Face's halves.
   */
  readonly rope: "interleaved" | "split";
  /** rope.scaling.type, or null where there is none. A tensor rope_freqs.weight may hold factors too. */
  readonly ropeScaling: { readonly type: string; readonly factor: number } | null;
  /** Sliding window of attention in tokens; 0 for none. */
  readonly window: number;
  readonly vocab: number;
  readonly chatTemplate: string | null;
}

/** LLAMA_ROPE_TYPE_NORM of llama_model_rope_type (llama.cpp src/llama-model.cpp), of architectures with Llama's tensors. */
const INTERLEAVED = new Set([
  ...["llama", "llama4", "deci", "baichuan", "internlm2", "xverse", "minicpm"],
  ...["granite", "granitemoe", "smollm3", "arcee", "ernie4_5"],
]);

const EXPORT = "Convert the model again with a current convert_hf_to_gguf.py";

/** Access to metadata by key and kind. */
export class GgufMetadata {
  constructor(
    readonly values: ReadonlyMap<string, GgufValue>,
    readonly file: string,
  ) {}

  fail(key: string, what: string): never {
    throw new InputError(`metadata ${key} ${what}`, { file: this.file }, EXPORT);
  }

  text(key: string): string | undefined {
    const value = this.values.get(key);
    if (value === undefined || typeof value === "string") return value;
    return this.fail(key, "is not a text");
  }

  /** A short text of letters, digits and a few signs: one that stands in messages. */
  word(key: string): string | undefined {
    const value = this.text(key);
    return value === undefined || /^[\w.-]{1,64}$/.test(value) ? value : this.fail(key, "is not a name");
  }

  flag(key: string): boolean | undefined {
    const value = this.values.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    return this.fail(key, "is not a truth value");
  }

  number(key: string): number | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    // some architectures give one value a layer; all equal is one
    const first = value instanceof Float64Array && value.every((v) => v === value[0]) ? value[0] : value;
    if (typeof first === "number" && Number.isFinite(first)) return first;
    return this.fail(key, value instanceof Float64Array ? "differs from layer to layer" : "is not a number");
  }

  /** A whole number of low..high. */
  count(key: string, low: number, high: number): number | undefined {
    const value = this.number(key);
    if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) return value;
    return this.fail(key, `= ${value} is not a whole number of ${low} to ${high}`);
  }

  texts(key: string): readonly string[] | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((v): v is string => typeof v === "string")) return value;
    return this.fail(key, "is not a list of texts");
  }

  numbers(key: string): Float64Array | undefined {
    const value = this.values.get(key);
    if (value === undefined || value instanceof Float64Array) return value;
    return this.fail(key, "is not a list of numbers");
  }

  require<T>(key: string, value: T | undefined): T {
    return value === undefined ? this.fail(key, "is missing") : value;
  }
}

/** The model's description; refuses metadata that contradicts itself. */
export function ggufModelInfo(source: {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly file: string;
}): GgufModelInfo {
  const m = new GgufMetadata(source.metadata, source.file);
  const architecture = m.require("general.architecture", m.word("general.architecture"));
  const key = (name: string): string => `${architecture}.${name}`;
  const need = (name: string, high: number): number => m.require(key(name), m.count(key(name), 1, high));
  const shards = m.count("split.count", 0, 1e6) ?? 1;
  if (shards > 1)
    m.fail(
      "split.count",
      `= ${shards}: the model is in several files; join them with llama-gguf-split --merge`,
    );
  const dim = need("embedding_length", 1 << 20);
  const heads = need("attention.head_count", 1 << 16);
  const kvHeads = m.count(key("attention.head_count_kv"), 1, heads) ?? heads;
  if (heads % kvHeads !== 0)
    m.fail(key("attention.head_count_kv"), `= ${kvHeads} does not divide ${heads} heads`);
  const headDim = m.count(key("attention.key_length"), 2, 1 << 16) ?? dim / heads;
  if (!Number.isInteger(headDim)) m.fail(key("attention.head_count"), `= ${heads} does not divide ${dim}`);
  if ((m.count(key("attention.value_length"), 2, 1 << 16) ?? headDim) !== headDim)
    m.fail(key("attention.value_length"), "differs from key_length");
  if ((m.count(key("rope.dimension_count"), 0, 1 << 16) ?? headDim) !== headDim)
    m.fail(
      key("rope.dimension_count"),
      `is not the width of a head, ${headDim}: rotating a part is not supported`,
    );
  const eps = m.number(key("attention.layer_norm_rms_epsilon"));
  const scaling = m.word(key("rope.scaling.type")) ?? "none";
  return {
    architecture,
    name: (m.text("general.name") ?? "").replace(/\p{C}/gu, " ").slice(0, 200),
    context: need("context_length", 1 << 30),
    dim,
    hidden: need("feed_forward_length", 1 << 24),
    layers: need("block_count", 1 << 16),
    heads,
    kvHeads,
    headDim,
    eps: m.require(key("attention.layer_norm_rms_epsilon"), eps),
    theta: m.number(key("rope.freq_base")) ?? 10000,
    rope: INTERLEAVED.has(architecture) ? "interleaved" : "split",
    ropeScaling:
      scaling === "none" ? null : { type: scaling, factor: m.number(key("rope.scaling.factor")) ?? 1 },
    window: m.count(key("attention.sliding_window"), 0, 1 << 30) ?? 0,
    vocab: m.texts("tokenizer.ggml.tokens")?.length ?? need("vocab_size", 1 << 24),
    chatTemplate: m.text("tokenizer.chat_template") ?? null,
  };
}
