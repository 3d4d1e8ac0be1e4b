/** What a model is, whatever container it came in, and the tensors it therefore needs: name and shape of each. */
import type { Architecture } from "../model/architecture.js";
import type { ModelShape } from "../model/types.js";
import { MATRICES } from "../quantise/round.js";

export interface ModelDescription {
  readonly name: string;
  /** Llama, Mistral, Qwen2, Qwen3, BitNet, llama2.c ... */
  readonly family: string;
  readonly shape: ModelShape;
  readonly architecture: Architecture;
}

export const LAYER_ROLES = [
  ...MATRICES,
  ...(["attention_norm", "ffn_norm", "q_bias", "k_bias", "v_bias"] as const),
  ...(["q_norm", "k_norm", "attention_sub_norm", "ffn_sub_norm"] as const),
] as const;
export const MODEL_ROLES = ["embedding", "final_norm", "head"] as const;
export type LayerRole = (typeof LAYER_ROLES)[number];
export type ModelRole = (typeof MODEL_ROLES)[number];
export type Role = LayerRole | ModelRole;

export interface Slot {
  /** `embedding`, `final_norm`, `head`, or `layers.3.q`. */
  readonly name: string;
  readonly role: Role;
  readonly layer: number | null;
  /** Outermost first. */
  readonly shape: readonly number[];
}

/** Every tensor of the model, in the order in which a token meets them. */
export function slotsOf({ shape, architecture }: ModelDescription): Slot[] {
  const { vocab, dim, layers } = shape;
  const whole = (role: ModelRole, ...sizes: number[]): Slot => ({
    name: role,
    role,
    layer: null,
    shape: sizes,
  });
  const roles = layerShapes(shape, architecture);
  return [
    whole("embedding", vocab, dim),
    ...Array.from({ length: layers }, (_, layer) =>
      roles.map(([role, sizes]): Slot => ({ name: `layers.${layer}.${role}`, role, layer, shape: sizes })),
    ).flat(),
    whole("final_norm", dim),
    ...(architecture.tied ? [] : [whole("head", vocab, dim)]),
  ];
}

function layerShapes(
  { dim, hidden, heads, kvHeads, headDim }: ModelShape,
  { qkvBias, qkNorm, subNorms }: Architecture,
): [LayerRole, readonly number[]][] {
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];
  const some = (
    present: boolean,
    ...tensors: [LayerRole, readonly number[]][]
  ): [LayerRole, readonly number[]][] => (present ? tensors : []);
  return [
    ["attention_norm", [dim]],
    ["q", [width, dim]],
    ["k", [kvWidth, dim]],
    ["v", [kvWidth, dim]],
    ...some(qkvBias, ["q_bias", [width]], ["k_bias", [kvWidth]], ["v_bias", [kvWidth]]),
    ...some(qkNorm, ["q_norm", [headDim]], ["k_norm", [headDim]]),
    ...some(subNorms, ["attention_sub_norm", [width]]),
    ["o", [dim, width]],
    ["ffn_norm", [dim]],
    ["gate", [hidden, dim]],
    ["up", [hidden, dim]],
    ...some(subNorms, ["ffn_sub_norm", [hidden]]),
    ["down", [dim, hidden]],
  ];
}
