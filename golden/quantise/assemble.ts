/** A rounded model and its ranges to a QuantisedModel: binary points, gains, constant scales. */
import { type Architecture, features } from "../model/architecture.js";
import { power2 } from "../model/scale.js";
import type { ModelShape, QuantisedLayer, QuantisedModel } from "../model/types.js";
import type { LayerRanges, Ranges } from "./calibrate.js";
import {
  epsilonSum,
  NO_EPSILON,
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

/** Calibrated maxima stay below these in units of the tensor's last place: 4x headroom. */
const LIMIT = {
  /** |x| < 2^29 keeps z = x >> 12 within 18 bits; the register itself has 32. */
  residual: power2(29),
  /** 24 bits. */
  matrix: power2(21),
  /** Keys and values: the largest cache scale, 31·2^13, times code 7, over 4. */
  cache: (7 * 31 * 8192) / 4,
  /** h has 32 bits and four fraction bits more than up. */
  h: power2(29 - 4),
};

/** More fraction bits than these would carry nothing. */
const MOST = { residual: 26, tensor: 16 };

/** The largest fraction f <= most with maximum·2^f <= limit. */
function fractionFor(what: string, maximum: number, limit: number, most: number): number {
  let fraction = most;
  while (fraction >= 0 && maximum * power2(fraction) > limit) fraction--;
  if (fraction < 0) throw new RangeError(`${what} reaches ${maximum}, too much for its width`);
  return fraction;
}

/** Binary points of one layer's tensors. */
export function layerFractions(ranges: LayerRanges): LayerFractions {
  const up = fractionFor("up", ranges.up, LIMIT.matrix, MOST.tensor);
  return {
    q: fractionFor("q", ranges.q, LIMIT.matrix, MOST.tensor),
    k: fractionFor("k", ranges.k, LIMIT.cache, MOST.tensor),
    v: fractionFor("v", ranges.v, LIMIT.cache, MOST.tensor),
    o: fractionFor("attention output", ranges.o, LIMIT.matrix, MOST.tensor),
    up: fractionFor("h", ranges.h, LIMIT.h, up),
  };
}

/** The largest range of each tensor over all layers: one set of binary points lets one program loop serve every layer. */
function widest(layers: readonly LayerRanges[]): LayerRanges {
  const keys = Object.keys(layers[0]!) as (keyof LayerRanges)[];
  return Object.fromEntries(
    keys.map((key) => [key, Math.max(...layers.map((layer) => layer[key]))]),
  ) as unknown as LayerRanges;
}

/** Gains as int16 with as many fraction bits (`exponent`) as fit, at most 20. */
export function quantiseGain(gain: Float32Array): { readonly gain: Int16Array; readonly exponent: number } {
  const maximum = gain.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  const exponent = fractionFor("a norm gain", maximum, 32767, 20);
  return { gain: Int16Array.from(gain, (g) => Math.round(g * power2(exponent))), exponent };
}

export function assemble(rounded: RoundedModel, ranges: Ranges, slots?: Slots): QuantisedModel {
  const { float } = rounded;
  const { shape, architecture } = float;
  checkShape(shape);
  checkArchitecture(architecture);
  const residualFraction = fractionFor("the residual stream", ranges.residual, LIMIT.residual, MOST.residual);
  const final = quantiseGain(float.finalGain);
  const fraction = layerFractions(widest(ranges.layers));
  const layers = float.layers.map((layer, l): QuantisedLayer => {
    const attention = quantiseGain(layer.attentionGain);
    const ffn = quantiseGain(layer.ffnGain);
    const gain = { attention: attention.exponent, ffn: ffn.exponent };
    return {
      ...rounded.layers[l]!,
      attentionGain: attention.gain,
      ffnGain: ffn.gain,
      cache: { keys: 4, values: 4 },
      kMean: Int32Array.from(layer.kMean, (v) => Math.round(v * power2(fraction.k))),
      scale: layerScales(shape, residualFraction, fraction, gain),
    };
  });
  return {
    name: float.name,
    shape,
    residualFraction,
    epsilonSum: epsilonSum(shape.dim, architecture.eps, residualFraction),
    epsilon: NO_EPSILON,
    gate: architecture.gate,
    ropeIncrements: ropeIncrements(architecture.rope.theta, shape.headDim),
    sinks: slots?.sinks ?? 0,
    window: slots?.window ?? shape.context,
    embedding: rounded.embedding,
    finalGain: final.gain,
    headScale: normedScale(shape.dim, final.exponent, LOGIT_FRACTION),
    layers,
  };
}

/** The integer model is Llama's; anything else would be computed wrongly in silence. */
function checkArchitecture(architecture: Architecture): void {
  const more = features(architecture);
  if (more.length > 0) throw new RangeError(`the integer model does not have ${more.join(", ")} yet`);
}

function checkShape({ heads, kvHeads, headDim }: ModelShape): void {
  if (heads % kvHeads !== 0) throw new RangeError(`${heads} heads cannot share ${kvHeads} KV heads evenly`);
  if (headDim % 2 !== 0) throw new RangeError(`RoPE needs an even head width, not ${headDim}`);
}
