/** How well a decoder predicts a text, and how far it is from another decoder. */
import { exponentials } from "../fast/exponential.js";
import { exp, ln } from "../model/elementary.js";
import type { Decoder } from "./decoder.js";

/** Token sequences that begin with BOS, and how many characters each stands for. */
export interface EvaluationText {
  readonly sequences: readonly (readonly number[])[];
  readonly characters: number;
}

/** What encodes stories: see golden/import/tokenizer.ts. */
export interface TextCodec {
  encode(text: string): number[];
  decode(tokens: readonly number[]): string;
}

/** What cuts a text into windows: see golden/import/tokenizer.ts. */
export interface WindowCodec {
  readonly bos: number | null;
  encode(text: string, bos: boolean): number[];
  /** The bytes of one token as they follow `previous`. */
  piece(previous: number, token: number): Uint8Array;
}

export interface Evaluation {
  /** Bits over all predicted tokens by the characters they stand for. */
  readonly bitsPerCharacter: number;
  /** Per token. */
  readonly perplexity: number;
  /** Predicted tokens. */
  readonly tokens: number;
  readonly characters: number;
}

/** Stories of a text file: a line `<|endoftext|>` stands between two, as in the files of TinyStories. */
export function splitStories(text: string): string[] {
  return text
    .split(/^<\|endoftext\|>$/m)
    .map((story) => story.replace(/^\n+|\n+$/g, ""))
    .filter((story) => story !== "");
}

/** Every story from BOS, cut at the context; the characters are those of the tokens that are left. */
export function evaluationText(
  stories: readonly string[],
  codec: TextCodec,
  context: number,
): EvaluationText {
  const sequences = stories.map((story) => codec.encode(story).slice(0, context));
  const characters = sequences.reduce((sum, tokens) => sum + [...codec.decode(tokens)].length, 0);
  return { sequences, characters };
}

/** Bytes that begin a character of UTF-8. */
const beginsCharacter = (byte: number): boolean => (byte & 0xc0) !== 0x80;

/** So many characters of a text hold any number of tokens asked for, but in texts of runs that no one writes. */
const CHARACTERS_PER_TOKEN = 64;

/** Tokens of a document, without BOS; at least the first `most` of them. Encoding much more than is asked for takes long. */
function encodeStart(codec: WindowCodec, document: string, most: number): number[] {
  const length = CHARACTERS_PER_TOKEN * most;
  if (document.length <= length) return codec.encode(document, false);
  const tokens = codec.encode([...document.slice(0, length)].slice(0, -1).join(""), false);
  return tokens.length > most ? tokens : codec.encode(document, false);
}

/**
 * Any plain text in windows as long as the context, at most `most` predicted tokens. A window begins with BOS, or, where the
 * tokenizer has none, with the token before it: so every token is predicted once (without BOS, all but a document's first),
 * from what stands before it in its window. A line `<|endoftext|>` parts documents; each begins a window. The characters
 * are those that begin in predicted tokens.
 */
export function textWindows(text: string, codec: WindowCodec, context: number, most: number): EvaluationText {
  const sequences: number[][] = [];
  let characters = 0;
  let left = most;
  for (const document of splitStories(text)) {
    if (left === 0) break;
    const tokens = encodeStart(codec, document, left);
    const { bos } = codec;
    const first = bos === null ? 1 : 0;
    for (let from = first; from < tokens.length && left > 0; from += context - 1) {
      const to = Math.min(from + context - 1, from + left, tokens.length);
      sequences.push([bos ?? tokens[from - 1]!, ...tokens.slice(from, to)]);
      for (let i = from; i < to; i++)
        characters += codec.piece(tokens[i - 1] ?? bos ?? -1, tokens[i]!).filter(beginsCharacter).length;
      left -= to - from;
    }
  }
  return { sequences, characters };
}

/** Natural logarithm of the sum of exponentials, and so of softmax's denominator. */
export function logSumExp(logits: Float64Array): number {
  let maximum = -Infinity;
  for (let i = 0; i < logits.length; i++) maximum = Math.max(maximum, logits[i]!);
  return maximum + ln(exponentials(logits, maximum));
}

export function evaluate(decoder: Decoder, text: EvaluationText): Evaluation {
  let nats = 0;
  let tokens = 0;
  for (const sequence of text.sequences) {
    for (let position = 0; position + 1 < sequence.length; position++) {
      const logits = decoder(sequence[position]!, position);
      nats += logSumExp(logits) - logits[sequence[position + 1]!]!;
      tokens++;
    }
  }
  return {
    bitsPerCharacter: nats / Math.LN2 / text.characters,
    perplexity: exp(nats / tokens),
    tokens,
    characters: text.characters,
  };
}

export interface Distance {
  /** Mean Kullback-Leibler divergence of the candidate from the reference, nats per token. */
  readonly divergence: number;
  /** Share of positions at which both choose the same token. */
  readonly agreement: number;
}

/** Compares next-token distributions on the same text; much steadier than perplexity on little text. */
export function distance(reference: Decoder, candidate: Decoder, text: EvaluationText): Distance {
  let divergence = 0;
  let agreed = 0;
  let tokens = 0;
  for (const sequence of text.sequences) {
    for (let position = 0; position + 1 < sequence.length; position++) {
      const a = reference(sequence[position]!, position);
      const b = candidate(sequence[position]!, position);
      const sumA = logSumExp(a);
      const sumB = logSumExp(b);
      let bestA = 0;
      let bestB = 0;
      for (let i = 0; i < a.length; i++) {
        const logA = a[i]! - sumA;
        divergence += exp(logA) * (logA - (b[i]! - sumB));
        if (a[i]! > a[bestA]!) bestA = i;
        if (b[i]! > b[bestB]!) bestB = i;
      }
      if (bestA === bestB) agreed++;
      tokens++;
    }
  }
  return { divergence: divergence / tokens, agreement: agreed / tokens };
}

/** Share of the n-grams of a token sequence that have occurred in it before: 0 never repeats, near 1 is a loop. */
export function repetition(tokens: readonly number[], n = 4): number {
  const seen = new Set<string>();
  let repeated = 0;
  const count = tokens.length - n + 1;
  for (let i = 0; i < count; i++) {
    const gram = tokens.slice(i, i + n).join();
    if (seen.has(gram)) repeated++;
    seen.add(gram);
  }
  return count > 0 ? repeated / count : 0;
}
