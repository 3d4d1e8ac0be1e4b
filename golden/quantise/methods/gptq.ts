/**
 * GPTQ (arXiv 2210.17323, algorithm 1): the columns of a row are rounded in order, and the error of each is handed on to the columns
 * behind it so that the output changes least. Scales are fitted when their group is reached, on the weights as they are by then.
 * SparseGPT (arXiv 2301.00774) in the same pass: the weights that cost least, w²/[H⁻¹]_ii of the columns still open, become 0 and
 * their error is handed on likewise. All in float64 and in one order. Rows do not depend on each other.
 */
import { GROUP } from "../../contract/tables.js";
import { power2 } from "../../model/scale.js";
import type { QuantisedMatrix, WeightFormat } from "../../model/types.js";
import { type CodeSet, nearestCode } from "./codes.js";
import { keepTwo, QUAD } from "./prune.js";
import { fitGroup, fitRow, type GroupFit } from "./scale.js";

/** Which weights stay: all of them, those of a mask [rows·cols], or the pass chooses (SparseGPT). */
export type Keeping =
  | { readonly type: "all" }
  | { readonly type: "mask"; readonly kept: Uint8Array }
  | { readonly type: "choose" };

export interface GptqOptions {
  readonly format: WeightFormat;
  readonly sets: readonly CodeSet[];
  readonly group: number;
  /** U of cholesky.ts, [cols·cols]. */
  readonly factor: Float64Array;
  readonly keeping: Keeping;
}

/** One row on its way. */
interface Row {
  /** What is left to be done, updated by the errors of what is done. */
  readonly weights: Float64Array;
  /** 1 where a weight is kept. */
  readonly kept: Uint8Array;
}

export function gptq(
  weights: Float32Array,
  rows: number,
  cols: number,
  options: GptqOptions,
): QuantisedMatrix {
  const groups = Math.ceil(cols / GROUP);
  const codes = new Int8Array(rows * cols);
  const mantissas = new Uint8Array(rows * groups);
  const exponents = new Uint8Array(rows);
  const costs = columnCosts(options.factor, cols);
  for (let r = 0; r < rows; r++) {
    const source = weights.subarray(r * cols, (r + 1) * cols);
    const start = startRow(source, r, options);
    let exponent = fitRow(start.weights, fitCosts(start, costs), options.group, options.sets).exponent;
    const ofRow = codes.subarray(r * cols, (r + 1) * cols);
    const scales = mantissas.subarray(r * groups, (r + 1) * groups);
    // Weights may grow on the way: where a mantissa has reached its end, the row is done again with room for more.
    while (!roundRow(startRow(source, r, options), exponent, costs, options, ofRow, scales)) exponent--;
    exponents[r] = exponent;
  }
  return { rows, cols, format: options.format, codes, mantissas, exponents };
}

/** Chooses by SparseGPT without rounding: the weights that are kept, updated for those that are not. */
export function sparseGpt(
  weights: Float32Array,
  rows: number,
  cols: number,
  factor: Float64Array,
): { readonly weights: Float32Array; readonly kept: Uint8Array } {
  const updated = new Float32Array(rows * cols);
  const kept = new Uint8Array(rows * cols);
  const costs = columnCosts(factor, cols);
  for (let r = 0; r < rows; r++) {
    const row: Row = {
      weights: Float64Array.from(weights.subarray(r * cols, (r + 1) * cols)),
      kept: kept.subarray(r * cols, (r + 1) * cols),
    };
    for (let i = 0; i < cols; i++) {
      if (i % QUAD.columns === 0) choose(row, costs, i, i + QUAD.columns);
      if (row.kept[i] === 1) updated[r * cols + i] = row.weights[i]!;
      else handOn(row.weights, i, 0, factor);
    }
  }
  return { weights: updated, kept };
}

/** [cols]: 1/[H⁻¹]_ii of the columns that are open when i is reached, what a squared error of weight i costs after the others' answer. */
function columnCosts(factor: Float64Array, cols: number): Float64Array {
  return Float64Array.from({ length: cols }, (_, i) => 1 / factor[i * cols + i]! ** 2);
}

function startRow(source: Float32Array, r: number, { keeping }: GptqOptions): Row {
  const weights = Float64Array.from(source);
  const kept =
    keeping.type === "mask"
      ? keeping.kept.slice(r * source.length, (r + 1) * source.length)
      : new Uint8Array(source.length).fill(1);
  return { weights, kept };
}

function fitCosts({ kept }: Row, costs: Float64Array): Float64Array {
  return costs.map((cost, i) => cost * kept[i]!);
}

/** SparseGPT's choice in columns [from, to), whole fours. */
function choose({ weights, kept }: Row, costs: Float64Array, from: number, to: number): void {
  for (let at = from; at < to; at += QUAD.columns)
    keepTwo((i) => weights[at + i]! * weights[at + i]! * costs[at + i]!, kept, at);
}

/** Weight i becomes `value`; the columns behind it answer. */
function handOn(weights: Float64Array, i: number, value: number, factor: Float64Array): void {
  const cols = weights.length;
  const error = (weights[i]! - value) / factor[i * cols + i]!;
  for (let j = i + 1; j < cols; j++) weights[j] = weights[j]! - error * factor[i * cols + j]!;
}

/** Codes and mantissas of one row; false when a mantissa reaches its end and a smaller exponent would leave room. */
function roundRow(
  row: Row,
  exponent: number,
  costs: Float64Array,
  { sets, group, factor, keeping }: GptqOptions,
  codes: Int8Array,
  mantissas: Uint8Array,
): boolean {
  const { weights, kept } = row;
  const cols = weights.length;
  let fit: GroupFit | undefined;
  for (let i = 0; i < cols; i++) {
    if (i % group === 0) {
      const to = Math.min(i + group, cols);
      if (keeping.type === "choose") choose(row, costs, i, to); // for the scale; each four chooses again when it is reached
      const counts = fitCosts(row, costs);
      fit = fitGroup(weights, counts, i, to, exponent, sets);
      if (fit.mantissa === 255 && exponent > 0) {
        const roomier = fitGroup(weights, counts, i, to, exponent - 1, sets);
        if (2 * roomier.mantissa > 256) return false;
      }
      mantissas.fill(fit.mantissa, i / GROUP, Math.ceil(to / GROUP));
    }
    if (keeping.type === "choose" && i % QUAD.columns === 0) choose(row, costs, i, i + QUAD.columns);
    const unit = fit!.mantissa * power2(-exponent);
    const code = kept[i] === 0 ? 0 : nearestCode(fit!.set, unit === 0 ? 0 : weights[i]! / unit);
    codes[i] = code;
    handOn(weights, i, code * unit, factor);
  }
  return true;
}
