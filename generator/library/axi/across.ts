/** Streams and levels between two clocks, or between two places of the same clock: the caller need not know which. */
import { crossing, type Shape, type Sig, type Stream } from "../../hdl/index.js";
import { asyncQueue } from "../asyncfifo.js";
import { queue } from "../fifo.js";

export interface Way {
  readonly from: string;
  readonly to: string;
}

/** A stream of domain `from` as one of domain `to`, `depth` words between them. */
export const across = <S extends Shape>(
  name: string,
  shape: S,
  input: Stream<S>,
  depth: number,
  way: Way,
): Stream<S> =>
  way.from === way.to ? queue(name, shape, input, depth) : asyncQueue(name, shape, input, depth, way);

/** One bit that may change at any time. */
export const levelAcross = (x: Sig<"u", 1>, { from, to }: Way): Sig<"u", 1> =>
  from === to ? x : crossing(x, to, { reset: 0 });
/** A Gray code: at most one bit changes at a time. */
export const grayAcross = <W extends number>(x: Sig<"u", W>, { from, to }: Way): Sig<"u", W> =>
  from === to ? x : crossing(x, to, { kind: "gray", reset: 0 });
/** A value that is held while anybody looks at it. */
export const staticAcross = <W extends number>(x: Sig<"u", W>, { from, to }: Way): Sig<"u", W> =>
  from === to ? x : crossing(x, to, { kind: "static" });
