/**
 * Block formats of GGUF tensors (ggml-org/llama.cpp, ggml/src/ggml-common.h and ggml-quants.c; gguf-py/gguf/quants.py).
 * A row is whole blocks; a block is a few bytes that give a fixed number of weights.
 *
 * ggml computes in float32. Every product here (a half-precision scale of 11 bits, a block scale of at most 8, a code of at most 8) is
 * exact in 24 bits, so each weight is rounded once: when it is stored into a Float32Array. Fused multiply-add gives the same bits.
 */
export interface BlockCodec {
  /** Name as ggml calls it. */
  readonly type: string;
  /** enum ggml_type. */
  readonly id: number;
  /** Weights of a block, and the bytes they take. */
  readonly elements: number;
  readonly bytes: number;
  /** One block at `at` to out[to, to + elements). */
  decode(bytes: Uint8Array, at: number, out: Float32Array, to: number): void;
  /** values[from, from + elements), all finite, to one block of `out` (zeroed there) at `at`. For fixtures: simple, not the best fit. */
  encode(values: Float32Array, from: number, out: Uint8Array, at: number): void;
  /** Where weight = scale·code with one scale a block. */
  readonly symmetric?: SymmetricCodes;
}

/** Codes of a block as they are stored. */
export interface SymmetricCodes {
  readonly low: number;
  readonly high: number;
  /** Puts the codes into out[to, ...) and returns the scale, which may be negative. */
  codes(bytes: Uint8Array, at: number, out: Int8Array, to: number): number;
}
