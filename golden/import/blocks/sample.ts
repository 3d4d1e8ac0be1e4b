/** Weights and blocks to try formats on: from a seed, the same on every machine. */
import { Random } from "../../model/prng.js";
import type { BlockCodec } from "./codec.js";

/** Weights as models have them: most small, some large, whole runs of zeros, runs of one sign. */
export function randomWeights(count: number, seed: number): Float32Array {
  const random = new Random(seed);
  const kind = { zero: 0, positive: 1, negative: 2 };
  let run = -1;
  return Float32Array.from({ length: count }, (_, i) => {
    if (i % 16 === 0) run = random.integer(0, 9);
    let sum = 0;
    for (let k = 0; k < 4; k++) sum += random.integer(-1000, 1000) / 1000;
    const value = sum * (random.integer(0, 60) === 0 ? 0.4 : 0.05);
    if (run === kind.zero) return 0;
    if (run === kind.positive) return Math.abs(value);
    return run === kind.negative ? -Math.abs(value) : value;
  });
}

/** Blocks of random bytes whose weights are finite: every code, every scale, denormals too. */
export function randomBlocks(codec: BlockCodec, blocks: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const out = new Uint8Array(blocks * codec.bytes);
  const weights = new Float32Array(codec.elements);
  for (let b = 0; b < blocks; b++) {
    do {
      for (let i = 0; i < codec.bytes; i++) out[b * codec.bytes + i] = random.next();
      codec.decode(out, b * codec.bytes, weights, 0);
    } while (!weights.every(Number.isFinite));
  }
  return out;
}
