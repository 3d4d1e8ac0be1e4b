/** What the integer and the float model have in common: blocks of tokens of one sequence go in, logits come out. */
import type { ModelShape } from "../model/types.js";

export interface BlockModel {
  readonly shape: ModelShape;
  /** Most tokens of one run. */
  readonly block: number;
  /**
   * Runs tokens (at most `block`) at the positions from `position` on; positions of a sequence come in order from 0. Logits
   * are computed for tokens[headFrom] and what follows it.
   */
  run(tokens: ArrayLike<number>, position: number, headFrom?: number): void;
  /** Writes the logits of token t of the last run, in real units, to `out` [vocab]. */
  readLogits(t: number, out: Float64Array): void;
  /** Ends the threads; the model cannot run again. */
  close(): void;
}

/** Throws a RangeError for what no run can do. */
export function checkBlock(model: BlockModel, tokens: ArrayLike<number>, position: number): void {
  const { vocab, context } = model.shape;
  const last = position + tokens.length - 1;
  if (tokens.length < 1 || tokens.length > model.block)
    throw new RangeError(`${tokens.length} tokens: a block has 1 to ${model.block}`);
  if (!(Number.isInteger(position) && position >= 0 && last < context))
    throw new RangeError(`positions ${position}..${last} are outside the context 0..${context - 1}`);
  for (let t = 0; t < tokens.length; t++)
    if (!(Number.isInteger(tokens[t]) && tokens[t]! >= 0 && tokens[t]! < vocab))
      throw new RangeError(`token ${tokens[t]} is outside the vocabulary 0..${vocab - 1}`);
}

/** Runs a whole prompt from `position` on; only the logits of its last token are computed. Returns its place in the last run. */
export function prefill(model: BlockModel, tokens: readonly number[], position: number): number {
  let place = -1;
  for (let from = 0; from < tokens.length; from += model.block) {
    const block = tokens.slice(from, from + model.block);
    place = block.length - 1;
    model.run(block, position + from, from + block.length === tokens.length ? place : block.length);
  }
  return place;
}

export interface PositionLogits {
  /** Index of the sequence. */
  readonly sequence: number;
  readonly position: number;
  /** In real units, [vocab]; overwritten by the next. */
  readonly logits: Float64Array;
}

/** The logits behind every token of every sequence, block by block. */
export function* logitsOf(
  model: BlockModel,
  sequences: readonly (readonly number[])[],
): Generator<PositionLogits, void, void> {
  const logits = new Float64Array(model.shape.vocab);
  for (const [sequence, tokens] of sequences.entries()) {
    for (let from = 0; from < tokens.length; from += model.block) {
      const block = tokens.slice(from, from + model.block);
      model.run(block, from);
      for (let t = 0; t < block.length; t++) {
        model.readLogits(t, logits);
        yield { sequence, position: from + t, logits };
      }
    }
  }
}
