/**
 * Vector quantisation after LUT-LLM (arXiv 2511.06174): activations and weights in pairs, each pair the index of a centroid, the
 * product of two centroids an entry of a table. The table stands for the product with an error; from the indices on
 * everything is exact integers.
 */

export type Pair = readonly [number, number];

/** The nearest centroid by squared distance; the lowest index of several. */
export const nearest = (centroids: readonly Pair[], [x, y]: Pair): number => {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [i, [cx, cy]] of centroids.entries()) {
    const distance = (x - cx) ** 2 + (y - cy) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
};

/** Pairs of a vector: elements 2i and 2i + 1. */
export const pairsOf = (x: ArrayLike<number>): Pair[] => {
  if (x.length % 2 !== 0) throw new RangeError(`a vector in pairs has an even length, not ${x.length}`);
  return Array.from({ length: x.length / 2 }, (_, i) => [x[2 * i]!, x[2 * i + 1]!]);
};

/** Σ over the pairs of table[activation index][weight index]; `tables` one per pair. */
export const lookUpSum = (
  tables: readonly (readonly (readonly number[])[])[],
  activations: readonly number[],
  weights: readonly number[],
): number => activations.reduce((sum, a, p) => sum + tables[p]![a]![weights[p]!]!, 0);
