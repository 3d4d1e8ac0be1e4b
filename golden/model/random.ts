/** A random quantised model of any shape, for tests: activations are neither all zero nor saturated. */
import { GATE_FRACTION, GROUP } from "../contract/tables.js";
import {
  epsilonSum,
  epsilons,
  type GainExponents,
  type LayerFractions,
  LOGIT_FRACTION,
  layerScales,
  normedScale,
  ropeIncrements,
} from "../quantise/constants.js";
import { type CacheWidths, cacheWidths } from "./cache.js";
import { Random } from "./prng.js";
import { power2 } from "./scale.js";
import type { ModelShape, QuantisedLayer, QuantisedMatrix, QuantisedModel, WeightFormat } from "./types.js";

export { Random };

/** Of code·mantissa, for codes and mantissas as they are drawn below. */
const ROOT_MEAN_SQUARE: Readonly<Record<WeightFormat, number>> = {
  W2: 430,
  W4: 880,
  W8: 13200,
  TERNARY: 158,
  N24: 306,
};

function randomCodes(random: Random, count: number, format: WeightFormat): Int8Array {
  const level = () => 2 * random.integer(-2, 1) + 1;
  switch (format) {
    case "W2":
      return Int8Array.from({ length: count }, level);
    case "W4":
      return Int8Array.from({ length: count }, () => random.integer(-8, 7));
    case "W8":
      return Int8Array.from({ length: count }, () => random.integer(-119, 119));
    case "TERNARY":
      return Int8Array.from({ length: count }, () => random.integer(-1, 1));
    case "N24": {
      const codes = new Int8Array(count);
      for (let quad = 0; quad < count; quad += 4) {
        const first = random.integer(0, 3);
        const second = (first + random.integer(1, 3)) % 4;
        codes[quad + first] = level();
        codes[quad + second] = level();
      }
      return codes;
    }
  }
}

/** Weights of about the wanted standard deviation. */
function randomMatrix(
  random: Random,
  rows: number,
  cols: number,
  format: WeightFormat,
  deviation: number,
): QuantisedMatrix {
  if (format === "N24" && cols % 4 !== 0)
    throw new RangeError(`${cols} columns do not divide into the fours of N24; use W2 or a multiple of 4`);
  const wanted = ROOT_MEAN_SQUARE[format] / deviation;
  let exponent = 0;
  while (power2(exponent + 1) < wanted * Math.SQRT2) exponent++; // nearest power of two
  return {
    rows,
    cols,
    format,
    codes: randomCodes(random, rows * cols, format),
    mantissas: Uint8Array.from({ length: rows * Math.ceil(cols / GROUP) }, () => random.integer(128, 255)),
    exponents: Uint8Array.from({ length: rows }, () => Math.min(31, exponent + random.integer(0, 1))),
  };
}

/** Binary points of every random model, */
export const FRACTION: LayerFractions = { q: 15, k: 14, key: 14, v: 14, o: 14, gate: GATE_FRACTION, up: 15 };
/** but for the gate of squared ReLU. */
export const RELU2_GATE_FRACTION = 18;
export const RESIDUAL_FRACTION = 25;
export const GAIN_EXPONENT = 13;

/** What a random model may have besides its shape. */
export interface RandomOptions {
  /** Format of the seven linear matrices; W2 unless told. */
  readonly format?: WeightFormat;
  /** Sinks and window in slots; none and the context unless told. */
  readonly sinks?: number;
  readonly window?: number;
  /** Bits of the cache, of every layer or of each; 4 unless told. */
  readonly cache?: CacheWidths | readonly CacheWidths[];
  /** W4 unless told. */
  readonly embedding?: "W4" | "W8";
  /** Format of a head of its own; none unless told. */
  readonly head?: WeightFormat;
  /** Biases of q, k and v (Qwen2), norms of q and k (Qwen3), sub-norms (BitNet). */
  readonly bias?: boolean;
  readonly qkNorm?: boolean;
  readonly subNorm?: boolean;
  readonly gate?: QuantisedModel["gate"];
}

/** Eps and theta of every random model. */
export const RANDOM_EPS = 1e-5;
const ROPE = { theta: 10000, scaling: { type: "none" } } as const;

/** The same model for the same shape, seed and options on every machine. */
export function randomModel(shape: ModelShape, seed: number, options: RandomOptions = {}): QuantisedModel {
  const { dim, hidden, heads, kvHeads, headDim, vocab, context } = shape;
  const format = options.format ?? "W2";
  const { bias = false, qkNorm = false, subNorm = false, gate = "silu" } = options;
  const fraction = gate === "silu" ? FRACTION : { ...FRACTION, gate: RELU2_GATE_FRACTION };
  const widths = cacheWidths(options.cache, shape.layers);
  const exponents: GainExponents = {
    ...{ attention: GAIN_EXPONENT, ffn: GAIN_EXPONENT },
    ...(qkNorm ? { qkNorm: { q: GAIN_EXPONENT, k: GAIN_EXPONENT } } : {}),
    ...(subNorm ? { subNorm: { attention: GAIN_EXPONENT, ffn: GAIN_EXPONENT } } : {}),
  };
  const random = new Random(seed);
  const gain = (n = dim) => Int16Array.from({ length: n }, () => random.integer(4096, 12288)); // 0.5 to 1.5
  /** -1 to 1 at the binary point of a tensor. */
  const offsets = (n: number, fraction: number) =>
    Int32Array.from({ length: n }, () => random.integer(-(2 ** fraction), 2 ** fraction));
  const matrix = (rows: number, cols: number, gain = 1) =>
    randomMatrix(random, rows, cols, format, gain / Math.sqrt(cols));
  const layer = (l: number): QuantisedLayer => ({
    attentionGain: gain(),
    ffnGain: gain(),
    q: matrix(heads * headDim, dim),
    k: matrix(kvHeads * headDim, dim),
    v: matrix(kvHeads * headDim, dim),
    // strong against the embedding: else every token repeats itself. Behind norms and squares inputs are larger
    o: matrix(dim, heads * headDim, subNorm ? 0.5 : 2),
    gate: matrix(hidden, dim),
    up: matrix(hidden, dim),
    down: matrix(dim, hidden, subNorm || gate === "relu2" ? 0.5 : 2),
    kMean: Int32Array.from({ length: kvHeads * headDim }, () => random.integer(-8192, 8192)),
    cache: widths[l]!,
    ...(bias
      ? {
          bias: {
            q: offsets(heads * headDim, fraction.q),
            k: offsets(kvHeads * headDim, fraction.k),
            v: offsets(kvHeads * headDim, fraction.v),
          },
        }
      : {}),
    ...(qkNorm ? { qkNorm: { q: gain(headDim), k: gain(headDim) } } : {}),
    ...(subNorm ? { subNorm: { attention: gain(heads * headDim), ffn: gain(hidden) } } : {}),
    scale: layerScales(shape, gate, RESIDUAL_FRACTION, fraction, exponents),
  });
  // drawn in this order, so that models without an option are what they are with no options at all
  const embedding = randomMatrix(random, vocab, dim, options.embedding ?? "W4", 0.015625);
  const finalGain = gain();
  const layers = Array.from({ length: shape.layers }, (_, l) => layer(l));
  const head = options.head && randomMatrix(random, vocab, dim, options.head, 1 / Math.sqrt(dim));
  const sinks = options.sinks ?? 0;
  return {
    name: `random-${dim}x${shape.layers}-${seed}`,
    shape,
    residualFraction: RESIDUAL_FRACTION,
    epsilonSum: epsilonSum(dim, RANDOM_EPS, RESIDUAL_FRACTION),
    epsilon: epsilons(shape, gate, RANDOM_EPS, fraction, { qkNorm, subNorm }),
    gate,
    ropeIncrements: ropeIncrements(ROPE, headDim),
    sinks,
    window: options.window ?? context - sinks,
    embedding,
    ...(head ? { head } : {}),
    finalGain,
    headScale: normedScale(dim, GAIN_EXPONENT, LOGIT_FRACTION),
    layers,
  };
}
