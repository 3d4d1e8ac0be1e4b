/** The golden integer model as what computes a conversation. */
import { prefill } from "../fast/block.js";
import { FastModel } from "../fast/model.js";
import type { QuantisedModel } from "../model/types.js";
import type { Machine } from "./speak.js";

export class GoldenMachine implements Machine {
  readonly context: number;
  readonly block: number;
  private readonly fast: FastModel;

  constructor(private readonly model: QuantisedModel) {
    this.context = model.shape.context;
    this.fast = new FastModel(model);
    this.block = this.fast.block;
  }

  /** Behind the sinks, slots are taken again as the window turns. */
  earliest(taken: number): number {
    const { sinks, window } = this.model;
    return taken > sinks + window ? taken : 0;
  }

  take(tokens: readonly number[], position: number): Float64Array {
    const logits = new Float64Array(this.model.shape.vocab);
    this.fast.readLogits(prefill(this.fast, tokens, position), logits);
    return logits;
  }

  /** Ends its threads. */
  close(): void {
    this.fast.close();
  }
}
