/** Attention of one head over the cache: contract section 6. */
import { EXP2, GROUP, LOG16, SCORE_FRACTION } from "../contract/tables.js";
import type { KvCache } from "./cache.js";
import { scaleOut } from "./matrix.js";
import { mul, norm16, power2, reciprocal, rshr, type Sticky } from "./scale.js";
import type { Scale } from "./types.js";

const SCORE_ONE = 1 << SCORE_FRACTION;

/** 2^16·2^(-d/1024) for d >= 0: table of 64 and a line. 0..65536. */
export function exp2(d: number): number {
  const n = d >> 10;
  if (n > 17) return 0;
  const i = (d & 1023) >> 4;
  const v = EXP2[i]! - (((EXP2[i]! - EXP2[i + 1]!) * (d & 15) + 8) >> 4);
  return rshr(v, n);
}

/**
 * Scores (int24, base 2, 10 fraction bits) of the live slots for one query head into scores[at..at+live).
 * q: A8 codes of all heads, those of this head from `from`.
 */
export function scoreHead(
  cache: KvCache,
  layer: number,
  kvHead: number,
  live: number,
  q: Int8Array,
  from: number,
  t: Scale,
  scores: Int32Array,
  at: number,
  sticky: Sticky,
): void {
  const { headDim } = cache.shape;
  const first = cache.vector(layer, kvHead, 0);
  for (let s = 0; s < live; s++) {
    let dot = 0;
    const key = (first + s) * headDim;
    for (let i = 0; i < headDim; i++) dot += cache.keyCodes[key + i]! * q[from + i]!;
    const scale = cache.keyScales[first + s]!;
    scores[at + s] = scaleOut((16 + (scale & 15)) * dot, t, 15 - (scale >> 4), 24, sticky);
  }
}

/** Where softmax of one head reads and writes; the arrays hold all heads. */
export interface SoftmaxView {
  /** int24, live scores from `scoresAt`. */
  readonly scores: Int32Array;
  readonly scoresAt: number;
  readonly live: number;
  /** V scale bytes, `live` of them from `scalesAt`. */
  readonly scales: Uint8Array;
  readonly scalesAt: number;
  /** 0..127, written from `pAt`: 32 per block, 0 for slots that are not live. */
  readonly p: Int32Array;
  readonly pAt: number;
  /** E_b, one per block, written from `exponentsAt`. */
  readonly exponents: Int32Array;
  readonly exponentsAt: number;
}

/** Softmax with V's scales folded in: p and E_b of every block of 32 slots. Returns SE (2^16 = 1). */
export function softmax(view: SoftmaxView): number {
  const { scores, scoresAt, live, scales, scalesAt, p, pAt } = view;
  let smax = scores[scoresAt]!;
  for (let s = 1; s < live; s++) smax = Math.max(smax, scores[scoresAt + s]!);
  let sum = 0;
  for (let block = 0; block * GROUP < live; block++) {
    const from = block * GROUP;
    const to = Math.min(from + GROUP, live);
    let cmax = -Infinity;
    for (let s = from; s < to; s++) {
      const score = scores[scoresAt + s]!;
      sum += exp2(smax - score);
      const scale = scales[scalesAt + s]!;
      const c = score + SCORE_ONE * (scale >> 4) + LOG16[scale & 15]!;
      p[pAt + s] = c;
      cmax = Math.max(cmax, c);
    }
    const exponent = (cmax - smax + SCORE_ONE - 1) >> SCORE_FRACTION;
    view.exponents[view.exponentsAt + block] = exponent;
    for (let s = from; s < to; s++) {
      p[pAt + s] = rshr(127 * exp2(SCORE_ONE * exponent - (p[pAt + s]! - smax)), 16);
    }
    p.fill(0, pAt + to, pAt + from + GROUP);
  }
  return sum;
}

/** o (int24 [headDim], written from `at`) of one head: values weighted by p. `k` is the constant scale of attend. */
export function attend(
  cache: KvCache,
  layer: number,
  kvHead: number,
  view: SoftmaxView,
  sum: number,
  k: Scale,
  out: Int32Array,
  at: number,
  sticky: Sticky,
): void {
  const { headDim } = cache.shape;
  const { live, p, pAt, exponents, exponentsAt } = view;
  const blocks = Math.ceil(live / GROUP);
  let emax = exponents[exponentsAt]!;
  for (let b = 1; b < blocks; b++) emax = Math.max(emax, exponents[exponentsAt + b]!);
  const constant = mul(reciprocal(norm16(sum)), k);
  const t: Scale = { m: constant.m, e: constant.e + emax };
  const first = cache.vector(layer, kvHead, 0);
  const codes = cache.valueCodes;
  for (let d = 0; d < headDim; d++) {
    let total = 0;
    for (let b = 0; b < blocks; b++) {
      const down = emax - exponents[exponentsAt + b]!;
      if (down > 14) continue; // so far below the largest block that its weight is 0
      const to = Math.min((b + 1) * GROUP, live);
      let dot = 0;
      for (let s = b * GROUP; s < to; s++) dot += codes[(first + s) * headDim + d]! * p[pAt + s]!;
      total += dot * power2(14 - down);
    }
    out[at + d] = scaleOut(total, t, 0, 24, sticky);
  }
}
