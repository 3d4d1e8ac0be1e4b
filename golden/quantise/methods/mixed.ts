/**
 * Mixed precision: one spec for each matrix, so that all of them fit into a number of bytes and the output error they cause together is
 * small. Each matrix's error is measured on its own (outputError.ts); that they add up is the usual approximation of sensitivity.
 */
import { GROUP } from "../../contract/tables.js";
import type { Levels, MatrixSpec } from "../recipe.js";

/** What one matrix would cost with one spec. */
export interface Candidate {
  readonly spec: MatrixSpec;
  readonly error: number;
  readonly bytes: number;
}

export interface Choice {
  /** Index of the candidate of each matrix. */
  readonly chosen: readonly number[];
  readonly error: number;
  readonly bytes: number;
  /** No choice within the budget has an error below this: what the greedy way may have missed is at most error - bound. */
  readonly bound: number;
}

/** Bytes of a weight's code in memory; ternary codes take the two bits of a W2 lane, Z2 and W3 are W4 codes. */
const CODE_BYTES: { readonly [levels in Levels]: number } = {
  W2: 0.25,
  TERNARY: 0.25,
  Z2: 0.5,
  W3: 0.5,
  W4: 0.5,
  W8: 1,
};

/** Bytes of a matrix on the hardware: codes in whole groups of 32, a mantissa for each, an exponent a row. */
export function hardwareBytes(rows: number, cols: number, levels: Levels): number {
  const groups = Math.ceil(cols / GROUP);
  return rows * (groups * (GROUP * CODE_BYTES[levels] + 1) + 1);
}

/** One step up the hull of a matrix: to candidate `to`, for so much less error. */
interface Step {
  readonly matrix: number;
  readonly to: number;
  readonly bytes: number;
  readonly gain: number;
}

/**
 * Chooses greedily: everything begins with its smallest candidate, then the step that gains most a byte is taken while it fits. Steps lie on
 * the lower convex hull of each matrix's (bytes, error), so gains a byte only fall; steps that do not fit are passed over, and at
 * the end any single candidate that still fits and gains is taken. The bound is the value of the same choice in fractions (the linear
 * relaxation of the multiple-choice knapsack), which no real choice beats. RangeError when even the smallest do not fit.
 */
export function chooseSpecs(matrices: readonly (readonly Candidate[])[], budget: number): Choice {
  const chosen = matrices.map(smallest);
  const at = (m: number) => matrices[m]![chosen[m]!]!;
  let bytes = chosen.reduce((sum, _, m) => sum + at(m).bytes, 0);
  let error = chosen.reduce((sum, _, m) => sum + at(m).error, 0);
  if (!(bytes <= budget))
    throw new RangeError(
      `the matrices take at least ${bytes} bytes, ${bytes - budget} more than the ${budget} allowed`,
    );

  const steps = matrices
    .flatMap((candidates, m) => hullSteps(candidates, m))
    .sort((a, b) => b.gain * a.bytes - a.gain * b.bytes || a.matrix - b.matrix || a.bytes - b.bytes);
  let bound: number | undefined;
  const stopped = new Set<number>();
  for (const { matrix, to, bytes: more, gain } of steps) {
    if (bytes + more > budget) {
      bound ??= error - (gain * (budget - bytes)) / more;
      stopped.add(matrix); // its later steps begin where this one ends
    } else if (!stopped.has(matrix)) {
      chosen[matrix] = to;
      bytes += more;
      error -= gain;
    }
  }
  const filled = fillUp(matrices, chosen, budget - bytes);
  return { chosen: filled, ...totals(matrices, filled), bound: bound ?? error };
}

function totals(matrices: readonly (readonly Candidate[])[], chosen: readonly number[]) {
  let [error, bytes] = [0, 0];
  for (const [m, c] of chosen.entries()) {
    error += matrices[m]![c]!.error;
    bytes += matrices[m]![c]!.bytes;
  }
  return { error, bytes };
}

/** Index of the candidate of fewest bytes, of equals the one of least error. */
function smallest(candidates: readonly Candidate[]): number {
  let best = 0;
  for (const [i, { bytes, error }] of candidates.entries()) {
    const least = candidates[best]!;
    if (bytes < least.bytes || (bytes === least.bytes && error < least.error)) best = i;
  }
  return best;
}

/** The steps from the smallest candidate along the lower convex hull, each of less gain a byte than the one before. */
function hullSteps(candidates: readonly Candidate[], matrix: number): Step[] {
  const steps: Step[] = [];
  let from = smallest(candidates);
  for (;;) {
    let best: Step | undefined;
    for (const [to, candidate] of candidates.entries()) {
      const bytes = candidate.bytes - candidates[from]!.bytes;
      const gain = candidates[from]!.error - candidate.error;
      if (bytes <= 0 || gain <= 0) continue;
      const steeper = best === undefined ? 1 : gain * best.bytes - best.gain * bytes;
      if (best === undefined || steeper > 0 || (steeper === 0 && bytes > best.bytes))
        best = { matrix, to, bytes, gain };
    }
    if (best === undefined) return steps;
    steps.push(best);
    from = best.to;
  }
}

/** Takes what still gains most within `rest` bytes, one change of one matrix at a time. */
function fillUp(
  matrices: readonly (readonly Candidate[])[],
  start: readonly number[],
  rest: number,
): readonly number[] {
  const chosen = [...start];
  let left = rest;
  for (;;) {
    let best: { m: number; c: number; gain: number; bytes: number } | undefined;
    for (const [m, candidates] of matrices.entries()) {
      const now = candidates[chosen[m]!]!;
      for (const [c, candidate] of candidates.entries()) {
        const gain = now.error - candidate.error;
        const bytes = candidate.bytes - now.bytes;
        if (gain > (best?.gain ?? 0) && bytes <= left) best = { m, c, gain, bytes };
      }
    }
    if (best === undefined) return chosen;
    chosen[best.m] = best.c;
    left -= best.bytes;
  }
}
