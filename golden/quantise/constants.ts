/**
 * The constant scales K of a quantised model, from the binary points of its tensors. Only +, -, *, / and sqrt of IEEE
 * doubles are used (exactly defined), so that every machine gets the same integers. Derivations: README.md beside this file.
 */
import { ACTIVATION_MAX, GATE_FRACTION, SCORE_FRACTION } from "../contract/tables.js";
import { power2 } from "../model/scale.js";
import type { QuantisedLayer, Scale } from "../model/types.js";
import { exp, fromDouble, ln, ONE, PI, roundSurely } from "./precise.js";

/** Fraction bits of the logits (int32); logits stay far below 2^15. */
export const LOGIT_FRACTION = 16;

/** Fraction bits of the tensors between matrices; gate's are fixed by the contract. */
export interface LayerFractions {
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly o: number;
  readonly up: number;
}

/** The nearest scale to v >= 0. */
export function toScale(v: number): Scale {
  if (!(v >= 0 && v < Infinity)) throw new RangeError(`no scale for ${v}`);
  if (v === 0) return { m: 0, e: 0 };
  let m = v;
  let e = 0;
  for (; m >= 65536; e++) m /= 2;
  for (; m < 32768; e--) m *= 2;
  m = Math.round(m);
  return m === 65536 ? { m: 32768, e: e + 1 } : { m, e };
}

/** K of a matrix behind a norm of width `dim` and gain exponent `gain` whose result has `fraction` fraction bits. */
export function normedScale(dim: number, gain: number, fraction: number): Scale {
  return toScale((Math.sqrt(dim) / ACTIVATION_MAX) * power2(3 - gain + fraction));
}

/** All K of one layer. */
export function layerScales(
  shape: { readonly dim: number; readonly headDim: number },
  residual: number,
  fraction: LayerFractions,
  gain: { readonly attention: number; readonly ffn: number },
): QuantisedLayer["scale"] {
  const { dim, headDim } = shape;
  const score = Math.LOG2E / (ACTIVATION_MAX * Math.sqrt(headDim));
  return {
    q: normedScale(dim, gain.attention, fraction.q),
    k: normedScale(dim, gain.attention, fraction.k),
    v: normedScale(dim, gain.attention, fraction.v),
    score: toScale(score * power2(SCORE_FRACTION + 13 - fraction.q - fraction.k)),
    attend: toScale(power2(fraction.o - fraction.v) / ACTIVATION_MAX),
    o: toScale(power2(residual - fraction.o) / ACTIVATION_MAX),
    gate: normedScale(dim, gain.ffn, GATE_FRACTION),
    up: normedScale(dim, gain.ffn, fraction.up),
    knorm: { m: 0, e: 0 },
    down: toScale(power2(residual - (fraction.up + GATE_FRACTION - 8)) / ACTIVATION_MAX),
  };
}

/** For models without norms of q and k or sub-norms. */
export const NO_EPSILON = { q: 1, k: 1, attention: 1, ffn: 1 } as const;

/** E of contract section 4: dim·eps in units of z^2, at least 1. */
export function epsilonSum(dim: number, eps: number, residual: number): number {
  return Math.max(1, Math.round(dim * eps * power2(2 * (residual - 12))));
}

/** Phase increments round(2^32·theta^(-2j/headDim)/(2π)), [headDim/2]. */
export function ropeIncrements(theta: number, headDim: number): Uint32Array {
  const logarithm = ln(fromDouble(theta));
  return Uint32Array.from({ length: headDim / 2 }, (_, j) => {
    const frequency = exp((-logarithm * 2n * BigInt(j)) / BigInt(headDim));
    return Number(roundSurely((frequency * ONE * (1n << 32n)) / (2n * PI)));
  });
}
