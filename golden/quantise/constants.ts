/**
 * The constant scales K of a quantised model, from the binary points of its tensors. Only +, -, *, / and sqrt of IEEE
 * doubles are used (exactly defined), so that every machine gets the same integers. Derivations: README.md beside this file.
 */
import { ACTIVATION_MAX, SCORE_FRACTION } from "../contract/tables.js";
import type { Rope, RopeScaling } from "../model/architecture.js";
import { power2 } from "../model/scale.js";
import type { QuantisedLayer, QuantisedModel, Scale } from "../model/types.js";
import { exp, fromDouble, ln, ONE, PI, ratio, roundSurely } from "./precise.js";

/** Fraction bits of the logits (int32); logits stay far below 2^15. */
export const LOGIT_FRACTION = 16;

/** Fraction bits of the tensors between matrices. */
export interface LayerFractions {
  /** Results of the matrices q and k, in front of their norms where they have some. */
  readonly q: number;
  readonly k: number;
  /** Keys in the cache: those of k, but behind a norm. */
  readonly key: number;
  readonly v: number;
  readonly o: number;
  /** SiLU's is GATE_FRACTION. */
  readonly gate: number;
  readonly up: number;
}

/** What constants depend on besides the binary points. */
export interface ScaleShape {
  readonly dim: number;
  readonly hidden: number;
  readonly heads: number;
  readonly headDim: number;
}

/** Gain exponents of the norms of a layer; those of section 5a and 6a only where the model has them. */
export interface GainExponents {
  readonly attention: number;
  readonly ffn: number;
  readonly qkNorm?: { readonly q: number; readonly k: number };
  readonly subNorm?: { readonly attention: number; readonly ffn: number };
}

/** Fraction bits of h = gate·up behind the shifts of contract section 7; squared ReLU's may be below 0. */
export function hiddenFraction(gate: QuantisedModel["gate"], fraction: LayerFractions): number {
  return gate === "silu" ? fraction.gate + fraction.up - 8 : 2 * fraction.gate - 16 + fraction.up - 18;
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

/** K of a matrix behind a norm of width `n` and gain exponent `gain` whose result has `fraction` fraction bits. */
export function normedScale(n: number, gain: number, fraction: number): Scale {
  return toScale((Math.sqrt(n) / ACTIVATION_MAX) * power2(15 - gain + fraction));
}

/** All K of one layer. */
export function layerScales(
  shape: ScaleShape,
  gateKind: QuantisedModel["gate"],
  residual: number,
  fraction: LayerFractions,
  gain: GainExponents,
): QuantisedLayer["scale"] {
  const { dim, hidden, heads, headDim } = shape;
  const { qkNorm, subNorm } = gain;
  const score = Math.LOG2E / ACTIVATION_MAX;
  return {
    q: normedScale(dim, gain.attention, fraction.q),
    k: normedScale(dim, gain.attention, fraction.k),
    v: normedScale(dim, gain.attention, fraction.v),
    score: qkNorm
      ? toScale(score * power2(SCORE_FRACTION + 28 - qkNorm.q - fraction.key))
      : toScale((score / Math.sqrt(headDim)) * power2(SCORE_FRACTION + 13 - fraction.q - fraction.key)),
    knorm: qkNorm ? toScale(Math.sqrt(headDim) * power2(15 - qkNorm.k + fraction.key)) : toScale(0),
    attend: toScale(power2(fraction.o - fraction.v) / ACTIVATION_MAX),
    o: subNorm
      ? toScale((Math.sqrt(heads * headDim) / ACTIVATION_MAX) * power2(7 - subNorm.attention + residual))
      : toScale(power2(residual - fraction.o) / ACTIVATION_MAX),
    gate: normedScale(dim, gain.ffn, fraction.gate),
    up: normedScale(dim, gain.ffn, fraction.up),
    down: subNorm
      ? normedScale(hidden, subNorm.ffn, residual)
      : toScale(power2(residual - hiddenFraction(gateKind, fraction)) / ACTIVATION_MAX),
  };
}

/** E of contract section 2: n·eps in units of x^2, x having `fraction` fraction bits; at least 1. */
function epsilonOf(n: number, eps: number, fraction: number): number {
  return Math.max(1, Math.round(n * eps * power2(2 * fraction)));
}

/** E of a norm of the residual stream. */
export function epsilonSum(dim: number, eps: number, residual: number): number {
  return epsilonOf(dim, eps, residual);
}

/** E of the norms that only some architectures have; 1 where there is none. */
export function epsilons(
  shape: ScaleShape,
  gateKind: QuantisedModel["gate"],
  eps: number,
  fraction: LayerFractions,
  has: { readonly qkNorm: boolean; readonly subNorm: boolean },
): QuantisedModel["epsilon"] {
  const { hidden, heads, headDim } = shape;
  return {
    q: has.qkNorm ? epsilonOf(headDim, eps, fraction.q) : 1,
    k: has.qkNorm ? epsilonOf(headDim, eps, fraction.k) : 1,
    attention: has.subNorm ? epsilonOf(heads * headDim, eps, fraction.o) : 1,
    ffn: has.subNorm ? epsilonOf(hidden, eps, hiddenFraction(gateKind, fraction)) : 1,
  };
}

/** Phase increments round(2^32·frequency/(2π)) of each pair, [headDim/2]: theta^(-2j/headDim), scaled. */
export function ropeIncrements({ theta, scaling }: Rope, headDim: number): Uint32Array {
  const logarithm = ln(fromDouble(theta));
  return Uint32Array.from({ length: headDim / 2 }, (_, j) => {
    const frequency = exp((-logarithm * 2n * BigInt(j)) / BigInt(headDim));
    return Number(roundSurely((scaled(frequency, j, scaling) * ONE * (1n << 32n)) / (2n * PI)));
  });
}

/** The same in fixed point as in golden/model/architecture.ts, where the source is. */
function scaled(frequency: bigint, j: number, scaling: RopeScaling): bigint {
  switch (scaling.type) {
    case "none":
      return frequency;
    case "factors":
      return ratio(frequency, fromDouble(scaling.factors[j]!));
    case "linear":
      return ratio(frequency, fromDouble(scaling.factor));
    case "llama3": {
      const slow = ratio(frequency, fromDouble(scaling.factor));
      const [low, high] = [fromDouble(scaling.lowFactor), fromDouble(scaling.highFactor)];
      const waves = ratio(BigInt(scaling.originalContext) * frequency, 2n * PI);
      if (waves < low) return slow;
      if (waves > high) return frequency;
      const smooth = ratio(waves - low, high - low);
      return ((ONE - smooth) * slow + smooth * frequency) / ONE;
    }
  }
}
