/** The way from float to the integers of the hardware, one step at a time: each is a model that can be asked. */
import { type CacheWidths, cacheWidths } from "../model/cache.js";
import type { FakeOptions, FloatModel } from "../model/float.js";
import type { QuantisedModel } from "../model/types.js";

export interface Models {
  /** The checkpoint before its weights were rounded. */
  readonly source?: FloatModel;
  /** The float twin of the integer model: the same weights, rounded. */
  readonly rounded: FloatModel;
  readonly integer: QuantisedModel;
}

export type Step =
  | { readonly kind: "float"; readonly name: string; readonly model: FloatModel; readonly fake: FakeOptions }
  | { readonly kind: "integer"; readonly name: string; readonly model: QuantisedModel };

/**
 * The source in float (where given), the rounded weights alone, with A8, with the cache's bits too, with its window where that
 * is narrower than what the model sees, and the integer model.
 */
export function steps({ source, rounded, integer }: Models): Step[] {
  const { sinks, window } = integer;
  const { architecture, shape } = rounded;
  const narrow = sinks + window < Math.min(shape.context, architecture.slidingWindow ?? Infinity);
  const cache = cacheWidths(
    integer.layers.map((layer) => layer.cache),
    shape.layers,
  );
  const float = (name: string, model: FloatModel, fake: FakeOptions = {}): Step => ({
    ...{ kind: "float", name, model, fake },
  });
  const kv = `+ A8 ${cacheName(cache)}`;
  return [
    ...(source ? [float("float", source)] : []),
    float("rounded weights", rounded),
    float("+ A8", rounded, { a8: true }),
    float(kv, rounded, { a8: true, cache }),
    ...(narrow
      ? [
          float(`${kv}, ${sinks} sinks and a window of ${window}`, rounded, {
            ...{ a8: true, cache, slots: { sinks, window } },
          }),
        ]
      : []),
    { kind: "integer", name: "integer", model: integer },
  ];
}

/** "KV4", "K8 V4"; layers that differ are told by their span. */
export function cacheName(widths: readonly CacheWidths[]): string {
  const span = (bits: readonly number[]): string => [...new Set(bits)].sort((a, b) => a - b).join("/");
  const keys = span(widths.map((one) => one.keys));
  const values = span(widths.map((one) => one.values));
  return keys === values ? `KV${keys}` : `K${keys} V${values}`;
}
