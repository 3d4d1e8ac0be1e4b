/**
 * The fast models as decoders of golden/quantise. Token by token is all that a conversation can do; where the sequences are
 * known beforehand, as in evaluation, a decoder runs ahead of the questions, a block of tokens at a time.
 */
import type { FakeOptions, FloatModel } from "../model/float.js";
import type { QuantisedModel } from "../model/types.js";
import type { Decoder } from "../quantise/decoder.js";
import type { BlockModel } from "./block.js";
import { FastFloatModel } from "./float.js";
import { FastModel } from "./model.js";
import type { FastOptions } from "./options.js";

export interface FastDecoderOptions extends FastOptions {
  /**
   * What will be asked, in this order, and again from the start: of each sequence all tokens but the last, as
   * golden/quantise/evaluate.ts does. None unless told.
   */
  readonly sequences?: readonly (readonly number[])[];
}

/** Its threads end with the process, or with `close`. */
export type FastDecoder = Decoder & { readonly close: () => void };

/** The integer model: exactly the logits of golden/model/integer.ts. */
export function fastDecoder(model: QuantisedModel, options: FastDecoderOptions = {}): FastDecoder {
  return decoderOf(new FastModel(model, options), options.sequences);
}

/** The float model, near that of golden/model/float.ts (README.md says how near). */
export function fastFloatDecoder(
  model: FloatModel,
  fake: FakeOptions = {},
  options: FastDecoderOptions = {},
): FastDecoder {
  return decoderOf(new FastFloatModel(model, fake, options), options.sequences);
}

function decoderOf(model: BlockModel, sequences: readonly (readonly number[])[] = []): FastDecoder {
  const asked = sequences.filter(({ length }) => length > 1).map((tokens) => tokens.slice(0, -1));
  const logits = new Float64Array(model.shape.vocab);
  let next = 0;
  let sequence: readonly number[] = [];
  /** The last run. */
  let tokens: readonly number[] = [];
  let from = 0;
  const decode: Decoder = (token, position) => {
    if (position === 0 && asked.length > 0) {
      sequence = asked[next]!;
      next = (next + 1) % asked.length;
      tokens = [];
    }
    const isKnown = sequence.length > 0;
    if (isKnown && sequence[position] !== token)
      throw new RangeError(`token ${token} at position ${position} is not what the sequences say`);
    if (!isKnown || position < from || position >= from + tokens.length) {
      tokens = isKnown ? sequence.slice(position, position + model.block) : [token];
      from = position;
      model.run(tokens, position);
    }
    model.readLogits(position - from, logits);
    return logits;
  };
  return Object.assign(decode, { close: () => model.close() });
}
