/** One interface over the forward passes: logits in real units, one token at a time, positions in order from 0. */
import { type FakeOptions, type FloatModel, FloatState, forwardFloat } from "../model/float.js";
import { forward, IntegerState } from "../model/integer.js";
import { power2 } from "../model/scale.js";
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
