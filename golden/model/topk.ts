/**
 * Top-K sparsity of int8 activations (Q-Sparse, arXiv 2407.10969, section 2.1; BitNet a4.8, arXiv 2411.04965): the K elements of
 * largest magnitude stay, ties in favour of the lower index, the others become 0. Written as a sort; the unit searches.
 */

/** Which elements stay: exactly K of them. */
export const topKMask = (x: ArrayLike<number>, k: number): boolean[] => {
  if (!(Number.isInteger(k) && k >= 1 && k <= x.length))
    throw new RangeError(`top-K of ${x.length} elements keeps 1 to ${x.length} of them, not ${k}`);
  const order = Array.from(x, (v, i) => ({ i, magnitude: Math.abs(v) }));
  order.sort((a, b) => b.magnitude - a.magnitude || a.i - b.i);
  const kept = new Set(order.slice(0, k).map(({ i }) => i));
  return Array.from(x, (_, i) => kept.has(i));
};

/** The vector with all but its K largest set to 0. */
export const topK = (x: ArrayLike<number>, k: number): number[] => {
  const mask = topKMask(x, k);
  return Array.from(x, (v, i) => (mask[i]! ? v : 0));
};
