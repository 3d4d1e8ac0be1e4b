/** Calibration text: out of a file, or what a small model writes itself. */
import { fastFloatDecoder } from "../../fast/decoder.js";
import type { FloatModel } from "../../model/float.js";
import { textWindows, type WindowCodec } from "../evaluate.js";
import { sample } from "../sample.js";

/** So many tokens at most, in sequences of at most `length`, as they stand in the text; none where the text is too short. */
export function givenText(
  text: string,
  codec: WindowCodec,
  { tokens, length }: { readonly tokens: number; readonly length: number },
): readonly (readonly number[])[] {
  return textWindows(text, codec, length, tokens).sequences;
}

/** Sequences from `first`: one greedy, the others sampled at temperature 1; the same on every machine. */
export function ownText(
  model: FloatModel,
  first: number,
  { sequences, length }: { readonly sequences: number; readonly length: number },
): number[][] {
  const decoder = fastFloatDecoder(model);
  try {
    return Array.from({ length: sequences }, (_, seed) =>
      sample(decoder, first, Math.min(length, model.shape.context), {
        temperature: seed === 0 ? 0 : 1,
        seed,
      }),
    );
  } finally {
    decoder.close();
  }
}

/** How much of its own text a model is calibrated on: less for large models, whose every token takes long. */
export function ownTextSize(weights: number): { readonly sequences: number; readonly length: number } {
  const positions = Math.min(1024, Math.max(64, Math.round(2e10 / weights)));
  const sequences = Math.ceil(positions / 256);
  return { sequences, length: Math.ceil(positions / sequences) };
}
