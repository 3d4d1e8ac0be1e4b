/** Where on the way through the layers the error grows: the residual stream behind each layer, against the first step's. */
import { FloatState, forwardFloat } from "../model/float.js";
import { forward, IntegerState } from "../model/integer.js";
import { power2 } from "../model/scale.js";
import type { Step } from "./steps.js";

export interface LayerErrors {
  readonly name: string;
  /** By layer: |x - x of the first step| / |x of the first step|, both over all positions. */
  readonly errors: readonly number[];
}

/** The residual stream behind every layer after each of some tokens: [position][layer][dim]. */
type Residuals = readonly (readonly Float64Array[])[];

function residuals(step: Step, tokens: readonly number[]): Residuals {
  switch (step.kind) {
    case "float": {
      const state = new FloatState(step.model, step.fake);
      return tokens.map((token, position) => {
        const layers: Float64Array[] = [];
        // Behind attention and behind the feed-forward part: the later one stays.
        forwardFloat(state, token, position, false, (tensor, layer, values) => {
          if (tensor === "x" && layer >= 0) layers[layer] = values.slice();
        });
        return layers;
      });
    }
    case "integer": {
      const state = new IntegerState(step.model);
      const scale = power2(-step.model.residualFraction);
      return tokens.map((token, position) => {
        const layers: Float64Array[] = [];
        forward(state, token, position, false, ({ tensor, layer, values }) => {
          if (tensor === "x_ffn") layers[layer] = Float64Array.from(values, (v) => v * scale);
        });
        return layers;
      });
    }
  }
}

/** One step after the other, the first one (whose errors are 0) included. */
export function* layerErrors(steps: readonly Step[], tokens: readonly number[]): Generator<LayerErrors> {
  const reference = residuals(steps[0]!, tokens);
  for (const [i, step] of steps.entries()) {
    const mine = i === 0 ? reference : residuals(step, tokens);
    const errors = Array.from({ length: step.model.shape.layers }, (_, layer) => {
      let [error, size] = [0, 0];
      for (const [position, layers] of reference.entries())
        for (const [j, x] of layers[layer]!.entries()) {
          error += (mine[position]![layer]![j]! - x) ** 2;
          size += x * x;
        }
      return Math.sqrt(error / size);
    });
    yield { name: step.name, errors };
  }
}
