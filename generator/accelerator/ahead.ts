/** Outputs of an instance that stands further down: what a loop through two instances needs. */
import { driveAll, type Given, type ModuleDef, type Of, type Ports, wireOf } from "../hdl/index.js";

/** A module's outputs as signals. */
export type Outputs<D> = D extends ModuleDef<infer _I, infer O> ? Of<O> : never;

export interface Ahead<I extends Ports, O extends Ports, K extends keyof O> {
  /** Wires `<name>_<output>`. */
  readonly out: Pick<Of<O>, K & keyof Of<O>>;
  /** Places the instance `u_<name>` and drives the wires. */
  place(inputs: Given<I>): Of<O>;
}

export const ahead = <I extends Ports, O extends Ports, const K extends keyof O & string>(
  name: string,
  def: ModuleDef<I, O>,
  outputs: readonly K[],
): Ahead<I, O, K> => {
  const wanted = new Set<string>(outputs);
  const wires = wireOf(name, Object.fromEntries(Object.entries(def.io.out).filter(([k]) => wanted.has(k))));
  return {
    out: wires as Ahead<I, O, K>["out"],
    place: (inputs) => {
      const placed = def.inst(`u_${name}`, inputs);
      for (const k of outputs) driveAll(wires[k], placed[k]);
      return placed;
    },
  };
};
