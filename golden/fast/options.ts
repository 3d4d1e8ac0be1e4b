/** How a fast model uses the machine; results do not depend on it. */
import { availableParallelism } from "node:os";

export interface FastOptions {
  /** 1 runs in the calling thread alone; as many as there are cores, at most 8, unless told. */
  readonly threads?: number;
  /** Most tokens that go through the matrices together; 32 unless told. */
  readonly block?: number;
}

const MOST_THREADS = 8;
const BLOCK_TOKENS = 32;

export function resolveOptions(options: FastOptions): Required<FastOptions> {
  const threads = options.threads ?? Math.min(availableParallelism(), MOST_THREADS);
  const block = options.block ?? BLOCK_TOKENS;
  for (const [name, value] of Object.entries({ threads, block }))
    if (!(Number.isInteger(value) && value >= 1)) throw new RangeError(`${name} is ${value}: at least 1`);
  return { threads, block };
}
