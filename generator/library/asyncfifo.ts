/**
 * A FIFO of 2^n words between two clocks: each side counts in Gray code, so that the other side, which sees the count
 * through a synchroniser, sees the old one or the new one and nothing else (Cummings, SNUG 2002).
 */
import {
  crossing,
  defineModule,
  Mem,
  reg,
  type Shape,
  type Sig,
  type Stream,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { shapeBits } from "./bits.js";
import { asWords, bySize, depthBits, registeredOffer } from "./fifoparts.js";

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

/** The bare FIFO: module `async_fifo_<width>x<depth>` with the clocks `push` and `pop`. */
export const asyncFifo = bySize((width, depth) => {
  const bits = depthBits(depth, "an asynchronous FIFO");
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
      const { pop } = registeredOffer(
        width,
        empty.not(),
        (load) => words.read(head.count.wrap(bits), load, { domain: "pop" }),
        () => head.step(),
        "pop",
      );
      return { pop };
    },
  );
});

/** A stream of domain `from` as one of domain `to`; "" is the default domain. `depth` words lie between. */
export const asyncQueue = <S extends Shape>(
  name: string,
  shape: S,
  input: Stream<S>,
  depth: number,
  { from, to }: { readonly from: string; readonly to: string },
): Stream<S> => {
  const clocks = { push: from, pop: to };
  return asWords(shape, input, (push) => asyncFifo(shapeBits(shape), depth).inst(name, { push }, { clocks }))
    .out;
};
