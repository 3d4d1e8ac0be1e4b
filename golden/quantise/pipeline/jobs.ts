/**
 * The work that is spread over threads: each job is a range of independent rows (or heads) on shared arrays, so that the result is the
 * same however it is cut. Sums run over inputs in ascending order in doubles, as those of the float forward pass do.
 */
import { GROUP } from "../../contract/tables.js";
import { exp } from "../../model/elementary.js";
import type { QuantisedMatrix } from "../../model/types.js";
import { dequantise } from "../matrix.js";
import { outputError } from "../methods/outputError.js";
import { quantiseWith } from "../methods/quantiseWith.js";
import type { InputMoments, MatrixSpec } from "../recipe.js";

/** out[p, r] = Σ_i x[p, i]·weights[r, i] (+ bias[r]); over rows r. */
export interface Multiply {
  readonly kind: "multiply";
  readonly x: Float32Array;
  readonly weights: Float32Array;
  readonly bias: Float32Array | null;
  readonly out: Float32Array;
  readonly positions: number;
  readonly rows: number;
  readonly cols: number;
}

/** Causal softmax attention inside each sequence; over heads. */
export interface Attend {
  readonly kind: "attend";
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly out: Float32Array;
  /** Positions of each sequence; they stand one behind the other. */
  readonly lengths: readonly number[];
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly slidingWindow: number | null;
}

/** sums[i, j] = sums[j, i] = Σ_p x[p, i]·x[p, j], j <= i; over i. */
export interface Moments {
  readonly kind: "moments";
  readonly x: Float32Array;
  readonly sums: Float64Array;
  readonly positions: number;
  readonly cols: number;
}

/** Rounds weights and puts what the codes stand for in their place; over rows. */
export interface Round {
  readonly kind: "round";
  readonly weights: Float32Array;
  readonly cols: number;
  readonly spec: MatrixSpec;
  readonly inputs: InputMoments | null;
  readonly codes: Int8Array;
  readonly mantissas: Uint8Array;
  readonly exponents: Uint8Array;
  /** [rows·2]: squared error and squared weights of each row. */
  readonly losses: Float64Array;
}

/** What rounding would do to the outputs, over rows; without a spec, what the outputs are. */
export interface Measure {
  readonly kind: "measure";
  readonly weights: Float32Array;
  readonly cols: number;
  readonly spec: MatrixSpec | null;
  readonly inputs: InputMoments;
  /** [rows]: errors of the rows of one part are put together into its first. */
  readonly errors: Float64Array;
}

export type Job = Multiply | Attend | Moments | Round | Measure;

/** Does items [from, to) of a job. */
export function perform(job: Job, from: number, to: number): void {
  switch (job.kind) {
    case "multiply":
      return multiply(job, from, to);
    case "attend":
      for (let head = from; head < to; head++) attend(job, head);
      return;
    case "moments":
      return moments(job, from, to);
    case "round":
      return round(job, from, to);
    case "measure":
      return measure(job, from, to);
  }
}

/** Four rows by two positions at a time. */
function multiply(
  { x, weights, bias, out, positions, rows, cols }: Multiply,
  from: number,
  to: number,
): void {
  const put = (p: number, r: number, sum: number): void => {
    out[p * rows + r] = bias === null ? sum : sum + bias[r]!;
  };
  let r = from;
  for (; r + 4 <= to; r += 4) {
    const [w0, w1, w2, w3] = [r * cols, (r + 1) * cols, (r + 2) * cols, (r + 3) * cols];
    let p = 0;
    for (; p + 2 <= positions; p += 2) {
      const [x0, x1] = [p * cols, (p + 1) * cols];
      let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let i = 0; i < cols; i++) {
        const a = x[x0 + i]!;
        const b = x[x1 + i]!;
        const v0 = weights[w0 + i]!;
        const v1 = weights[w1 + i]!;
        a0 += a * v0;
        b0 += b * v0;
        a1 += a * v1;
        b1 += b * v1;
        const v2 = weights[w2 + i]!;
        const v3 = weights[w3 + i]!;
        a2 += a * v2;
        b2 += b * v2;
        a3 += a * v3;
        b3 += b * v3;
      }
      put(p, r, a0);
      put(p, r + 1, a1);
      put(p, r + 2, a2);
      put(p, r + 3, a3);
      put(p + 1, r, b0);
      put(p + 1, r + 1, b1);
      put(p + 1, r + 2, b2);
      put(p + 1, r + 3, b3);
    }
    for (; p < positions; p++)
      for (let row = r; row < r + 4; row++) put(p, row, dot(x, p * cols, weights, row * cols, cols));
  }
  for (; r < to; r++)
    for (let p = 0; p < positions; p++) put(p, r, dot(x, p * cols, weights, r * cols, cols));
}

function dot(x: Float32Array, xAt: number, w: Float32Array, wAt: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += x[xAt + i]! * w[wAt + i]!;
  return sum;
}

/** As attendFloat of golden/model/float.ts, for all positions. */
function attend({ q, k, v, out, ...job }: Attend, head: number): void {
  const { lengths, heads, kvHeads, headDim, slidingWindow } = job;
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];
  const kvAt = Math.floor((head * kvHeads) / heads) * headDim;
  const factor = 1 / Math.sqrt(headDim);
  const scores = new Float64Array(lengths.reduce((most, length) => Math.max(most, length), 0));
  const sums = new Float64Array(headDim);
  let start = 0;
  for (const length of lengths) {
    for (let position = 0; position < length; position++) {
      const at = (start + position) * width + head * headDim;
      const first = Math.max(0, position + 1 - (slidingWindow ?? Infinity));
      let maximum = -Infinity;
      for (let t = first; t <= position; t++) {
        const score = dot(q, at, k, (start + t) * kvWidth + kvAt, headDim) * factor;
        scores[t] = score;
        maximum = Math.max(maximum, score);
      }
      let sum = 0;
      for (let t = first; t <= position; t++) {
        scores[t] = exp(scores[t]! - maximum);
        sum += scores[t]!;
      }
      sums.fill(0);
      for (let t = first; t <= position; t++) {
        const p = scores[t]! / sum;
        const from = (start + t) * kvWidth + kvAt;
        for (let i = 0; i < headDim; i++) sums[i] = sums[i]! + p * v[from + i]!;
      }
      out.set(sums, at);
    }
    start += length;
  }
}

/** Four positions at a time, in the same order whatever the range. */
function moments({ x, sums, positions, cols }: Moments, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const row = sums.subarray(i * cols, i * cols + i + 1);
    row.fill(0);
    for (let p = 0; p < positions; p += 4) {
      const many = Math.min(4, positions - p);
      const [p0, p1, p2, p3] = [0, 1, 2, 3].map((n) => (p + Math.min(n, many - 1)) * cols) as [
        number,
        number,
        number,
        number,
      ];
      const a0 = x[p0 + i]!;
      const a1 = many > 1 ? x[p1 + i]! : 0;
      const a2 = many > 2 ? x[p2 + i]! : 0;
      const a3 = many > 3 ? x[p3 + i]! : 0;
      for (let j = 0; j <= i; j++)
        row[j] = row[j]! + (a0 * x[p0 + j]! + a1 * x[p1 + j]! + a2 * x[p2 + j]! + a3 * x[p3 + j]!);
    }
    for (let j = 0; j < i; j++) sums[j * cols + i] = row[j]!;
  }
}

function measure({ weights, cols, spec, inputs, errors }: Measure, from: number, to: number): void {
  const slice = weights.subarray(from * cols, to * cols);
  const rows = to - from;
  const matrix =
    spec === null
      ? nothing(rows, cols)
      : quantiseWith(slice, rows, cols, spec, needsMoments(spec) ? inputs : null);
  errors.fill(0, from, to);
  errors[from] = outputError(slice, matrix, inputs);
}

/** A matrix of zeros: all of the outputs is its error. */
function nothing(rows: number, cols: number): QuantisedMatrix {
  return {
    ...{ rows, cols, format: "W4", codes: new Int8Array(rows * cols) },
    mantissas: new Uint8Array(rows * Math.ceil(cols / GROUP)),
    exponents: new Uint8Array(rows),
  };
}

/** Whether the rounding of a matrix looks at its inputs. */
export function needsMoments({ rounding, pruning }: MatrixSpec): boolean {
  return rounding === "gptq" || (pruning !== null && pruning !== "magnitude");
}

function round(job: Round, from: number, to: number): void {
  const { cols, spec, inputs, weights } = job;
  const rows = weights.subarray(from * cols, to * cols);
  putMatrix(job, quantiseWith(rows, to - from, cols, spec, inputs), from);
}

/** Puts rows into the shared arrays: codes and scales, the weights that they stand for, and what was lost. */
export function putMatrix(
  { weights, cols, codes, mantissas, exponents, losses }: Omit<Round, "kind" | "spec" | "inputs">,
  matrix: QuantisedMatrix,
  from: number,
): void {
  codes.set(matrix.codes, from * cols);
  mantissas.set(matrix.mantissas, from * Math.ceil(cols / GROUP));
  exponents.set(matrix.exponents, from);
  const values = dequantise(matrix);
  for (let row = 0; row < matrix.rows; row++) {
    let [error, size] = [0, 0];
    for (let i = row * cols; i < (row + 1) * cols; i++) {
      const weight = weights[from * cols + i]!;
      error += (weight - values[i]!) ** 2;
      size += weight * weight;
    }
    losses[2 * (from + row)] = error;
    losses[2 * (from + row) + 1] = size;
  }
  weights.set(values, from * cols);
}
