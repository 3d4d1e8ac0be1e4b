/** One interface over the forward passes: logits in real units, one token at a time, positions in order from 0. */
import { FastModel } from "../fast/model.js";
import { type FakeOptions, type FloatModel, FloatState, forwardFloat } from "../model/float.js";
import { forward, IntegerState } from "../model/integer.js";
import { power2, type Sticky } from "../model/scale.js";
import type { QuantisedModel } from "../model/types.js";
import { LOGIT_FRACTION } from "./constants.js";

/** Logits [vocab] that follow `token` at `position`; overwritten by the next call. Position 0 begins a new sequence. */
export type Decoder = (token: number, position: number) => Float64Array;

export function floatDecoder(model: FloatModel, fake: FakeOptions = {}): Decoder {
  const state = new FloatState(model, fake);
  return (token, position) => {
    forwardFloat(state, token, position);
    return state.logits;
  };
}

export function integerDecoder(model: QuantisedModel): Decoder {
  const state = new IntegerState(model);
  const logits = new Float64Array(model.shape.vocab);
  return (token, position) => {
    forward(state, token, position);
    for (let i = 0; i < logits.length; i++) logits[i] = state.logits[i]! * power2(-LOGIT_FRACTION);
    return logits;
  };
}

/** Reads sequences a block of tokens at a time; position 0 begins a new one. */
export interface Reader {
  /** Most tokens of a block. */
  readonly block: number;
  /** Logits [vocab] behind each of the tokens, which stand at the positions from `position` on; overwritten by the next call. */
  read(tokens: readonly number[], position: number): readonly Float64Array[];
  close(): void;
}

const BLOCK = 32;

/** Rows that grow with the largest block. */
class Rows {
  private readonly rows: Float64Array[] = [];
  constructor(private readonly vocab: number) {}

  fill(count: number, from: (t: number) => ArrayLike<number>, scale: number): Float64Array[] {
    while (this.rows.length < count) this.rows.push(new Float64Array(this.vocab));
    const rows = this.rows.slice(0, count);
    for (const [t, row] of rows.entries()) {
      const values = from(t);
      for (let i = 0; i < row.length; i++) row[i] = values[i]! * scale;
    }
    return rows;
  }
}

export function floatReader(model: FloatModel, fake: FakeOptions = {}): Reader {
  const decoder = floatDecoder(model, fake);
  const rows = new Rows(model.shape.vocab);
  return {
    block: BLOCK,
    read: (tokens, position) => rows.fill(tokens.length, (t) => decoder(tokens[t]!, position + t), 1),
    close: () => undefined,
  };
}

export interface IntegerReader extends Reader {
  /** Saturations of all that was read. */
  sticky(): Sticky;
}

/** The integers through golden/fast: the same as golden/model's. */
export function integerReader(model: QuantisedModel): IntegerReader {
  const fast = new FastModel(model, { block: BLOCK });
  const rows = new Rows(model.shape.vocab);
  return {
    block: BLOCK,
    read: (tokens, position) => {
      fast.run(tokens, position);
      return rows.fill(tokens.length, (t) => fast.logits(t), power2(-LOGIT_FRACTION));
    },
    sticky: () => fast.sticky(),
    close: () => fast.close(),
  };
}
