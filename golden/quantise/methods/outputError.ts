/** How far a quantised matrix's outputs are from the float matrix's: tr((W - Q)·H·(W - Q)ᵀ), H = mean of x·xᵀ. */
import type { QuantisedMatrix } from "../../model/types.js";
import { power2 } from "../../model/scale.js";
import { GROUP } from "../../contract/tables.js";
import type { InputMoments } from "../recipe.js";

/** Mean over positions of the squared error of all outputs together. */
export function outputError(weights: Float32Array, matrix: QuantisedMatrix, inputs: InputMoments): number {
  const { rows, cols, codes, mantissas, exponents } = matrix;
  const groups = Math.ceil(cols / GROUP);
  const error = new Float64Array(cols);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const step = power2(-exponents[row]!);
    for (let i = 0; i < cols; i++) {
      const stands = codes[row * cols + i]! * mantissas[row * groups + Math.floor(i / GROUP)]! * step;
      error[i] = weights[row * cols + i]! - stands;
    }
    for (let i = 0; i < cols; i++) {
      let product = 0;
      for (let j = 0; j < cols; j++) product += inputs.sums[i * cols + j]! * error[j]!;
      sum += error[i]! * product;
    }
  }
  return sum / inputs.positions;
}
