/** What a decoder does besides its sizes: the switches in which the supported families differ. */
import { exp, ln } from "./elementary.js";

/** How RoPE's frequencies are stretched for contexts beyond the original training. */
export type RopeScaling =
  | { readonly type: "none" }
  /** Positions divided by the factor. */
  | { readonly type: "linear"; readonly factor: number }
  /** Llama 3.1: long waves divided by the factor, short ones kept, those between blended. */
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFactor: number;
      readonly highFactor: number;
      readonly originalContext: number;
    }
  /** Each pair's frequency divided by its factor, as GGUF files keep llama3's scaling. */
  | { readonly type: "factors"; readonly factors: readonly number[] };

export interface Rope {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

export interface Architecture {
  /** Of every RMSNorm. */
  readonly eps: number;
  /** What the gate goes through: x·sigmoid(x), or max(x, 0)². */
  readonly gate: "silu" | "relu2";
  /** q, k and v have biases (Qwen2). */
  readonly qkvBias: boolean;
  /** RMSNorm over each head of q and k before RoPE (Qwen3). */
  readonly qkNorm: boolean;
  /** RMSNorm on the attention output before o, and on h before down (BitNet b1.58). */
  readonly subNorms: boolean;
  /** The head is the embedding. */
  readonly tied: boolean;
  /** Rows of q and k are interleaved pairs (2j, 2j+1) whatever the file had: readers permute. */
  readonly rope: Rope;
  /** Latest positions that a query sees, its own among them (Mistral); all of them when null. */
  readonly slidingWindow: number | null;
}

/** Llama 2 and what llama2.c trains. */
export function llama(eps: number, theta: number): Architecture {
  return {
    eps,
    gate: "silu",
    qkvBias: false,
    qkNorm: false,
    subNorms: false,
    tied: true,
    rope: { theta, scaling: { type: "none" } },
    slidingWindow: null,
  };
}

/** What differs from Llama with a tied head, in words; empty for what llama() gives. */
export function features(architecture: Architecture): string[] {
  const { gate, qkvBias, qkNorm, subNorms, tied, rope, slidingWindow } = architecture;
  return [
    ...(gate === "relu2" ? ["squared ReLU"] : []),
    ...(qkvBias ? ["biases of q, k and v"] : []),
    ...(qkNorm ? ["norms of q and k"] : []),
    ...(subNorms ? ["sub-norms before o and down"] : []),
    ...(tied ? [] : ["a head of its own"]),
    ...(rope.scaling.type === "none" ? [] : [`${rope.scaling.type} RoPE scaling`]),
    ...(slidingWindow === null ? [] : [`a sliding window of ${slidingWindow}`]),
  ];
}

/** Angle per position of each pair: theta^(-2j/headDim), scaled; without Math.pow, for every machine the same. */
export function ropeFrequencies({ theta, scaling }: Rope, headDim: number): Float64Array {
  const logTheta = ln(theta);
  return Float64Array.from({ length: headDim / 2 }, (_, j) =>
    scaled(exp((-2 * j * logTheta) / headDim), j, scaling),
  );
}

/** transformers, modeling_rope_utils.py: _compute_linear_scaling_rope_parameters, _compute_llama3_parameters. */
function scaled(frequency: number, j: number, scaling: RopeScaling): number {
  if (scaling.type === "none") return frequency;
  if (scaling.type === "factors") return frequency / scaling.factors[j]!;
  const slow = frequency / scaling.factor;
  if (scaling.type === "linear") return slow;
  const { lowFactor, highFactor, originalContext } = scaling;
  const waves = (originalContext * frequency) / (2 * Math.PI); // in the original context
  if (waves < lowFactor) return slow;
  if (waves > highFactor) return frequency;
  const smooth = (waves - lowFactor) / (highFactor - lowFactor);
  return (1 - smooth) * slow + smooth * frequency;
}
