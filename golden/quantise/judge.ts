/** The table that shows what each step of quantisation costs: float weights, fake-quantised activations, integers. */
import type { FloatModel } from "../model/float.js";
import type { CacheWidths } from "../model/cache.js";
import type { QuantisedModel } from "../model/types.js";
import { floatDecoder, integerDecoder } from "./decoder.js";
import { distance, type Distance, type Evaluation, type EvaluationText, evaluate } from "./evaluate.js";

export interface Judgement extends Evaluation, Distance {
  readonly name: string;
}

/**
 * Judges on a text: the source in float (where given), the rounded weights alone, with A8, with the cache's bits too, with its
 * window where that is narrower than what the model sees, and the integer model. Divergence and agreement are against
 * the first of them.
 */
export function judge(
  models: { readonly source?: FloatModel; readonly rounded: FloatModel; readonly integer: QuantisedModel },
  text: EvaluationText,
): Judgement[] {
  const { source, rounded, integer } = models;
  const { sinks, window } = integer;
  const { architecture, shape } = rounded;
  const narrow = sinks + window < Math.min(shape.context, architecture.slidingWindow ?? Infinity);
  const cache = integer.layers.map((layer) => layer.cache);
  const kv = cacheName(cache);
  const candidates = [
    ...(source ? [{ name: "float", make: () => floatDecoder(source) }] : []),
    { name: "rounded weights", make: () => floatDecoder(rounded) },
    { name: "+ A8", make: () => floatDecoder(rounded, { a8: true }) },
    { name: `+ A8 ${kv}`, make: () => floatDecoder(rounded, { a8: true, cache }) },
    ...(narrow
      ? [
          {
            name: `+ A8 ${kv}, ${sinks} sinks and a window of ${window}`,
            make: () => floatDecoder(rounded, { a8: true, cache, slots: { sinks, window } }),
          },
        ]
      : []),
    { name: "integer", make: () => integerDecoder(integer) },
  ];
  return candidates.map(({ name, make }) => ({
    name,
    ...evaluate(make(), text),
    ...distance(candidates[0]!.make(), make(), text),
  }));
}

/** "KV4", "K8 V4"; layers that differ are told by their span. */
export function cacheName(widths: readonly CacheWidths[]): string {
  const span = (bits: readonly number[]): string => [...new Set(bits)].sort((a, b) => a - b).join("/");
  const keys = span(widths.map((one) => one.keys));
  const values = span(widths.map((one) => one.values));
  return keys === values ? `KV${keys}` : `K${keys} V${values}`;
}
