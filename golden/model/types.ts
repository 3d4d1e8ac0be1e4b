/** The quantised model: everything the integer forward pass needs, as integers. Knows no hardware. */

/** m·2^e with 2^15 <= m < 2^16, or (0, 0). Contract section 0. */
export interface Scale {
  readonly m: number;
  readonly e: number;
}

/**
 * Codes of a matrix. W2: -3,-1,1,3. W4: -8..7 (3-bit codes and 2-bit codes with a zero point are W4 codes too).
 * W8: -119..119 (16h + l, h and l in -8..7). TERNARY: -1,0,1. N24 (2:4): -3,-1,1,3 in exactly two of every aligned four
 * columns, 0 in the others.
 */
export type WeightFormat = "W2" | "W4" | "W8" | "TERNARY" | "N24";

/** Bits of a cache code: largest magnitude 3, 7 or 119. Contract section 5. */
export type CacheBits = 3 | 4 | 8;

/** One matrix, `rows` outputs by `cols` inputs, groups of 32 inputs; real weight = code·mantissa·2^-exponent. */
export interface QuantisedMatrix {
  readonly rows: number;
  readonly cols: number;
  readonly format: WeightFormat;
  /** [rows·cols], row-major. */
  readonly codes: Int8Array;
  /** [rows·ceil(cols/32)], 0..255. */
  readonly mantissas: Uint8Array;
  /** [rows], 0..31. */
  readonly exponents: Uint8Array;
}

export interface ModelShape {
  readonly dim: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  /** Positions the model was trained for; the hard limit of a run. */
  readonly context: number;
}

export interface QuantisedLayer {
  /** int16 gains of the two norms, [dim]; their exponent is folded into the scales. */
  readonly attentionGain: Int16Array;
  readonly ffnGain: Int16Array;
  readonly q: QuantisedMatrix;
  readonly k: QuantisedMatrix;
  readonly v: QuantisedMatrix;
  readonly o: QuantisedMatrix;
  readonly gate: QuantisedMatrix;
  readonly up: QuantisedMatrix;
  readonly down: QuantisedMatrix;
  /** Static mean of K after RoPE, [kvHeads·headDim], int24 in K's fraction bits. */
  readonly kMean: Int32Array;
  readonly cache: { readonly keys: CacheBits; readonly values: CacheBits };
  /** int24 in the fraction bits of q, k, v. Contract section 4. */
  readonly bias?: { readonly q: Int32Array; readonly k: Int32Array; readonly v: Int32Array };
  /** int16 gains [headDim] of the norms of q and k. Contract section 5a. */
  readonly qkNorm?: { readonly q: Int16Array; readonly k: Int16Array };
  /** int16 gains of the norms before o, [heads·headDim], and before down, [hidden]. Contract section 6a. */
  readonly subNorm?: { readonly attention: Int16Array; readonly ffn: Int16Array };
  /** The constants K of contract section 4 and 6. */
  readonly scale: {
    readonly q: Scale;
    readonly k: Scale;
    readonly v: Scale;
    readonly score: Scale;
    readonly attend: Scale;
    readonly o: Scale;
    readonly gate: Scale;
    readonly up: Scale;
    readonly down: Scale;
    /** K_knorm of contract section 5a; (0, 0) without norms of q and k. */
    readonly knorm: Scale;
  };
}

export interface QuantisedModel {
  readonly name: string;
  readonly shape: ModelShape;
  /** Fraction bits of the residual stream. */
  readonly residualFraction: number;
  /** E of contract section 4. */
  readonly epsilonSum: number;
  /** E of the norms that only some architectures have; 1 where there is none. */
  readonly epsilon: {
    readonly q: number;
    readonly k: number;
    readonly attention: number;
    readonly ffn: number;
  };
  readonly gate: "silu" | "relu2";
  /** [headDim/2] phase increments in turns/2^32. */
  readonly ropeIncrements: Uint32Array;
  /** Sinks and window in slots; window = context when there is none. */
  readonly sinks: number;
  readonly window: number;
  /** [vocab, dim], W4 or W8; also the head where there is no other. */
  readonly embedding: QuantisedMatrix;
  readonly head?: QuantisedMatrix;
  readonly finalGain: Int16Array;
  readonly headScale: Scale;
  readonly layers: readonly QuantisedLayer[];
}

/**
 * Every tensor on the way of one token, in the order in which it is computed. The harness compares RTL with exactly these.
 * `layer` is -1 for embedding, final norm and head.
 */
export type TensorName =
  | "embedding" // x after EMB, int32 [dim]
  | "attn_in" // int8 [dim], quantised y before q/k/v
  | "q"
  | "k"
  | "v" // int24 after RoPE (q), after RoPE and mean (k), as is (v); [heads·headDim], [kvHeads·headDim]
  | "k_code"
  | "v_code" // int4 [kvHeads·headDim]
  | "k_scale"
  | "v_scale" // byte [kvHeads]
  | "q_code" // int8 [heads·headDim]
  | "score" // int24 [heads][live slots]
  | "p" // 0..127 [heads][32·blocks]
  | "p_exponent" // E_b [heads][blocks]
  | "p_sum" // SE [heads]
  | "attn_out" // int24 [heads·headDim]
  | "o_in" // int8 [heads·headDim]
  | "x_attn" // int32 [dim], residual after attention
  | "ffn_in" // int8 [dim]
  | "h" // int32 [hidden]
  | "down_in" // int8 [hidden]
  | "x_ffn" // int32 [dim]
  | "head_in" // int8 [dim]
  | "logits" // int32 [vocab]
  | "token"; // [1]

export interface TensorEvent {
  readonly tensor: TensorName;
  readonly layer: number;
  readonly position: number;
  readonly values: ArrayLike<number>;
}

/** Called by the forward pass for every tensor; undefined costs nothing. */
export type Probe = (event: TensorEvent) => void;
