/** One matrix by one recipe: the entry to the methods of this folder. */
import type { QuantisedMatrix } from "../../model/types.js";
import type { InputMoments, MatrixSpec } from "../recipe.js";
import { codeSets, storedFormat } from "./codes.js";
import { importance } from "./hessian.js";
import { roundToNearest } from "./nearest.js";

/**
 * Quantises weights [rows·cols]. `inputs` are the second moments of what the matrix is multiplied with: GPTQ, Wanda and SparseGPT
 * need them; nearest weights its errors with their diagonal where there are any. The same arguments give the same codes on
 * every machine. RangeError where arguments contradict each other.
 */
export function quantiseWith(
  weights: Float32Array,
  rows: number,
  cols: number,
  spec: MatrixSpec,
  inputs: InputMoments | null,
): QuantisedMatrix {
  if (weights.length !== rows * cols)
    throw new RangeError(`${weights.length} weights are not ${rows} rows of ${cols}`);
  if (inputs !== null && inputs.cols !== cols)
    throw new RangeError(`moments of ${inputs.cols} inputs do not fit a matrix of ${cols} columns`);
  if (spec.rounding !== "nearest" || spec.pruning !== null)
    throw new RangeError(
      `${spec.rounding} with pruning ${spec.pruning}: only nearest without pruning is known`,
    );
  return roundToNearest(weights, rows, cols, {
    format: storedFormat(spec),
    sets: codeSets(spec.levels),
    group: spec.group,
    importance: importance(inputs, cols),
    kept: null,
  });
}
