/** One interface over the forward passes: logits in real units, one token at a time, positions in order from 0. */
import type { BlockModel } from "../fast/block.js";
import { FastFloatModel } from "../fast/float.js";
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

function reader(model: BlockModel): Reader {
  const rows: Float64Array[] = [];
  return {
    block: model.block,
    read: (tokens, position) => {
      model.run(tokens, position);
      while (rows.length < tokens.length) rows.push(new Float64Array(model.shape.vocab));
      const used = rows.slice(0, tokens.length);
      for (const [t, row] of used.entries()) model.readLogits(t, row);
      return used;
    },
    close: () => model.close(),
  };
}

/** Through golden/fast: float32 where golden/model has double. */
export function floatReader(model: FloatModel, fake: FakeOptions = {}): Reader {
  return reader(new FastFloatModel(model, fake));
}

export interface IntegerReader extends Reader {
  /** Saturations of all that was read. */
  sticky(): Sticky;
}

/** Through golden/fast: the integers of golden/model. */
export function integerReader(model: QuantisedModel): IntegerReader {
  const fast = new FastModel(model);
  return { ...reader(fast), sticky: () => fast.sticky() };
}
