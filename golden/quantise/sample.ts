/** Sampling from logits with a seed: the same text on every machine. */
import { exp } from "../model/elementary.js";
import { Random } from "../model/prng.js";
import type { Decoder } from "./decoder.js";

export interface Sampling {
  /** Logits are divided by it; 0 is greedy (lowest index among the maxima). */
  readonly temperature: number;
  /** Only the so many likeliest tokens; all unless told. */
  readonly topK?: number;
  /** Only the likeliest tokens that together reach this probability (nucleus sampling, arXiv 1904.09751); all unless told. */
  readonly topP?: number;
}

export interface SampleOptions extends Sampling {
  readonly seed: number;
  /** Ends the sequence when chosen (it is not appended). */
  readonly stop?: number;
}

/**
 * One token from logits. Top-k cuts first, top-p then counts probability among what is left, as in Hugging Face's
 * generate(); tokens of equal logits count in the order of their index.
 */
export function choose(logits: ArrayLike<number>, sampling: Sampling, random: Random): number {
  const best = argmax(logits);
  if (sampling.temperature === 0) return best;
  const { temperature, topK = logits.length, topP = 1 } = sampling;
  const weight = (token: number): number => exp((logits[token]! - logits[best]!) / temperature);
  const all = Uint32Array.from({ length: logits.length }, (_, token) => token);
  const cut = topK < all.length || topP < 1;
  const likeliest = cut ? all.sort((a, b) => logits[b]! - logits[a]! || a - b).subarray(0, topK) : all;
  const weights = Float64Array.from(likeliest, weight);
  const kept = topP < 1 ? nucleus(weights, topP) : weights;
  let rest = (random.next() / 4294967296) * total(kept);
  for (let i = 0; i < kept.length; i++) {
    rest -= kept[i]!;
    if (rest < 0) return likeliest[i]!;
  }
  return best;
}

function argmax(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

function total(weights: Float64Array): number {
  return weights.reduce((sum, w) => sum + w, 0);
}

/** The fewest of descending weights that reach the share; one at least. */
function nucleus(weights: Float64Array, share: number): Float64Array {
  const enough = share * total(weights);
  let sum = 0;
  let count = 0;
  while (count < weights.length && (count === 0 || sum < enough)) sum += weights[count++]!;
  return weights.subarray(0, count);
}

/** `length` tokens beginning with `first` at position 0; fewer when the stop token is chosen. */
export function sample(decoder: Decoder, first: number, length: number, options: SampleOptions): number[] {
  const random = new Random(options.seed);
  const tokens = [first];
  for (let position = 0; tokens.length < length; position++) {
    const next = choose(decoder(tokens[position]!, position), options, random);
    if (next === options.stop) break;
    tokens.push(next);
  }
  return tokens;
}
