/** Norms of q and k over each head, before RoPE: contract section 5a. */
import { scaleOut } from "./matrix.js";
import { mul, rshr, type Sticky, sat } from "./scale.js";
import type { Scale } from "./types.js";
import { inverseRoot, type Squares, sumSquares } from "./vector.js";

/**
 * The gain on every head of v (int24 [heads·headDim]) in place; the sums of squares that the norm divides by, from before the
 * gain, into `squares` [heads].
 */
export function normHeads(v: Int32Array, gain: Int16Array, squares: Squares[], sticky: Sticky): void {
  const headDim = gain.length;
  for (let head = 0; head < squares.length; head++) {
    squares[head] = sumSquares(v, head * headDim, (head + 1) * headDim);
    for (let i = 0; i < headDim; i++) {
      const at = head * headDim + i;
      v[at] = sat(rshr(v[at]! * gain[i]!, 15), 24, sticky, "rope");
    }
  }
}

/** 1/rms on every head of k (behind gain and RoPE) in place: k·R, R = R(SK, s, E)·K_knorm, to the cache's fraction bits. */
export function scaleHeads(
  k: Int32Array,
  squares: readonly Squares[],
  epsilon: number,
  knorm: Scale,
  sticky: Sticky,
): void {
  const headDim = k.length / squares.length;
  for (let head = 0; head < squares.length; head++) {
    const r = mul(inverseRoot(squares[head]!, epsilon), knorm);
    for (let i = head * headDim; i < (head + 1) * headDim; i++)
      k[i] = scaleOut(k[i]!, r, 0, 24, sticky, "rope");
  }
}
