/** Two of every aligned four weights are kept: those whose loss would cost more. */
import type { Pruning } from "../recipe.js";

/** Columns that share a choice, and how many of them are kept. */
export const QUAD = { columns: 4, kept: 2 };

/** Writes 1 for the two costliest of kept[at, at + 4), 0 for the others; of equals the first stays. */
export function keepTwo(cost: (i: number) => number, kept: Uint8Array, at: number): void {
  for (let i = 0; i < QUAD.columns; i++) {
    let before = 0;
    for (let j = 0; j < QUAD.columns; j++) if (cost(j) > cost(i) || (cost(j) === cost(i) && j < i)) before++;
    kept[at + i] = before < QUAD.kept ? 1 : 0;
  }
}

/**
 * What is kept [rows·cols] when it is chosen before any rounding: by |w|, or by |w|·rms(x) (Wanda, arXiv 2306.11695), here as
 * w²·mean(x²) with `importance` the damped mean(x²).
 */
export function keptWeights(
  pruning: Exclude<Pruning, "sparsegpt">,
  weights: Float32Array,
  cols: number,
  importance: Float64Array,
): Uint8Array {
  const kept = new Uint8Array(weights.length);
  for (let at = 0; at < weights.length; at += QUAD.columns) {
    const cost = (i: number) => {
      const w = weights[at + i]!;
      return pruning === "wanda" ? w * w * importance[(at + i) % cols]! : w * w;
    };
    keepTwo(cost, kept, at);
  }
  return kept;
}
