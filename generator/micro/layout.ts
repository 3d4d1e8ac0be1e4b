/**
 * Where everything lies in VMEM, and how the cache lies in the stream memory, from the model's shape. Attention and feed-forward take turns in one region; the residual
 * stream, its normed copy, RoPE's sines and the scalars stay.
 */
import type { ModelShape } from "../../golden/model/types.js";
import { MicroError } from "./error.js";
import { VMEM_WORDS } from "./machine.js";

/** Single words. A scale is two: mantissa (unsigned), then exponent (signed). */
const SCALARS = [
  /** Work space of the scalar routines, and of RoPE. t0 is word 0: `imm` 0 serves two fields. */
  "t0",
  "t1",
  "t2",
  "t3",
  /** Stream address of this layer, and of its keys and values. */
  "layer",
  "cache",
  /** Live slots: position + 1. */
  "live",
  /** S, the scale of the vector that was quantised last; times R where it is behind a norm. */
  "sM",
  "sE",
  /** Work space of attention alone: kept from one head to the next. */
  "a0",
  "a1",
  "a2",
  "a3",
  "a4",
  "a5",
  "a6",
  "a7",
] as const;

export type ScalarName = (typeof SCALARS)[number];

/** First word of each. */
export interface Layout extends Readonly<Record<ScalarName, number>> {
  readonly shape: ModelShape;
  /** Residual stream [dim]. */
  readonly x: number;
  /** x times gain, then results of o and down [dim]. */
  readonly y: number;
  /** 2^24. */
  readonly two24: number;
  /** For each shift s of a sum of squares, 0, 7 and 14: s, low half of E >> 2s, E >> (2s + 16), 2s. */
  readonly epsilon: number;
  /** RoPE: phase increments [headDim/2], and cosines and sines of this position [headDim + 1]. */
  readonly increments: number;
  readonly rope: number;
  /** Attention: results of the matrices [kvHeads·headDim], [heads·headDim], [kvHeads·headDim], */
  readonly k: number;
  readonly q: number;
  readonly v: number;
  /** output of all heads [heads·headDim]; of one head, by slot: scores and c; E_b by block of 32. */
  readonly o: number;
  readonly scores: number;
  readonly c: number;
  readonly blockExponents: number;
  /** Feed-forward (in the same words as attention): gate, then h in its place [hidden]; up [hidden]. */
  readonly gate: number;
  readonly up: number;
  /** Words in use. */
  readonly words: number;
}

/** Words before what a matrix or a loop writes. */
export const GUARD = 3;

export function vmemLayout(shape: ModelShape): Layout {
  const { dim, heads, kvHeads, headDim, hidden, context } = shape;
  let next = 0;
  const take = (words: number): number => {
    next += words;
    return next - words;
  };
  const scalars = Object.fromEntries(SCALARS.map((name) => [name, take(1)])) as Record<ScalarName, number>;
  /** Behind a guard: the first passes of loops that hold several elements at once write a word before the first. */
  const guarded = (words: number): number => take(words + GUARD) + GUARD;
  const two24 = take(1);
  const epsilon = take(12);
  const increments = take(headDim / 2); // read in one go with two24 and epsilon
  const rope = take(headDim + 1);
  const x = guarded(dim);
  const y = guarded(dim);
  const shared = next;
  const k = guarded(kvHeads * headDim); // turned by RoPE in one go with q
  const q = take(heads * headDim); // its matrix runs before that of k: k's last word is its guard
  const v = guarded(kvHeads * headDim);
  const o = take(heads * headDim);
  const scores = take(context);
  const c = take(context);
  const blockExponents = take(Math.ceil(context / 32));
  const attention = next;
  next = shared;
  const gate = guarded(hidden);
  const up = guarded(hidden);
  const words = Math.max(attention, next);
  if (words > VMEM_WORDS)
    throw new MicroError([
      `${words} words of work space for dim ${dim}, hidden ${hidden}, ${heads} heads of ${headDim} and ${context} slots, ` +
        `but the memory has ${VMEM_WORDS}: take a smaller model or context`,
    ]);
  return {
    shape,
    ...scalars,
    ...{ x, y, two24, epsilon, increments, rope, q, k, v, o, scores, c, blockExponents, gate, up, words },
  };
}

/** The keys and values of one layer in the stream memory, in 64-bit words from the layer's `cache`. */
export interface CacheLayout {
  /** Slots, up to whole blocks of 8. */
  readonly slots: number;
  /** A block of 8 slots of one KV head: headDim columns, then K and V scale byte of each slot. */
  readonly keyBlock: number;
  /** All keys of one KV head. */
  readonly keys: number;
  /** 8 dims of all slots of one KV head. */
  readonly valueBlock: number;
  /** All values of one KV head. */
  readonly values: number;
  /** Word of the keys of a KV head; its values lie behind them. */
  readonly head: (kvHead: number) => number;
  /** All of a layer. */
  readonly words: number;
}

export function cacheLayout({ kvHeads, headDim, context }: ModelShape): CacheLayout {
  const slots = 8 * Math.ceil(context / 8);
  const keyBlock = headDim / 2 + 2;
  const keys = (slots / 8) * keyBlock;
  const valueBlock = slots / 2;
  const values = (headDim / 8) * valueBlock;
  return {
    ...{ slots, keyBlock, keys, valueBlock, values },
    head: (kvHead) => kvHead * (keys + values),
    words: kvHeads * (keys + values),
  };
}
