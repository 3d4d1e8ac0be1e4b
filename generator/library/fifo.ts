/**
 * A FIFO of 2^n words in small RAM that is read without a clock: a word is visible the cycle after it went in
 * (first-word fall-through), and both sides move every cycle.
 */
import {
  assertAlways,
  defineModule,
  Mem,
  reg,
  type Shape,
  type Sig,
  source,
  type Stream,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { shapeBits } from "./bits.js";
import { asWords, bySize, depthBits } from "./fifoparts.js";

/** The bare FIFO: module `fifo_<width>x<depth>`. `count` says how many words it holds. */
export const fifo = bySize((width, depth) => {
  const bits = depthBits(depth);
  return defineModule(
    `fifo_${width}x${depth}`,
    {
      in: { push: stream(uint(width)) },
      out: { pop: stream(uint(width)), count: uint(bits + 1) },
      doc: `First-word fall-through FIFO of ${depth} words of ${width} bits.`,
    },
    ({ push }) => {
      const words = new Mem("words", uint(width), depth, {
        style: depth > 2 ? "distributed" : "registers",
        readDuringWrite: "old",
      });
      const head = reg("head", uint(bits), { reset: 0 });
      const tail = reg("tail", uint(bits), { reset: 0 });
      const count = reg("count", uint(bits + 1), { reset: 0 });

      const pushed = push.consume(count.bit(bits).not()).as("pushed");
      words.write(pushed, tail, push.payload);
      when(pushed, () => tail.set(tail.addMod(1)));

      const pop = source(uint(width), words.readAsync(head), count.orR());
      const popped = pop.fire.as("popped");
      when(popped, () => head.set(head.addMod(1)));
      when(pushed.and(popped.not()), () => count.set(count.addMod(1)));
      when(popped.and(pushed.not()), () => count.set(count.subMod(1)));
      assertAlways("fifo_count", count.le(depth), "a FIFO holds at most its depth");
      return { pop, count };
    },
  );
});

/** A stream behind a FIFO, and how many words the FIFO holds. */
export const countedQueue = <S extends Shape>(
  name: string,
  shape: S,
  input: Stream<S>,
  depth: number,
): { out: Stream<S>; count: Sig<"u", number> } => {
  const { out, unit } = asWords(shape, input, (push) => fifo(shapeBits(shape), depth).inst(name, { push }));
  return { out, count: unit.count };
};

/** A stream behind a FIFO of `depth` words. */
export const queue = <S extends Shape>(name: string, shape: S, input: Stream<S>, depth: number): Stream<S> =>
  countedQueue(name, shape, input, depth).out;
