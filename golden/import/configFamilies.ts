/** From config.json to what the model is; everything that would be computed otherwise than we do is refused by name. */
import type { Architecture, Rope, RopeScaling } from "../model/architecture.js";
import type { ModelShape } from "../model/types.js";
import type { ModelDescription } from "./architecture.js";
import type { HuggingFaceConfig, ModelType, RopeConfig } from "./config.js";
import { InputError } from "./error.js";

interface Family {
  readonly name: string;
  readonly traits: Pick<Architecture, "qkvBias" | "qkNorm" | "subNorms">;
  /** Where config.json does not say. */
  readonly theta: number;
  readonly headDim: number | null;
  window(config: HuggingFaceConfig): number | null;
}

const PLAIN = { qkvBias: false, qkNorm: false, subNorms: false };
const common = { traits: PLAIN, theta: 10000, headDim: null };

const FAMILIES: Readonly<Record<ModelType, Family>> = {
  llama: { ...common, name: "Llama", window: () => null },
  mistral: { ...common, name: "Mistral", window: (config) => config.sliding_window ?? null },
  qwen2: { ...common, name: "Qwen2", traits: { ...PLAIN, qkvBias: true }, window: qwenWindow },
  qwen3: {
    ...common,
    name: "Qwen3",
    traits: { ...PLAIN, qkNorm: true },
    headDim: 128,
    window: qwenWindow,
  },
  bitnet: {
    ...common,
    name: "BitNet",
    traits: { ...PLAIN, subNorms: true },
    theta: 500000,
    window: () => null,
  },
};

/** Layers from max_window_layers on have the window. */
function qwenWindow(config: HuggingFaceConfig): number | null {
  if (config.use_sliding_window !== true) return null;
  return (config.max_window_layers ?? 28) >= config.num_hidden_layers
    ? null
    : (config.sliding_window ?? null);
}

/** `oneTable`: only one of embedding and head is there, so that it serves as both. */
export function describeConfig(
  config: HuggingFaceConfig,
  { name, file, oneTable }: { readonly name: string; readonly file: string; readonly oneTable: boolean },
): ModelDescription {
  const refuse = (what: string, remedy: string): never => {
    throw new InputError(what, { file }, remedy);
  };
  const family = FAMILIES[config.model_type];
  const unlike = "This variant of the family is computed in a way that Gateloom does not have";
  if (config.attention_bias === true && !family.traits.qkvBias)
    refuse("attention_bias: biases of q, k, v and o together are not supported", unlike);
  if (config.mlp_bias === true) refuse("mlp_bias: biases of gate, up and down are not supported", unlike);
  const kinds = new Set(config.layer_types ?? []);
  if (kinds.size > 1)
    refuse(`layer_types: a mixture of ${[...kinds].join(" and ")} is not supported`, unlike);
  const window = family.window(config);
  if (window !== null && config.use_sliding_window === true && (config.max_window_layers ?? 28) > 0)
    refuse("max_window_layers: a sliding window in some layers only is not supported", unlike);
  if (window !== null && window < 1) refuse(`sliding_window: ${window} makes no sense`, unlike);
  const gate = new Map<string, Architecture["gate"]>([
    ["silu", "silu"],
    ["swish", "silu"],
    ["relu2", "relu2"],
  ]).get(config.hidden_act);
  if (gate === undefined) return refuse(`hidden_act "${config.hidden_act}" is not supported`, unlike);
  return {
    name,
    family: family.name,
    shape: shapeOf(config, family, file),
    architecture: {
      ...family.traits,
      eps: config.rms_norm_eps,
      gate,
      tied: oneTable || config.tie_word_embeddings === true,
      rope: ropeOf(config, family, file),
      slidingWindow: window,
    },
  };
}

function shapeOf(config: HuggingFaceConfig, family: Family, file: string): ModelShape {
  const { hidden_size: dim, num_attention_heads: heads } = config;
  const kvHeads = config.num_key_value_heads ?? heads;
  const headDim = config.head_dim ?? family.headDim ?? dim / heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0 || heads % kvHeads !== 0)
    throw new InputError(
      `hidden_size ${dim}, num_attention_heads ${heads}, num_key_value_heads ${kvHeads} do not divide into heads of even width`,
      { file },
      "Copy config.json again",
    );
  return {
    dim,
    hidden: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    vocab: config.vocab_size,
    context: config.max_position_embeddings,
  };
}

function ropeOf(config: HuggingFaceConfig, family: Family, file: string): Rope {
  const parameters: RopeConfig = config.rope_parameters ?? config.rope_scaling ?? {};
  const partial = parameters.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (partial !== 1)
    throw new InputError(
      `partial_rotary_factor: rotating ${partial} of a head is not supported`,
      { file },
      "Take a model that rotates whole heads",
    );
  return {
    theta: parameters.rope_theta ?? config.rope_theta ?? family.theta,
    scaling: scalingOf(parameters, file),
  };
}

function scalingOf(parameters: RopeConfig, file: string): RopeScaling {
  const need = (
    key: "factor" | "low_freq_factor" | "high_freq_factor" | "original_max_position_embeddings",
  ) => {
    const value = parameters[key];
    if (value === undefined)
      throw new InputError(`the scaling of RoPE lacks "${key}"`, { file }, "Copy config.json again");
    return value;
  };
  const type = parameters.rope_type ?? parameters.type ?? "default";
  if (type === "default") return { type: "none" };
  if (type === "linear") return { type, factor: need("factor") };
  if (type === "llama3")
    return {
      type,
      factor: need("factor"),
      lowFactor: need("low_freq_factor"),
      highFactor: need("high_freq_factor"),
      originalContext: need("original_max_position_embeddings"),
    };
  throw new InputError(
    `RoPE scaling "${type}" is not supported`,
    { file },
    "Take a model with default, linear or llama3 RoPE; yarn and dynamic models work unscaled when rope_scaling is removed from config.json, within their original context",
  );
}
