/**
 * GPTQ (arXiv 2210.17323, algorithm 1): the columns of a row are rounded in order, and the error of each is handed on to the columns
 * behind it so that the output changes least. Scales are fitted when their group is reached, on the weights as they are by then: several
 * about that of the least plain error are tried, each by walking the whole group, and the one whose walk costs least is taken.
 * SparseGPT (arXiv 2301.00774) in the same pass: the weights that cost least, w²/[H⁻¹]_ii of the columns still open, become 0 and
 * their error is handed on likewise. All in float64 and in one order. Rows do not depend on each other.
 */
import { GROUP } from "../../contract/tables.js";
import { power2 } from "../../model/scale.js";
import type { QuantisedMatrix, WeightFormat } from "../../model/types.js";
import { type CodeSet, nearestCode } from "./codes.js";
import { keepTwo, QUAD } from "./prune.js";
import { fitGroup, fitRow, MANTISSA_MAX } from "./scale.js";

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

/** Mantissas that are tried, in sixteenths of that of the least plain error, which comes first. */
const TRIED = [16, 15, 17, 14, 18, 13, 19, 12, 20, 11, 10];

/** One group of columns [from, to) rounded: what it costs, and what the columns behind it must answer for. */
interface Walk {
  readonly set: CodeSet;
  readonly mantissa: number;
  readonly exponent: number;
  /** Σ (w - code)²/U_ii²: by so much the output error grows, whatever comes behind. */
  cost: number;
  readonly codes: Int8Array;
  /** (w - code)/U_ii of each column. */
  readonly errors: Float64Array;
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
  const plain = new Float64Array(cols).fill(1);
  for (let r = 0; r < rows; r++) {
    const source = Float64Array.from(weights.subarray(r * cols, (r + 1) * cols));
    const kept =
      options.keeping.type === "mask" ? options.keeping.kept.subarray(r * cols, (r + 1) * cols) : null;
    const ofRow = codes.subarray(r * cols, (r + 1) * cols);
    const scales = mantissas.subarray(r * groups, (r + 1) * groups);
    let { exponent } = fitRow(source, plain, options.group, options.sets);
    // Weights may grow on the way: where a mantissa would need a ninth bit, the row is done again with room for more.
    while (!roundRow(Float64Array.from(source), kept, exponent, options, ofRow, scales)) exponent--;
    exponents[r] = exponent;
  }
  return { rows, cols, format: options.format, codes, mantissas, exponents };
}

/** Codes and mantissas of one row; false when the best mantissa has more than eight bits and a smaller exponent leaves room. */
function roundRow(
  weights: Float64Array,
  kept: Uint8Array | null,
  exponent: number,
  options: GptqOptions,
  codes: Int8Array,
  mantissas: Uint8Array,
): boolean {
  const cols = weights.length;
  const { factor, group } = options;
  for (let from = 0; from < cols; from += group) {
    const to = Math.min(from + group, cols);
    const best = bestWalk(weights, kept, from, to, exponent, options);
    if (best === undefined) return false;
    codes.set(best.codes, from);
    mantissas.fill(best.mantissa, from / GROUP, Math.ceil(to / GROUP));
    for (let i = from; i < to; i++) {
      const error = best.errors[i - from]!;
      for (let j = to; j < cols; j++) weights[j] = weights[j]! - error * factor[i * cols + j]!;
    }
  }
  return true;
}

/** The walk that costs least; undefined when its mantissa has more than eight bits. */
function bestWalk(
  weights: Float64Array,
  kept: Uint8Array | null,
  from: number,
  to: number,
  exponent: number,
  options: GptqOptions,
): Walk | undefined {
  const counts = Float64Array.from(weights, (_, i) => (i >= from && i < to && kept !== null ? kept[i]! : 1));
  let best: Walk | undefined;
  for (const set of options.sets) {
    const middle = fitGroup(weights, counts, from, to, exponent, [set]).mantissa;
    for (const mantissa of new Set(TRIED.map((share) => Math.round((middle * share) / 16)))) {
      if (mantissa > MANTISSA_MAX && exponent === 0) continue;
      best =
        walk(weights, kept, from, to, { set, mantissa, exponent }, options, best?.cost ?? Infinity) ?? best;
    }
  }
  if (best === undefined)
    throw new RangeError(`columns ${from} to ${to - 1} have no finite error: check the moments`);
  return best.mantissa > MANTISSA_MAX ? undefined : best;
}

/** Rounds columns [from, to) in order with the scale given; undefined as soon as that costs `limit` or more. */
function walk(
  weights: Float64Array,
  mask: Uint8Array | null,
  from: number,
  to: number,
  scale: Pick<Walk, "set" | "mantissa" | "exponent">,
  { factor, keeping }: GptqOptions,
  limit: number,
): Walk | undefined {
  const cols = weights.length;
  const open = weights.slice(from, to);
  const kept = mask === null ? new Uint8Array(to - from).fill(1) : mask.slice(from, to);
  const unit = scale.mantissa * power2(-scale.exponent);
  const codes = new Int8Array(to - from);
  const errors = new Float64Array(to - from);
  let cost = 0;
  for (let i = from; i < to; i++) {
    const at = i - from;
    if (keeping.type === "choose" && i % QUAD.columns === 0) choose(open, kept, at, i, factor, cols);
    const code = kept[at] === 0 ? 0 : nearestCode(scale.set, unit === 0 ? 0 : open[at]! / unit);
    const error = (open[at]! - code * unit) / factor[i * cols + i]!;
    codes[at] = code;
    errors[at] = error;
    cost += error * error;
    if (!(cost < limit)) return undefined;
    for (let j = i + 1; j < to; j++) open[j - from] = open[j - from]! - error * factor[i * cols + j]!;
  }
  return { ...scale, cost, codes, errors };
}

/** SparseGPT's choice among four open weights at `at`, columns `column` on: w²/U_ii² is what the loss of one costs. */
function choose(
  open: Float64Array,
  kept: Uint8Array,
  at: number,
  column: number,
  factor: Float64Array,
  cols: number,
): void {
  keepTwo((i) => (open[at + i]! / factor[(column + i) * (cols + 1)]!) ** 2, kept, at);
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
  for (let r = 0; r < rows; r++) {
    const open = Float64Array.from(weights.subarray(r * cols, (r + 1) * cols));
    const ofRow = kept.subarray(r * cols, (r + 1) * cols);
    for (let i = 0; i < cols; i++) {
      if (i % QUAD.columns === 0) choose(open, ofRow, i, i, factor, cols);
      if (ofRow[i] === 1) updated[r * cols + i] = open[i]!;
      else {
        const error = open[i]! / factor[i * cols + i]!;
        for (let j = i + 1; j < cols; j++) open[j] = open[j]! - error * factor[i * cols + j]!;
      }
    }
  }
  return { weights: updated, kept };
}
