/** What a token asks of the lanes and of the memory, from a model alone: the numerator of every utilisation figure. */
import type { Compiled } from "../compile/compile.js";

type Model = Compiled["model"];
type Layer = Model["layers"][number];
type Matrix = Layer["q"];

export interface Work {
  /** 2-bit lane slots doing useful digits. Padding is not useful. */
  readonly slots: number;
  /** Multiply-accumulates, whatever their width. */
  readonly macs: number;
}

/** Slots of a weight: one per two bits. Of 2:4 codes half do nothing, and are not counted. */
const SLOTS: Readonly<Record<Matrix["format"], number>> = { W2: 1, TERNARY: 1, N24: 0.5, W4: 2, W8: 4 };
/** Slots of a product with a cache code. Three bits lie in four. */
const CACHE_SLOTS: Readonly<Record<Layer["cache"]["keys"], number>> = { 3: 2, 4: 2, 8: 4 };

const sum = (parts: readonly Work[]): Work =>
  parts.reduce((a, b) => ({ slots: a.slots + b.slots, macs: a.macs + b.macs }), { slots: 0, macs: 0 });
const products = (count: number, slots: number): Work => ({ slots: count * slots, macs: count });
const matrix = ({ rows, cols, format }: Matrix): Work => products(rows * cols, SLOTS[format]);

/** A whole token at a position with `live` cached tokens, with or without the head. */
export const tokenWork = (model: Model, live: number, head: boolean): Work => {
  const { heads, headDim } = model.shape;
  return sum([
    ...model.layers.flatMap(({ q, k, v, o, gate, up, down, cache }) => [
      ...[q, k, v, o, gate, up, down].map(matrix),
      products(heads * headDim * live, CACHE_SLOTS[cache.keys]),
      products(heads * headDim * live, CACHE_SLOTS[cache.values]),
    ]),
    ...(head ? [matrix(model.head ?? model.embedding)] : []),
  ]);
};

const list = (formats: readonly string[]): string => [...new Set(formats)].sort().join("+");

/** Widths of weights, activations and cache as the field writes them: W2A8KV4, W4A8K8V4, W2+W4A8KV4. */
export const precisionOf = ({ layers }: Model): string => {
  const weights = list(
    layers.flatMap(({ q, k, v, o, gate, up, down }) => [q, k, v, o, gate, up, down].map((m) => m.format)),
  )
    .replace("TERNARY", "W1.58")
    .replace("N24", "W2(2:4)");
  const keys = list(layers.map(({ cache }) => `${cache.keys}`));
  const values = list(layers.map(({ cache }) => `${cache.values}`));
  return `${weights}A8${keys === values ? `KV${keys}` : `K${keys}V${values}`}`;
};
