/** A pipeline that never waits; `Stream.pipe` is the one that does. `valid` travels along, so it cannot drift from its value. */
import type { Sig } from "./signal.js";
import { type Cut, type Stages, staged, validBehind } from "./staged.js";

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
