/** A pipeline that never waits; `Stream.pipe` is the one that does. `valid` travels along, so it cannot drift from its value. */
import type { Sig } from "./signal.js";
import type { Shape } from "../types.js";
import { type Cut, type Stages, staged, validBehind } from "./staged.js";
import type { Of } from "./state.js";
import type { Stream } from "./stream.js";

type Bool = Sig<"u", 1>;

/** Values and `valid` come out together, `latency` cycles later. */
export const pipeline = <P, R>(
  valid: Bool,
  payload: P,
  body: (payload: P, cut: Cut, stages: Stages) => R,
  name = "pipe",
): { valid: Bool; payload: R; latency: number } => {
  const { result, latency } = staged(payload, null, body);
  return { valid: validBehind(valid, latency, null, name), payload: result, latency };
};

/** As a function; gone when its last callers use the method. */
export const pipe = <S extends Shape, T extends Shape>(
  input: Stream<S>,
  shape: T,
  body: (payload: Of<S>, cut: Cut, stages: Stages) => Of<T>,
  name = "pipe",
): Stream<T> => input.pipe(shape, body, name);
