/**
 * The Hessian of the output error of a row, H = mean of x·xᵀ, made safe to invert: 1 % of its mean diagonal is added to the diagonal
 * (GPTQ, arXiv 2210.17323, section 3.3), and an input that was never anything but 0 is uncoupled from the others.
 */
import type { InputMoments } from "../recipe.js";

export const DAMPING = 0.01;

/** The diagonal of the damped Hessian, [cols]: how much a change of each weight alone costs. All 1 without moments. */
export function importance(inputs: InputMoments | null, cols: number): Float64Array {
  if (inputs === null) return new Float64Array(cols).fill(1);
  const diagonal = Float64Array.from(
    { length: cols },
    (_, i) => inputs.sums[i * cols + i]! / inputs.positions,
  );
  const alive = diagonal.filter((h) => h > 0);
  if (alive.length === 0) return diagonal.fill(1);
  const mean = alive.reduce((sum, h) => sum + h, 0) / alive.length;
  return diagonal.map((h) => h + DAMPING * mean);
}

/** The damped Hessian, [cols·cols]. */
export function dampedHessian(inputs: InputMoments): Float64Array {
  const { cols, positions, sums } = inputs;
  const hessian = sums.map((sum) => sum / positions);
  const diagonal = importance(inputs, cols);
  for (let i = 0; i < cols; i++) hessian[i * cols + i] = diagonal[i]!;
  return hessian;
}
