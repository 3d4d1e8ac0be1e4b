/**
 * Cycles of a whole matrix product from a simulated slice of it, by exact counting: once the engine has filled, row blocks
 * finish at a fixed rhythm, so the rest of the product takes as many more rhythms as it has more blocks.
 */
import { GROUP } from "../engines/port.js";
import type { BeatCode } from "../isa/codes.js";
import { runSlice, type Subject } from "./slice.js";
import { rowsPerBlock } from "./stimulus.js";

export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly tokens: number;
}
export interface ProductRun {
  readonly tokens: number;
  readonly cycles: number;
  /** Useful multiply-accumulates over what the stated rate would allow in these cycles. */
  readonly busy: number;
  readonly simulatedBeats: number;
  readonly beats: number;
  readonly scaling: Scaling;
  /** Row sums of the slice that were compared with whole-number arithmetic. */
  readonly compared: number;
}

/** Matrix rows of the slice that is really simulated. */
const SLICE_ROWS = 128;

/** How the cycles of the blocks beyond the slice were found; engines that skip zeros have no rhythm. */
export type Scaling = "counted" | "by the mean";

/**
 * When the last of `blocks` row blocks is done: the smallest period of the intervals between blocks, over the second half
 * of what was simulated, goes on. Without a period the mean does, and says so.
 */
export const extrapolate = (
  sumsAt: readonly number[],
  blocks: number,
): { readonly at: number; readonly scaling: Scaling } => {
  const known = sumsAt[blocks - 1];
  if (known !== undefined) return { at: known, scaling: "counted" };
  const last = sumsAt[sumsAt.length - 1]!;
  const rest = blocks - sumsAt.length;
  const intervals = sumsAt.slice(1).map((at, k) => at - sumsAt[k]!);
  const tail = intervals.slice(Math.floor(intervals.length / 2));
  for (let period = 1; 2 * period <= tail.length; period++) {
    if (!tail.every((d, k) => k < period || d === tail[k - period]!)) continue;
    const rhythm = tail.slice(-period);
    const whole = Math.floor(rest / period);
    return { at: last + whole * sum(rhythm) + sum(rhythm.slice(0, rest % period)), scaling: "counted" };
  }
  return { at: last + Math.round((rest * sum(tail)) / tail.length), scaling: "by the mean" };
};
const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

/** `macPerCycle`: the rate that the engine states for the code. */
export const runProduct = (
  subject: Subject,
  code: BeatCode,
  product: Product,
  macPerCycle: number,
): ProductRun => {
  const c = subject.config;
  const perBlock = rowsPerBlock(c, code);
  const groups = product.columns / GROUP;
  const tokens = Math.min(c.tokens, product.tokens);
  const blocks = Math.max(8, Math.ceil(SLICE_ROWS / perBlock));
  const slice = runSlice(subject, code, { blocks, groups, tokens });
  const all = Math.ceil(product.rows / perBlock) * Math.ceil(product.tokens / tokens);
  const { at, scaling } = extrapolate(slice.sumsAt, all);
  const cycles = at + 1; // the cycle of the first beat counts
  return {
    compared: slice.compared,
    scaling,
    tokens: product.tokens,
    cycles,
    busy: (product.rows * product.columns * product.tokens) / (macPerCycle * cycles),
    simulatedBeats: slice.beats,
    beats: all * groups * tokens,
  };
};
