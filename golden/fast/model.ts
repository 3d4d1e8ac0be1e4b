/** A quantised model in WebAssembly memory: blocks of tokens of one sequence go through it, bit for bit as in golden/model. */
import { embed, power2, rotation, Sticky } from "../model/ops.js";
import type { ModelShape, QuantisedModel } from "../model/types.js";
import { LOGIT_FRACTION } from "../quantise/constants.js";
import { type BlockModel, checkBlock } from "./block.js";
import { BLOCK } from "./kernels/memory.js";
import { PLACES } from "./kernels/scale.js";
import { Layout } from "./layout.js";
import { type FastOptions, resolveOptions } from "./options.js";
import { type Plan, planModel } from "./plan.js";
import { Threads } from "./threads.js";

export class FastModel implements BlockModel {
  readonly block: number;
  readonly shape: ModelShape;
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
    const { threads, block } = resolveOptions(model.shape, options);
    this.block = block;
    this.shape = model.shape;
    const layout = new Layout(model.name);
    this.plan = planModel(layout, model, block, threads);
    this.memory = layout.allocate();
    this.threads = new Threads(this.memory, this.plan.areas);
    this.cos = new Int32Array(headDim / 2);
    this.sin = new Int32Array(headDim / 2);
  }

  run(tokens: ArrayLike<number>, position: number, headFrom = 0): void {
    const { model, plan } = this;
    const { dim, headDim } = model.shape;
    checkBlock(this, tokens, position);
    const { buffer } = this.memory;
    for (let t = 0; t < tokens.length; t++) {
      const token = tokens[t]!;
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
    this.threads.run(this.plan.steps);
  }

  /** Logits (int32 [vocab]) of token t of the last block; the next run overwrites them. */
  logits(t: number): Int32Array {
    const { vocab } = this.model.shape;
    return new Int32Array(this.memory.buffer, this.plan.logits + 4 * t * vocab, vocab);
  }

  readLogits(t: number, out: Float64Array): void {
    const logits = this.logits(t);
    const unit = power2(-LOGIT_FRACTION);
    for (let i = 0; i < out.length; i++) out[i] = logits[i]! * unit;
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

  close(): void {
    this.threads.close();
  }
}
