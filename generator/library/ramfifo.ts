/** A FIFO of 2^n words in block RAM: the RAM's own output register holds the word on offer, two cycles behind the push. */
import { defineModule, Mem, reg, type Shape, type Stream, stream, uint, when } from "../hdl/index.js";
import { shapeBits } from "./bits.js";
import { asWords, bySize, depthBits, registeredOffer } from "./fifoparts.js";

/** The bare FIFO: module `ram_fifo_<width>x<depth>`. It holds `depth` words and one on offer. */
export const ramFifo = bySize((width, depth) => {
  const bits = depthBits(depth);
  return defineModule(
    `ram_fifo_${width}x${depth}`,
    {
      in: { push: stream(uint(width)) },
      out: { pop: stream(uint(width)) },
      doc: `FIFO of ${depth} words of ${width} bits in block RAM, and one on offer.`,
    },
    ({ push }) => {
      // A word is read in the cycle after it was written at the earliest.
      const words = new Mem("words", uint(width), depth, { readDuringWrite: "undefined", style: "block" });
      const head = reg("head", uint(bits), { reset: 0 });
      const tail = reg("tail", uint(bits), { reset: 0 });
      const count = reg("count", uint(bits + 1), { reset: 0 });

      const pushed = push.consume(count.bit(bits).not()).as("pushed");
      words.write(pushed, tail, push.payload);
      when(pushed, () => tail.set(tail.addMod(1)));

      const { pop, load } = registeredOffer(
        width,
        count.orR(),
        (enable) => words.read(head, enable),
        () => head.set(head.addMod(1)),
      );
      when(pushed.and(load.not()), () => count.set(count.addMod(1)));
      when(load.and(pushed.not()), () => count.set(count.subMod(1)));
      return { pop };
    },
  );
});

/** A stream behind a FIFO of `depth` words in block RAM. */
export const ramQueue = <S extends Shape>(
  name: string,
  shape: S,
  input: Stream<S>,
  depth: number,
): Stream<S> => asWords(shape, input, (push) => ramFifo(shapeBits(shape), depth).inst(name, { push })).out;
