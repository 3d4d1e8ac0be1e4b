/**
 * Scales as the hardware has them, an 8-bit mantissa per group and an exponent per row, with the least error: large weights
 * are clipped where that helps the many small ones. The search is exact over all 256 mantissas and costs a few
 * additions a weight: as the mantissa grows, each weight steps down from code to code at mantissas that are known, so
 * Σh·|w|·c and Σh·c² of every mantissa follow from sums over the steps behind it, and with them
 * Σh·(w - c·m)² = Σh·w² - 2m·Σh·|w|·c + m²·Σh·c².
 */
import { power2 } from "../../model/scale.js";
import { type CodeSet, largestCode, type Side } from "./codes.js";

/** One group's scale. */
export interface GroupFit {
  readonly mantissa: number;
  readonly set: CodeSet;
  readonly error: number;
}

/** One row's scales; `groups` of the group size that was asked for. */
export interface RowFit {
  readonly exponent: number;
  readonly groups: readonly GroupFit[];
}

export const MANTISSA_MAX = 255;
const EXPONENT_MAX = 31;

/** Work space: per mantissa, what the steps that end there add to Σh·|w|·c and Σh·c². */
const products = new Float64Array(MANTISSA_MAX + 1);
const squares = new Float64Array(MANTISSA_MAX + 1);

/**
 * The best mantissa for weights[from, to) with the row exponent given; the error of each weight counts `importance` times.
 * Of equals the largest mantissa.
 */
export function fitGroup(
  weights: Float64Array,
  importance: Float64Array,
  from: number,
  to: number,
  exponent: number,
  sets: readonly CodeSet[],
): GroupFit {
  const unit = power2(exponent);
  let best: GroupFit | undefined;
  for (const set of sets) {
    const { mantissa, error } = fitSet(weights, importance, from, to, unit, set);
    if (best === undefined || error < best.error) best = { mantissa, set, error };
  }
  if (best === undefined) throw new RangeError("a group without codes to choose from");
  return best;
}

function fitSet(
  weights: Float64Array,
  importance: Float64Array,
  from: number,
  to: number,
  unit: number,
  set: CodeSet,
): { mantissa: number; error: number } {
  products.fill(0);
  squares.fill(0);
  let total = 0;
  for (let i = from; i < to; i++) {
    const v = weights[i]! * unit;
    const h = importance[i]!;
    total += h * v * v;
    addSteps(Math.abs(v), h, v < 0 ? set.negative : set.positive);
  }
  let [mantissa, error] = [0, total]; // mantissa 0 makes every weight 0
  let [product, square] = [0, 0];
  for (let m = MANTISSA_MAX; m > 0; m--) {
    product += products[m]!;
    square += squares[m]!;
    const e = total - 2 * m * product + m * m * square;
    if (e < error) [mantissa, error] = [m, e];
  }
  return { mantissa, error: error / unit / unit };
}

/** A weight of magnitude a has code c while the mantissa is at most a / (the threshold below c). */
function addSteps(a: number, h: number, { first, step, count }: Side): void {
  products[MANTISSA_MAX] = products[MANTISSA_MAX]! + h * a * first;
  squares[MANTISSA_MAX] = squares[MANTISSA_MAX]! + h * first * first;
  for (let k = 1; k < count; k++) {
    const threshold = first + step * (k - 0.5);
    const last = Math.floor(a / threshold);
    if (last < 1) return;
    const at = Math.min(last, MANTISSA_MAX);
    products[at] = products[at]! + h * a * step;
    squares[at] = squares[at]! + h * 2 * threshold * step; // c² - (c - step)²
  }
}

/**
 * The scales of a row: the exponent grows as long as the largest mantissa leaves room, for a finer scale is never a worse one.
 */
export function fitRow(
  weights: Float64Array,
  importance: Float64Array,
  group: number,
  sets: readonly CodeSet[],
): RowFit {
  let exponent = firstExponent(weights, sets);
  for (;;) {
    const groups: GroupFit[] = [];
    for (let from = 0; from < weights.length; from += group)
      groups.push(
        fitGroup(weights, importance, from, Math.min(from + group, weights.length), exponent, sets),
      );
    const largest = Math.max(...groups.map(({ mantissa }) => mantissa));
    let room = 0;
    while (exponent + room < EXPONENT_MAX && largest * power2(room + 1) <= MANTISSA_MAX) room++;
    if (room === 0) return { exponent, groups };
    exponent += room;
  }
}

/** With this exponent the largest weight itself could be the scale. */
function firstExponent(weights: Float64Array, sets: readonly CodeSet[]): number {
  let largest = 0;
  for (let i = 0; i < weights.length; i++) largest = Math.max(largest, Math.abs(weights[i]!));
  const most = MANTISSA_MAX * largestCode(sets);
  if (!(largest <= most))
    throw new RangeError(`a weight of ${largest} is beyond the largest of the format, ${most}`);
  let exponent = 0;
  while (exponent < EXPONENT_MAX && largest * power2(exponent + 1) <= MANTISSA_MAX) exponent++;
  return exponent;
}
