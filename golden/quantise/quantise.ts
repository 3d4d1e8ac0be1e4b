/** Float model to quantised model in one call. */
import type { FloatModel } from "../model/float.js";
import type { QuantisedModel } from "../model/types.js";
import { assemble, type RunOptions } from "./assemble.js";
import { calibrate, ownText } from "./calibrate.js";
import { type RoundedModel, type RoundFormats, roundWeights } from "./round.js";

export interface QuantiseOptions extends RoundFormats, RunOptions {
  /** Calibration text: how many sequences of how many tokens; 4 of 256 unless told. */
  readonly sequences?: number;
  readonly length?: number;
}

/** Rounds the weights, calibrates on the rounded model's own text, assembles. `rounded` is the fake-quantised twin. */
export function quantiseModel(
  source: FloatModel,
  options: QuantiseOptions = {},
): { readonly model: QuantisedModel; readonly rounded: RoundedModel } {
  const bare = roundWeights(source, options);
  const text = ownText(bare.float, options.sequences ?? 4, options.length ?? 256);
  const { ranges, kMeans } = calibrate(bare.float, text);
  const layers = bare.float.layers.map((layer, l) => ({ ...layer, kMean: kMeans[l]! }));
  const rounded = { ...bare, float: { ...bare.float, layers } };
  return { model: assemble(rounded, ranges, options), rounded };
}
