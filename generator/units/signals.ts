/** Types and small helpers that the units share. */
import { bool, cat, delay, lit, reg, select, type Sig } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";

export type Bool = Sig<"u", 1>;
export type Bits = Sig<"u", number>;
export type Int = Sig<"s", number>;

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Age in cycles to value: `row(3)` is the row of three cycles ago. */
export type Past<T> = (age: number) => T;

/** A signal's past: one chain of registers `<name>_d1`, `<name>_d2`, ..., as long as is asked for. "": the signal's own name. */
export const past = <K extends "u" | "s", W extends number>(
  x: Sig<K, W>,
  name = "",
  options: { readonly reset?: number } = {},
): Past<Sig<K, W>> => {
  const known = new Map([[0, x]]);
  const at: Past<Sig<K, W>> = (age) => {
    const there = known.get(age);
    if (there !== undefined) return there;
    const made = delay(at(age - 1), 1, age === 1 ? name : "", options);
    known.set(age, made);
    return made;
  };
  return at;
};
/** The same for a `valid`: nothing is valid after reset. */
export const pastValid = (valid: Bool, name = ""): Past<Bool> => past(valid, name, { reset: 0 });

/** Address of an entry of a memory that holds the same for every token: the token on top, if there are several. */
export const withToken = (c: AcceleratorConfig, tok: Bits, address: Bits): Bits =>
  c.tokens === 1 ? address : cat(tok, address);
/** The entry of a token, of one for each. */
export const ofToken = <T>(tok: Bits, entries: readonly T[]): T => {
  const [only] = entries;
  return only !== undefined && entries.length === 1 ? only : select(tok, entries);
};
/** The pasts of several signals, named by their keys. */
export const pasts = <R extends Record<string, Sig>>(now: R): Past<R> => {
  const each = Object.entries(now).map(([name, x]) => [name, past(x, name)] as const);
  return (age) => Object.fromEntries(each.map(([name, at]) => [name, at(age)])) as R;
};

/** A bit of state that only some configurations have; it is 0 in the others. */
export const bitIf = (there: boolean, name: string): { readonly is: Bool; set(value: Bool): void } => {
  if (!there)
    return {
      is: lit(bool, 0),
      set: () => {
        /* stays 0 */
      },
    };
  const bit = reg(name, bool);
  return { is: bit, set: (value) => bit.set(value) };
};
