/** The golden integer model as what computes a conversation. */
import { FastModel } from "../fast/model.js";
import { power2 } from "../model/scale.js";
import type { QuantisedModel } from "../model/types.js";
import { LOGIT_FRACTION } from "../quantise/constants.js";
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
    this.fast.run(tokens, position, tokens.length - 1);
    const scale = power2(-LOGIT_FRACTION);
    return Float64Array.from(this.fast.logits(tokens.length - 1), (v) => v * scale);
  }

  /** Ends its threads. */
  close(): void {
    this.fast.close();
  }
}
