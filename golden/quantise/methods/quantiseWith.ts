/** One matrix by one recipe: the entry to the methods of this folder. */
import type { QuantisedMatrix } from "../../model/types.js";
import type { InputMoments, MatrixSpec } from "../recipe.js";
import { inverseFactor } from "./cholesky.js";
import { codeSets, storedFormat } from "./codes.js";
import { gptq, type Keeping, sparseGpt } from "./gptq.js";
import { dampedHessian, importance } from "./hessian.js";
import { roundToNearest } from "./nearest.js";
import { keptWeights, QUAD } from "./prune.js";
import { refine } from "./refine.js";

/** What a spec needs besides weights. */
export function needsMoments({ rounding, pruning }: MatrixSpec): boolean {
  return rounding === "gptq" || pruning === "wanda" || pruning === "sparsegpt";
}

/**
 * Quantises weights [rows·cols]. `inputs` are the second moments of what the matrix is multiplied with: GPTQ, Wanda and SparseGPT
 * need them; nearest weights its errors with their diagonal where there are any. Rows do not depend on each other, so a matrix may
 * come in slices of rows (GPTQ and SparseGPT invert the moments anew for each). The same arguments give the same codes on every
 * machine. RangeError where arguments contradict each other.
 */
export function quantiseWith(
  weights: Float32Array,
  rows: number,
  cols: number,
  spec: MatrixSpec,
  inputs: InputMoments | null,
): QuantisedMatrix {
  check(weights, rows, cols, spec, inputs);
  const counts = importance(inputs, cols);
  const target = { format: storedFormat(spec), sets: codeSets(spec.levels), group: spec.group };
  const { pruning } = spec;
  if (inputs !== null && spec.rounding === "gptq") {
    const keeping: Keeping =
      pruning === null
        ? { type: "all" }
        : pruning === "sparsegpt"
          ? { type: "choose" }
          : { type: "mask", kept: keptWeights(pruning, weights, cols, counts) };
    const hessian = dampedHessian(inputs);
    const factor = inverseFactor(hessian, cols);
    const rounded = gptq(weights, rows, cols, { ...target, factor, keeping });
    return refine(weights, rounded, { ...target, hessian });
  }
  if (inputs !== null && pruning === "sparsegpt") {
    const sparse = sparseGpt(weights, rows, cols, inverseFactor(dampedHessian(inputs), cols));
    return roundToNearest(sparse.weights, rows, cols, { ...target, importance: counts, kept: sparse.kept });
  }
  const kept =
    pruning === null || pruning === "sparsegpt" ? null : keptWeights(pruning, weights, cols, counts);
  return roundToNearest(weights, rows, cols, { ...target, importance: counts, kept });
}

function check(
  weights: Float32Array,
  rows: number,
  cols: number,
  spec: MatrixSpec,
  inputs: InputMoments | null,
): void {
  const { levels, pruning, rounding } = spec;
  if (weights.length !== rows * cols)
    throw new RangeError(`${weights.length} weights are not ${rows} rows of ${cols}`);
  if (inputs === null && needsMoments(spec))
    throw new RangeError(
      `${rounding === "gptq" ? "gptq" : pruning} needs the moments of the inputs: calibrate first`,
    );
  if (inputs !== null && inputs.cols !== cols)
    throw new RangeError(`moments of ${inputs.cols} inputs do not fit a matrix of ${cols} columns`);
  if (inputs !== null && !(inputs.positions > 0))
    throw new RangeError("the moments of the inputs are of no position at all");
  if (pruning !== null && levels !== "W2")
    throw new RangeError(`2:4 pruning goes with levels W2, not ${levels}`);
  if (pruning !== null && cols % QUAD.columns !== 0)
    throw new RangeError(`2:4 pruning takes columns by fours; there are ${cols}`);
}
