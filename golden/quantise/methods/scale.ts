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
  const lowest = lowestMantissa(weights, from, to, unit, set);
  let total = 0;
  for (let i = from; i < to; i++) {
    const v = weights[i]! * unit;
    const h = importance[i]!;
    total += h * v * v;
    addSteps(Math.abs(v), h, v < 0 ? set.negative : set.positive, lowest);
  }
  let [mantissa, error] = [0, total]; // mantissa 0 makes every weight 0
  let [product, square] = [0, 0];
  for (let m = MANTISSA_MAX; m >= lowest; m--) {
    product += products[m]!;
    square += squares[m]!;
    const e = total - 2 * m * product + m * m * square;
    if (e < error) [mantissa, error] = [m, e];
  }
  return { mantissa, error: error / unit / unit };
}

/** With so many levels it never pays to clip the largest weight to half: that saves most steps. */
const MANY_LEVELS = 16;

function lowestMantissa(weights: Float64Array, from: number, to: number, unit: number, set: CodeSet): number {
  if (set.positive.count < MANY_LEVELS) return 1;
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(weights[i]!));
  return Math.min(Math.max(Math.floor((largest * unit) / largestCode([set]) / 2), 1), MANTISSA_MAX);
}

/** A weight of magnitude a has code c while the mantissa is at most a / (the threshold below c). */
function addSteps(a: number, h: number, { first, step, count }: Side, lowest: number): void {
  const most = Math.floor((a / MANTISSA_MAX - first) / step + 0.5); // steps that the largest mantissa leaves
  const k0 = Math.min(Math.max(most, 0), count - 1);
  const c0 = first + step * k0;
  products[MANTISSA_MAX] = products[MANTISSA_MAX]! + h * a * c0;
  squares[MANTISSA_MAX] = squares[MANTISSA_MAX]! + h * c0 * c0;
  for (let k = k0 + 1; k < count; k++) {
    const threshold = first + step * (k - 0.5);
    const last = Math.floor(a / threshold);
    if (last < lowest) return;
    const at = Math.min(last, MANTISSA_MAX);
    products[at] = products[at]! + h * a * step;
    squares[at] = squares[at]! + h * 2 * threshold * step; // c² - (c - step)²
  }
}

/**
 * The scales of a row: the exponent grows as long as the largest mantissa leaves room, for a finer scale is never a worse one. It begins
 * where the largest weight would have the largest code; only where a group wants more than that, where it could be the scale itself.
 */
export function fitRow(
  weights: Float64Array,
  importance: Float64Array,
  group: number,
  sets: readonly CodeSet[],
): RowFit {
  let largest = 0;
  for (let i = 0; i < weights.length; i++) largest = Math.max(largest, Math.abs(weights[i]!));
  const most = MANTISSA_MAX * largestCode(sets);
  if (!(largest <= most))
    throw new RangeError(`a weight of ${largest} is beyond the largest of the format, ${most}`);
  const coarse = roomFor(largest, 0);
  let exponent = roomFor(largest / largestCode(sets), 0);
  let capped = false;
  for (;;) {
    const groups: GroupFit[] = [];
    for (let from = 0; from < weights.length; from += group)
      groups.push(
        fitGroup(weights, importance, from, Math.min(from + group, weights.length), exponent, sets),
      );
    const mantissa = Math.max(...groups.map((fit) => fit.mantissa));
    if (mantissa === MANTISSA_MAX && exponent > coarse && !capped) {
      [exponent, capped] = [coarse, true];
      continue;
    }
    const finer = roomFor(mantissa, exponent);
    if (finer === exponent) return { exponent, groups };
    exponent = finer;
  }
}

/** The largest exponent that leaves a mantissa, `unit` at exponent `from`, within eight bits. */
function roomFor(unit: number, from: number): number {
  let exponent = from;
  while (exponent < EXPONENT_MAX && unit * power2(exponent - from + 1) <= MANTISSA_MAX) exponent++;
  return exponent;
}
