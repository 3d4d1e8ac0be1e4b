/** One stream to several consumers that each take every word. */
import { allOf, type Shape, type Sig, source, type Stream } from "../hdl/index.js";

/** Lockstep fork: a word passes when all branches are ready, so each branch should begin with a FIFO. */
export const fork = <S extends Shape>(shape: S, input: Stream<S>, branches: number): Stream<S>[] => {
  const outs: Stream<S>[] = [];
  const readies: Sig<"u", 1>[] = [];
  // A branch's valid needs the others' ready; `ready` of a branch exists as soon as its stream does.
  const valids = Array.from({ length: branches }, () => input.valid);
  for (let i = 0; i < branches; i++) outs.push(source(shape, input.payload, valids[i]!));
  for (const o of outs) readies.push(o.ready);
  const all = allOf(readies);
  input.consume(all);
  return outs.map((o, i) => {
    const others = readies.filter((_, j) => j !== i);
    const passed = source(
      shape,
      input.payload,
      others.length === 0 ? input.valid : (input.valid.and(allOf(others)) as Sig<"u", 1>),
    );
    o.consume(passed.ready);
    return passed;
  });
};
