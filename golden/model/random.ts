/** A random quantised model of any shape, for tests: activations are neither all zero nor saturated. */
import { GROUP } from "../contract/tables.js";
import {
  epsilonSum,
  NO_EPSILON,
  type LayerFractions,
  LOGIT_FRACTION,
  layerScales,
  normedScale,
  ropeIncrements,
} from "../quantise/constants.js";
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

/** Binary points of every random model. */
export const FRACTION: LayerFractions = { q: 15, k: 14, v: 14, o: 14, up: 15 };
export const RESIDUAL_FRACTION = 25;
export const GAIN_EXPONENT = 13;

/** What a random model may have besides its shape. */
export interface RandomOptions {
  /** Format of the seven linear matrices; W2 unless told. */
  readonly format?: WeightFormat;
  /** Sinks and window in slots; none and the context unless told. */
  readonly sinks?: number;
  readonly window?: number;
}

/** The same model for the same shape, seed and options on every machine. */
export function randomModel(shape: ModelShape, seed: number, options: RandomOptions = {}): QuantisedModel {
  const { dim, hidden, heads, kvHeads, headDim, vocab, context } = shape;
  const format = options.format ?? "W2";
  const random = new Random(seed);
  const gain = () => Int16Array.from({ length: dim }, () => random.integer(4096, 12288)); // 0.5 to 1.5
  const matrix = (rows: number, cols: number, gain = 1) =>
    randomMatrix(random, rows, cols, format, gain / Math.sqrt(cols));
  const layer = (): QuantisedLayer => ({
    attentionGain: gain(),
    ffnGain: gain(),
    q: matrix(heads * headDim, dim),
    k: matrix(kvHeads * headDim, dim),
    v: matrix(kvHeads * headDim, dim),
    o: matrix(dim, heads * headDim, 2), // strong against the embedding: else every token repeats itself
    gate: matrix(hidden, dim),
    up: matrix(hidden, dim),
    down: matrix(dim, hidden, 2),
    kMean: Int32Array.from({ length: kvHeads * headDim }, () => random.integer(-8192, 8192)),
    cache: { keys: 4, values: 4 },
    scale: layerScales(shape, RESIDUAL_FRACTION, FRACTION, { attention: GAIN_EXPONENT, ffn: GAIN_EXPONENT }),
  });
  const sinks = options.sinks ?? 0;
  return {
    name: `random-${dim}x${shape.layers}-${seed}`,
    shape,
    residualFraction: RESIDUAL_FRACTION,
    epsilonSum: epsilonSum(dim, 1e-5, RESIDUAL_FRACTION),
    epsilon: NO_EPSILON,
    gate: "silu",
    ropeIncrements: ropeIncrements(10000, headDim),
    sinks,
    window: options.window ?? context - sinks,
    embedding: randomMatrix(random, vocab, dim, "W4", 0.015625),
    finalGain: gain(),
    headScale: normedScale(dim, GAIN_EXPONENT, LOGIT_FRACTION),
    layers: Array.from({ length: shape.layers }, layer),
  };
}
