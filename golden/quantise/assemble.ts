/** A rounded model and its ranges to a QuantisedModel: binary points, gains, constant scales. */
import { CACHE_CODE, GATE_FRACTION } from "../contract/tables.js";
import type { Architecture } from "../model/architecture.js";
import { type CacheWidths, cacheWidths, checkSlots } from "../model/cache.js";
import type { FloatLayer } from "../model/float.js";
import { power2 } from "../model/scale.js";
import type { CacheBits, ModelShape, QuantisedLayer, QuantisedModel } from "../model/types.js";
import type { LayerRanges, Ranges } from "./calibrate.js";
import {
  epsilonSum,
  epsilons,
  type GainExponents,
  hiddenFraction,
  type LayerFractions,
  LOGIT_FRACTION,
  layerScales,
  normedScale,
  ropeIncrements,
} from "./constants.js";
import type { RoundedModel } from "./round.js";

/** Allocated attention slots. Unless told, everything up to the context. */
export interface Slots {
  readonly sinks: number;
  readonly window: number;
}

/** How a model is to run, besides its weights. */
export interface RunOptions {
  readonly slots?: Slots;
  /** Bits of the cache, of every layer or of each; 4 unless told. */
  readonly cache?: CacheWidths | readonly CacheWidths[];
}

/** Calibrated maxima stay below these in units of the tensor's last place: 4x headroom. */
const LIMIT = {
  /** 4x headroom in 32 bits; h likewise. */
  residual: power2(29),
  /** E is a register of 48 bits. */
  epsilon: power2(48),
  /** 24 bits. */
  matrix: power2(21),
};

/** Keys and values: besides, the largest cache scale, 31·2^13, times the largest code, over 4. */
function cacheLimit(bits: readonly CacheBits[]): number {
  const codes = bits.map((one) => CACHE_CODE[one].largest);
  return Math.min(LIMIT.matrix, (Math.min(...codes) * 31 * 8192) / 4);
}

/** More fraction bits than these would carry nothing; what a norm follows may be small as a whole. */
const MOST = { residual: 26, tensor: 16, normed: 20 };

/** The largest fraction f <= most with maximum·2^f <= limit. */
function fractionFor(what: string, maximum: number, limit: number, most: number): number {
  let fraction = most;
  while (fraction >= 0 && maximum * power2(fraction) > limit) fraction--;
  if (fraction < 0) throw new RangeError(`${what} reaches ${maximum}, too much for its width`);
  return fraction;
}

/** Binary points that serve all layers: one set lets one program loop run every layer. */
export function layerFractions(
  layers: readonly LayerRanges[],
  architecture: Pick<Architecture, "gate" | "qkNorm" | "subNorms">,
  widths: readonly CacheWidths[],
): LayerFractions {
  const { gate, qkNorm, subNorms } = architecture;
  const widest = (name: keyof LayerRanges): number =>
    Math.max(...layers.map((layer) => layer[name] ?? missing(name)));
  const keyLimit = cacheLimit(widths.map(({ keys }) => keys));
  const normed = (of: boolean): number => (of ? MOST.normed : MOST.tensor);
  const k = fractionFor("k", widest("k"), qkNorm ? LIMIT.matrix : keyLimit, normed(qkNorm));
  const bare = {
    q: fractionFor("q", widest("q"), LIMIT.matrix, normed(qkNorm)),
    k,
    key: qkNorm ? fractionFor("a normed key", widest("key"), keyLimit, MOST.tensor) : k,
    v: fractionFor("v", widest("v"), cacheLimit(widths.map(({ values }) => values)), MOST.tensor),
    o: fractionFor("attention output", widest("o"), LIMIT.matrix, normed(subNorms)),
    gate: gate === "silu" ? GATE_FRACTION : fractionFor("gate", widest("gate"), LIMIT.matrix, MOST.normed),
    up: fractionFor("up", widest("up"), LIMIT.matrix, MOST.tensor),
  };
  // h has a fixed number of fraction bits more (or fewer) than up
  const more = hiddenFraction(gate, bare) - bare.up;
  return { ...bare, up: fractionFor("h", widest("h"), LIMIT.residual * power2(-more), bare.up) };
}

/** Biases must fit too, even those that the matrices oppose. */
function withBiases(ranges: readonly LayerRanges[], layers: readonly FloatLayer[]): LayerRanges[] {
  const most = (range: number, bias?: Float32Array): number =>
    bias === undefined ? range : bias.reduce((largest, b) => Math.max(largest, Math.abs(b)), range);
  return ranges.map((range, l) => {
    const bias = layers[l]!.bias;
    return { ...range, q: most(range.q, bias?.q), k: most(range.k, bias?.k), v: most(range.v, bias?.v) };
  });
}

function missing(name: string): never {
  throw new RangeError(`the calibrated ranges lack those of ${name}, which this architecture needs`);
}

/** Gains as int16 with as many fraction bits (`exponent`) as fit, at most 20. */
export function quantiseGain(gain: Float32Array): { readonly gain: Int16Array; readonly exponent: number } {
  const maximum = gain.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  const exponent = fractionFor("a norm gain", maximum, 32767, 20);
  return { gain: Int16Array.from(gain, (g) => Math.round(g * power2(exponent))), exponent };
}

export function assemble(rounded: RoundedModel, ranges: Ranges, options: RunOptions = {}): QuantisedModel {
  const { float } = rounded;
  const { shape, architecture } = float;
  const { gate } = architecture;
  checkShape(shape);
  const widths = cacheWidths(options.cache, shape.layers);
  const slots = slotsFor(shape, architecture, options.slots);
  checkSlots(slots.sinks + slots.window, widths);
  let residualFraction = fractionFor("the residual stream", ranges.residual, LIMIT.residual, MOST.residual);
  while (epsilonSum(shape.dim, architecture.eps, residualFraction) >= LIMIT.epsilon) residualFraction--;
  const final = quantiseGain(float.finalGain);
  const fraction = layerFractions(withBiases(ranges.layers, float.layers), architecture, widths);
  const layers = float.layers.map((layer, l): QuantisedLayer => {
    const attention = quantiseGain(layer.attentionGain);
    const ffn = quantiseGain(layer.ffnGain);
    const { bias } = layer;
    const qNorm = layer.qkNorm && quantiseGain(layer.qkNorm.q);
    const kNorm = layer.qkNorm && quantiseGain(layer.qkNorm.k);
    const oNorm = layer.subNorm && quantiseGain(layer.subNorm.attention);
    const hNorm = layer.subNorm && quantiseGain(layer.subNorm.ffn);
    const exponents: GainExponents = {
      ...{ attention: attention.exponent, ffn: ffn.exponent },
      ...(qNorm && kNorm ? { qkNorm: { q: qNorm.exponent, k: kNorm.exponent } } : {}),
      ...(oNorm && hNorm ? { subNorm: { attention: oNorm.exponent, ffn: hNorm.exponent } } : {}),
    };
    return {
      ...rounded.layers[l]!,
      attentionGain: attention.gain,
      ffnGain: ffn.gain,
      cache: widths[l]!,
      kMean: offsets("a mean of K", layer.kMean, fraction.key),
      ...(bias
        ? {
            bias: {
              q: offsets("a bias of q", bias.q, fraction.q),
              k: offsets("a bias of k", bias.k, fraction.k),
              v: offsets("a bias of v", bias.v, fraction.v),
            },
          }
        : {}),
      ...(qNorm && kNorm ? { qkNorm: { q: qNorm.gain, k: kNorm.gain } } : {}),
      ...(oNorm && hNorm ? { subNorm: { attention: oNorm.gain, ffn: hNorm.gain } } : {}),
      scale: layerScales(shape, gate, residualFraction, fraction, exponents),
    };
  });
  const { qkNorm, subNorms } = architecture;
  return {
    name: float.name,
    shape,
    residualFraction,
    epsilonSum: epsilonSum(shape.dim, architecture.eps, residualFraction),
    epsilon: epsilons(shape, gate, architecture.eps, fraction, { qkNorm, subNorm: subNorms }),
    gate,
    ropeIncrements: ropeIncrements(architecture.rope, shape.headDim),
    ...slots,
    embedding: rounded.embedding,
    ...(rounded.head ? { head: rounded.head } : {}),
    finalGain: final.gain,
    headScale: normedScale(shape.dim, final.exponent, LOGIT_FRACTION),
    layers,
  };
}

/** int24 at the binary point of a tensor. */
function offsets(what: string, values: Float32Array, fraction: number): Int32Array {
  return Int32Array.from(values, (value) => {
    const v = Math.round(value * power2(fraction));
    if (!(Math.abs(v) < power2(23))) throw new RangeError(`${what} is ${value}, too much for its width`);
    return v;
  });
}

/** All positions that the model sees, unless told: its sliding window, else the context. */
function slotsFor(shape: ModelShape, { slidingWindow }: Architecture, slots?: Slots): Slots {
  const most = Math.min(shape.context, slidingWindow ?? Infinity);
  if (slots === undefined) return { sinks: 0, window: most };
  if (slots.window > most && slidingWindow !== null)
    throw new RangeError(
      `a window of ${slots.window} slots is more than the ${most} latest positions that the model was trained to see`,
    );
  return slots;
}

function checkShape({ heads, kvHeads, headDim }: ModelShape): void {
  if (heads % kvHeads !== 0) throw new RangeError(`${heads} heads cannot share ${kvHeads} KV heads evenly`);
  if (headDim % 2 !== 0) throw new RangeError(`RoPE needs an even head width, not ${headDim}`);
}
