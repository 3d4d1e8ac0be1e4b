/**
 * Walsh-Hadamard transform of integer vectors, from its definition: H[i][j] = (-1)^(ones in i & j), natural (Sylvester) order.
 * BitNet v2 (arXiv 2504.18415, section 2, H-BitLinear) rotates activations so before it quantises them. The factor
 * 2^(-k/2) of a vector of 2^k is a rounding shift by floor(k/2), half up; the √2 left over for odd k belongs to the scale.
 */

/** floor(k/2) for a vector of n = 2^k. */
export const hadamardShift = (n: number): number => {
  const k = Math.log2(n);
  if (!(Number.isInteger(k) && k >= 1))
    throw new RangeError(`a Hadamard vector has 2^k elements; this has ${n}`);
  return Math.floor(k / 2);
};

const ones = (x: number): number => (x === 0 ? 0 : (x & 1) + ones(x >> 1));

/** H·x, exact. */
export const hadamardSums = (x: ArrayLike<number>): number[] => {
  hadamardShift(x.length);
  return Array.from({ length: x.length }, (_, i) =>
    Array.from(x).reduce((sum, v, j) => sum + (ones(i & j) & 1 ? -v : v), 0),
  );
};

/** H·x with the rounding shift: what the unit gives. */
export const hadamard = (x: ArrayLike<number>): number[] => {
  const unit = 2 ** hadamardShift(x.length);
  return hadamardSums(x).map((s) => Math.floor(s / unit + 0.5));
};
