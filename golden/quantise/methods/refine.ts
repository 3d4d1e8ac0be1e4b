/**
 * Cyclic coordinate descent behind GPTQ (QuantEase, arXiv 2309.01885): GPTQ cannot take back what it has rounded; here each code, and
 * each group's mantissa, is chosen once more with all others as they are, which never makes the output error e·H·e larger.
 */
import { GROUP } from "../../contract/tables.js";
import { power2 } from "../../model/scale.js";
import type { QuantisedMatrix } from "../../model/types.js";
import { type CodeSet, nearestCode } from "./codes.js";
import { MANTISSA_MAX } from "./scale.js";

/** Rounds through all columns; most of the gain is in the first. */
const SWEEPS = 4;

export interface RefineOptions {
  readonly sets: readonly CodeSet[];
  readonly group: number;
  /** The damped Hessian, [cols·cols]. */
  readonly hessian: Float64Array;
}

/** One row on its way: `slope` is H·(weights - what the codes stand for). */
interface Row {
  readonly codes: Int8Array;
  readonly mantissas: Uint8Array;
  readonly step: number;
  readonly slope: Float64Array;
}

/** The matrix with better codes and mantissas; its zeros stay zeros where it is sparse. */
export function refine(
  weights: Float32Array,
  matrix: QuantisedMatrix,
  options: RefineOptions,
): QuantisedMatrix {
  const { rows, cols, format, exponents } = matrix;
  const groups = Math.ceil(cols / GROUP);
  const codes = Int8Array.from(matrix.codes);
  const mantissas = Uint8Array.from(matrix.mantissas);
  for (let r = 0; r < rows; r++) {
    const row: Row = {
      codes: codes.subarray(r * cols, (r + 1) * cols),
      mantissas: mantissas.subarray(r * groups, (r + 1) * groups),
      step: power2(-exponents[r]!),
      slope: new Float64Array(cols),
    };
    for (let i = 0; i < cols; i++) {
      const error = weights[r * cols + i]! - row.codes[i]! * row.mantissas[Math.floor(i / GROUP)]! * row.step;
      add(row.slope, options.hessian, i, error);
    }
    for (let sweep = 0, changed = true; changed && sweep < SWEEPS; sweep++) {
      changed = false;
      for (let from = 0; from < cols; from += options.group) {
        const to = Math.min(from + options.group, cols);
        if (refitMantissa(row, from, to, options.hessian)) changed = true;
        if (chooseCodes(row, from, to, format === "N24", options)) changed = true;
      }
    }
  }
  return { ...matrix, codes, mantissas };
}

/** slope += H's column i · error; H is symmetric. */
function add(slope: Float64Array, hessian: Float64Array, i: number, error: number): void {
  const at = i * slope.length;
  for (let j = 0; j < slope.length; j++) slope[j] = slope[j]! + hessian[at + j]! * error;
}

/** The mantissa of least error for the codes as they are: a parabola's lowest whole number. */
function refitMantissa(row: Row, from: number, to: number, hessian: Float64Array): boolean {
  const { codes, mantissas, step, slope } = row;
  const cols = slope.length;
  let [pull, square] = [0, 0];
  for (let i = from; i < to; i++) {
    const code = codes[i]!;
    if (code === 0) continue;
    pull += code * slope[i]!;
    let product = 0;
    for (let j = from; j < to; j++) product += hessian[i * cols + j]! * codes[j]!;
    square += code * product;
  }
  const old = mantissas[from / GROUP]!;
  if (!(square > 0)) return false;
  const best = Math.min(Math.max(Math.round(old + pull / (square * step)), 0), MANTISSA_MAX);
  if (best === old) return false;
  mantissas.fill(best, from / GROUP, Math.ceil(to / GROUP));
  for (let i = from; i < to; i++) if (codes[i] !== 0) add(slope, hessian, i, (old - best) * codes[i]! * step);
  return true;
}

/** Each code anew, given all others. A group keeps to the one set that its codes fit. */
function chooseCodes(
  row: Row,
  from: number,
  to: number,
  sparse: boolean,
  { sets, hessian }: RefineOptions,
): boolean {
  const { codes, mantissas, step, slope } = row;
  const unit = mantissas[from / GROUP]! * step;
  if (unit === 0) return false;
  const set = sets.find((s) =>
    codes.subarray(from, to).every((c) => (sparse && c === 0) || nearestCode(s, c) === c),
  );
  if (set === undefined) throw new RangeError(`codes ${from} to ${to - 1} are of no set`);
  let changed = false;
  for (let i = from; i < to; i++) {
    const old = codes[i]!;
    if (sparse && old === 0) continue;
    const code = nearestCode(set, old + slope[i]! / (hessian[i * (slope.length + 1)]! * unit));
    if (code === old) continue;
    codes[i] = code;
    add(slope, hessian, i, (old - code) * unit);
    changed = true;
  }
  return changed;
}
