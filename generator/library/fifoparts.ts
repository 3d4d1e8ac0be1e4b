/** What the FIFOs of this library have in common: sizes, records as words, and a word on offer in a RAM's output register. */
import {
  bool,
  fail,
  type Of,
  reg,
  type Shape,
  type Sig,
  source,
  type Stream,
  uint,
  when,
  wire,
} from "../hdl/index.js";
import { fromBits, shapeBits, toBits } from "./bits.js";

type Bool = Sig<"u", 1>;
type Word = Sig<"u", number>;

/** Bits of an address of a FIFO: depths are powers of two. */
export const depthBits = (depth: number, kind = "a FIFO"): number => {
  const bits = Math.round(Math.log2(depth));
  if (depth < 2 || 2 ** bits !== depth)
    fail(`the depth of ${kind} is a power of two, at least 2; this one is ${depth}`);
  return bits;
};

/** One module for each size, described once. */
export const bySize = <M>(describe: (width: number, depth: number) => M) => {
  const described = new Map<string, M>();
  return (width: number, depth: number): M => {
    const key = `${width}x${depth}`;
    const def = described.get(key) ?? describe(width, depth);
    described.set(key, def);
    return def;
  };
};

type Words = Stream<ReturnType<typeof uint<number>>>;

/** A stream of any shape through something that takes and gives words; and that something, for what it says besides. */
export const asWords = <S extends Shape, U extends { readonly pop: Words }>(
  shape: S,
  input: Stream<S>,
  through: (push: Words) => U,
): { readonly out: Stream<S>; readonly unit: U } => {
  const push = source(uint<number>(shapeBits(shape)), toBits(shape, input.payload), input.valid);
  input.consume(push.ready);
  const unit = through(push);
  const out = source(shape, fromBits(shape, unit.pop.payload as Word) as Of<S>, unit.pop.valid);
  unit.pop.consume(out.ready);
  return { out, unit };
};

/**
 * The far side of a RAM whose own output register holds the word on offer: `read` gets the enable of that register, which loads while
 * nothing is on offer or the offer is taken; `step` happens with each load.
 */
export const registeredOffer = (
  width: number,
  nonEmpty: Bool,
  read: (load: Bool) => Word,
  step: () => void,
  domain = "",
): { readonly pop: Words; readonly load: Bool } => {
  const valid = reg("valid", bool, { reset: 0, domain });
  const moves = wire("moves", bool);
  const load = moves.and(nonEmpty).as("load");
  const pop = source(uint<number>(width), read(load), valid);
  moves.drive(valid.not().or(pop.ready));
  when(moves, () => valid.set(load));
  when(load, step);
  return { pop, load };
};
