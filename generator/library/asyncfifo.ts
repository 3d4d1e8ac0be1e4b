/**
 * A FIFO of 2^n words between two clocks: each side counts in Gray code, so that the other side, which sees the count
 * through a synchroniser, sees the old one or the new one and nothing else (Cummings, SNUG 2002).
 */
import {
  bool,
  crossing,
  defineModule,
  fail,
  Mem,
  reg,
  type Shape,
  type Sig,
  source,
  type Stream,
  stream,
  uint,
  when,
  wire,
} from "../hdl/index.js";
import { fromBits, shapeBits, toBits } from "./bits.js";

const gray = (x: Sig<"u", number>): Sig<"u", number> => x.xor(x.shr(1).extend(x.width));

/** A count of what went through one side: how far it is, and the same in Gray code, which may cross. */
const pointer = (name: string, bits: number, domain: string) => {
  const count = reg(name, uint(bits), { reset: 0, domain });
  const code = reg(`${name}_gray`, uint(bits), { reset: 0, domain });
  const next = count.addMod(1).as(`${name}_next`);
  return {
    count,
    code,
    step(): void {
      count.set(next);
      code.set(gray(next));
    },
  };
};

const describe = (width: number, depth: number) => {
  const bits = Math.round(Math.log2(depth));
  if (depth < 2 || 2 ** bits !== depth)
    fail(`the depth of an asynchronous FIFO is a power of two, at least 2; this one is ${depth}`);
  return defineModule(
    `async_fifo_${width}x${depth}`,
    {
      in: { push: stream(uint(width)) },
      out: { pop: stream(uint(width)) },
      clocks: ["push", "pop"],
      doc: `FIFO of ${depth} words of ${width} bits between the clocks push_clk and pop_clk. Both resets must overlap.`,
    },
    ({ push }) => {
      const words = new Mem("words", uint(width), depth, {
        domain: "push",
        readDuringWrite: "undefined", // a word is read only when its writing is long over
      });
      // One bit more than an address: equal counts mean empty, counts that differ by the depth mean full.
      const tail = pointer("tail", bits + 1, "push");
      const head = pointer("head", bits + 1, "pop");
      const tailSeen = crossing(tail.code, "pop", { kind: "gray", reset: 0 });
      const headSeen = crossing(head.code, "push", { kind: "gray", reset: 0 });

      // The Gray codes of counts that differ by the depth differ in their upper two bits.
      const full = tail.code.eq(headSeen.xor(3 << (bits - 1))).as("full");
      const pushed = push.consume(full.not()).as("pushed");
      words.write(pushed, tail.count.wrap(bits), push.payload);
      when(pushed, () => tail.step());

      // The register of the memory's read port holds the word on offer.
      const empty = head.code.eq(tailSeen).as("empty");
      const valid = reg("valid", bool, { reset: 0, domain: "pop" });
      const moves = wire("moves", bool);
      const load = moves.and(empty.not()).as("load");
      const word = words.read(head.count.wrap(bits), load, { domain: "pop" });
      const pop = source(uint(width), word, valid);
      moves.drive(valid.not().or(pop.ready));
      when(moves, () => valid.set(load));
      when(load, () => head.step());
      return { pop };
    },
  );
};

const described = new Map<string, ReturnType<typeof describe>>();

/** The bare FIFO: module `async_fifo_<width>x<depth>` with the clocks `push` and `pop`, described once. */
export const asyncFifo = (width: number, depth: number): ReturnType<typeof describe> => {
  const key = `${width}x${depth}`;
  const def = described.get(key) ?? describe(width, depth);
  described.set(key, def);
  return def;
};

/** A stream of domain `from` as one of domain `to`; "" is the default domain. `depth` words lie between. */
export const asyncQueue = <S extends Shape>(
  name: string,
  shape: S,
  input: Stream<S>,
  depth: number,
  { from, to }: { readonly from: string; readonly to: string },
): Stream<S> => {
  const width = shapeBits(shape);
  const push = source(uint(width), toBits(shape, input.payload), input.valid);
  input.consume(push.ready);
  const { pop } = asyncFifo(width, depth).inst(name, { push }, { clocks: { push: from, pop: to } });
  const out = source(shape, fromBits(shape, pop.payload), pop.valid);
  pop.consume(out.ready);
  return out;
};
