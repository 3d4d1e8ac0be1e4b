/** One stream to several consumers that each take every word. */
import { allOf, bool, type Shape, source, type Stream, wire } from "../hdl/index.js";

/**
 * Lockstep: a word passes in the cycle in which all branches are ready, so each should begin with a FIFO. A branch's `ready`
 * must not depend on its `valid`. The branches are named after who takes them.
 */
export const fanout = <S extends Shape, const N extends string>(
  input: Stream<S>,
  names: readonly N[],
): { readonly [K in N]: Stream<S> } => {
  const willing = names.map((name) => wire(`${name}_willing`, bool));
  const branches = names.map((name, i) => {
    const others = willing.filter((_, j) => j !== i);
    const valid = others.length === 0 ? input.valid : input.valid.and(allOf(others));
    const branch = source(input.shape, input.payload, valid, name);
    willing[i]?.drive(branch.ready);
    return [name, branch] as const;
  });
  input.consume(allOf(willing));
  return Object.fromEntries(branches) as { [K in N]: Stream<S> };
};
