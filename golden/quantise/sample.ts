/** Sampling from logits with a seed: the same text on every machine. */
import { exp } from "../model/elementary.js";
import { Random } from "../model/prng.js";
import type { Decoder } from "./decoder.js";

export interface SampleOptions {
  /** 0 is greedy (lowest index among the maxima). */
  readonly temperature: number;
  readonly seed: number;
  /** Ends the sequence when chosen (it is not appended). */
  readonly stop?: number;
}

/** One token from logits. */
export function choose(logits: ArrayLike<number>, temperature: number, random: Random): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  if (temperature === 0) return best;
  const weights = Float64Array.from(logits, (v) => exp((v - logits[best]!) / temperature));
  let rest = (random.next() / 4294967296) * weights.reduce((sum, w) => sum + w, 0);
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return best;
}

/** `length` tokens beginning with `first` at position 0; fewer when the stop token is chosen. */
export function sample(decoder: Decoder, first: number, length: number, options: SampleOptions): number[] {
  const random = new Random(options.seed);
  const tokens = [first];
  for (let position = 0; tokens.length < length; position++) {
    const next = choose(decoder(tokens[position]!, position), options.temperature, random);
    if (next === options.stop) break;
    tokens.push(next);
  }
  return tokens;
}
