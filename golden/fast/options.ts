/** How a fast model uses the machine; results do not depend on it. */
import { availableParallelism } from "node:os";
import type { ModelShape } from "../model/types.js";

export interface FastOptions {
  /**
   * 1 runs in the calling thread alone. Unless told, as many as there are cores, at most 8, and at most one for every
   * WORTH multiplications of a token: below, threads wait for each other longer than they work.
   */
  readonly threads?: number;
  /** Most tokens that go through the matrices together; 32 unless told. */
  readonly block?: number;
}

const MOST_THREADS = 8;
const WORTH = 2e6;
const BLOCK_TOKENS = 32;

export function resolveOptions(shape: ModelShape, options: FastOptions): Required<FastOptions> {
  const worth = Math.ceil(multiplications(shape) / WORTH);
  const threads = options.threads ?? Math.min(availableParallelism(), MOST_THREADS, worth);
  const block = options.block ?? BLOCK_TOKENS;
  for (const [name, value] of Object.entries({ threads, block }))
    if (!(Number.isInteger(value) && value >= 1)) throw new RangeError(`${name} is ${value}: at least 1`);
  return { threads, block };
}

/** In the matrices, per token. */
export function multiplications({ dim, hidden, layers, heads, kvHeads, headDim, vocab }: ModelShape): number {
  const attention = 2 * dim * heads * headDim + 2 * dim * kvHeads * headDim;
  return layers * (attention + 3 * dim * hidden) + vocab * dim;
}
