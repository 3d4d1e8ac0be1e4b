/** config.json of a Hugging Face folder, as far as this product reads it (transformers, configuration_utils.py and the families' own). */
import { z } from "zod";
import { InputError } from "./error.js";

const count = (most: number) => z.int().min(1).max(most);
const positive = z.number().positive().finite();

/** transformers 5 writes rope_parameters; before, rope_theta stood alone and rope_scaling beside it. */
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: count(1 << 30).optional(),
  partial_rotary_factor: z.number().optional(),
});
export type RopeConfig = z.infer<typeof rope>;

export const quantization = z.looseObject({
  quant_method: z.string().optional(),
  bits: z.int().optional(),
  group_size: z.int().optional(),
  sym: z.boolean().optional(),
  desc_act: z.boolean().optional(),
  checkpoint_format: z.string().optional(),
  // AWQ
  version: z.string().optional(),
  zero_point: z.boolean().optional(),
  // BitNet
  linear_class: z.string().optional(),
  quantization_mode: z.string().optional(),
  use_rms_norm: z.boolean().optional(),
});
export type QuantizationConfig = z.infer<typeof quantization>;

/** model_type of what is read: transformers/models/{llama, mistral, qwen2, qwen3, bitnet}. SmolLM, SmolLM2 and TinyLlama are llama. */
export const MODEL_TYPES = ["llama", "mistral", "qwen2", "qwen3", "bitnet"] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

const schema = z.looseObject({
  model_type: z.enum(MODEL_TYPES),
  vocab_size: count(1 << 24),
  hidden_size: count(1 << 20),
  intermediate_size: count(1 << 24),
  num_hidden_layers: count(1 << 12),
  num_attention_heads: count(1 << 16),
  num_key_value_heads: count(1 << 16).nullish(),
  head_dim: count(1 << 16).nullish(),
  hidden_act: z.string(),
  max_position_embeddings: count(1 << 30),
  rms_norm_eps: positive.default(1e-6),
  rope_theta: positive.nullish(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  partial_rotary_factor: z.number().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  sliding_window: z.int().nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nullish(),
  layer_types: z.array(z.string()).nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  quantization_config: quantization.nullish(),
});
export type HuggingFaceConfig = z.infer<typeof schema>;

/** Parses JSON text into an object; `file` is its name for messages. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`the file is not JSON (${reason})`, { file }, "Copy or export the model again");
  }
}

/** Checks a value against a schema; the message names the first field that is wrong. */
export function checked<T>(type: z.ZodType<T>, value: unknown, file: string): T {
  const result = type.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.length === 0 ? "the file" : issue.path.map(String).join(".");
  throw new InputError(
    `${field}: ${issue.message}`,
    { file },
    "Check that this belongs to a language model of Hugging Face, and copy or export it again",
  );
}

/** Other kinds of models lack fields that ours have: their kind is the better message. */
export function readConfig(text: string, file: string): HuggingFaceConfig {
  const json = parseJson(text, file);
  const { model_type: type } = checked(z.looseObject({ model_type: z.string() }), json, file);
  if (!MODEL_TYPES.some((name) => name === type))
    throw new InputError(
      `model_type "${type}" is not supported`,
      { file },
      `Take a model of ${MODEL_TYPES.join(", ")}`,
    );
  return checked(schema, json, file);
}
