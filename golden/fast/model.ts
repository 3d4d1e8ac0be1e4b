/** A quantised model in WebAssembly memory: blocks of tokens of one sequence go through it, bit for bit as in golden/model. */
import { availableParallelism } from "node:os";
import { embed, rotation, Sticky } from "../model/ops.js";
import type { QuantisedModel } from "../model/types.js";
import { BLOCK } from "./kernels/memory.js";
import { PLACES } from "./kernels/scale.js";
import { Layout } from "./layout.js";
import { type Plan, planModel } from "./plan.js";
import { Threads } from "./threads.js";

export interface FastOptions {
  /** 1 runs in the calling thread alone; as many as there are cores, at most 8, unless told. */
  readonly threads?: number;
  /** Most tokens that go through the matrices together. */
  readonly block?: number;
}

const MOST_THREADS = 8;
const BLOCK_TOKENS = 32;

export class FastModel {
  readonly block: number;
  private readonly memory: WebAssembly.Memory;
  private readonly plan: Plan;
  private readonly threads: Threads;
  /** Of the embedding, which the main thread does. */
  private readonly embedded = new Sticky();
  private readonly cos: Int32Array;
  private readonly sin: Int32Array;

  constructor(
    readonly model: QuantisedModel,
    options: FastOptions = {},
  ) {
    const { headDim } = model.shape;
    this.block = options.block ?? BLOCK_TOKENS;
    const layout = new Layout(model.name);
    const threads = options.threads ?? Math.min(availableParallelism(), MOST_THREADS);
    this.plan = planModel(layout, model, this.block, threads);
    this.memory = layout.allocate();
    this.threads = new Threads(this.memory, this.plan);
    this.cos = new Int32Array(headDim / 2);
    this.sin = new Int32Array(headDim / 2);
  }

  /**
   * Runs tokens (at most `block`) at the positions from `position` on; positions of a sequence come in order from 0. Logits
   * are computed for tokens[headFrom] and what follows it.
   */
  run(tokens: ArrayLike<number>, position: number, headFrom = 0): void {
    const { model, plan } = this;
    const { dim, headDim, vocab, context } = model.shape;
    if (tokens.length < 1 || tokens.length > this.block)
      throw new RangeError(`${tokens.length} tokens: a block has 1 to ${this.block}`);
    if (!(Number.isInteger(position) && position >= 0 && position + tokens.length <= context))
      throw new RangeError(
        `positions ${position}..${position + tokens.length - 1} are outside the context 0..${context - 1}`,
      );
    const { buffer } = this.memory;
    for (let t = 0; t < tokens.length; t++) {
      const token = tokens[t]!;
      if (!(Number.isInteger(token) && token >= 0 && token < vocab))
        throw new RangeError(`token ${token} is outside the vocabulary 0..${vocab - 1}`);
      const x = new Int32Array(buffer, plan.x + 4 * t * dim, dim);
      embed(model.embedding, token, model.residualFraction, x, this.embedded);
      const angles = new Int32Array(buffer, plan.rotation + 4 * t * headDim, headDim);
      rotation(model.ropeIncrements, position + t, this.cos, this.sin);
      for (let j = 0; j < headDim / 2; j++) {
        angles[2 * j] = this.cos[j]!;
        angles[2 * j + 1] = this.sin[j]!;
      }
    }
    const last = position + tokens.length - 1;
    const words = new Int32Array(buffer);
    words[BLOCK.tokens / 4] = tokens.length;
    words[BLOCK.position / 4] = position;
    words[BLOCK.wraps / 4] = tokens.length > 1 && last >= model.sinks + model.window ? 1 : 0;
    words[BLOCK.headFrom / 4] = headFrom;
    this.threads.run();
  }

  /** Logits (int32 [vocab]) of token t of the last block; the next run overwrites them. */
  logits(t: number): Int32Array {
    const { vocab } = this.model.shape;
    return new Int32Array(this.memory.buffer, this.plan.logits + 4 * t * vocab, vocab);
  }

  /** Counts of saturations of all runs: the same as golden/model counts for the same tokens. */
  sticky(): Sticky {
    const total = new Sticky();
    total.residual = this.embedded.residual;
    for (const area of this.plan.areas) {
      const counts = new BigInt64Array(this.memory.buffer, area, PLACES.length);
      for (const [i, place] of PLACES.entries()) total[place] += Number(counts[i]!);
    }
    return total;
  }

  /** Ends the threads; the model cannot run again. */
  close(): void {
    this.threads.close();
  }
}
