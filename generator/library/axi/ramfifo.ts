/** A FIFO in block RAM: the RAM's own output register holds the word on offer, two cycles behind the push. */
import {
  bool,
  defineModule,
  fail,
  Mem,
  type Of,
  reg,
  type Shape,
  type Sig,
  source,
  type Stream,
  stream,
  uint,
  when,
  wire,
} from "../../hdl/index.js";
import { fromBits, shapeBits, toBits } from "../bits.js";

const describe = (width: number, depth: number) => {
  const bits = Math.round(Math.log2(depth));
  if (depth < 2 || 2 ** bits !== depth)
    fail(`the depth of a FIFO is a power of two, at least 2; this one is ${depth}`);
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

      const valid = reg("valid", bool, { reset: 0 });
      const moves = wire("moves", bool);
      const load = moves.and(count.orR()).as("load");
      const pop = source(uint(width), words.read(head, load), valid);
      moves.drive(valid.not().or(pop.ready));
      when(moves, () => valid.set(load));
      when(load, () => head.set(head.addMod(1)));
      when(pushed.and(load.not()), () => count.set(count.addMod(1)));
      when(load.and(pushed.not()), () => count.set(count.subMod(1)));
      return { pop };
    },
  );
};

const described = new Map<string, ReturnType<typeof describe>>();

/** The bare FIFO: module `ram_fifo_<width>x<depth>`, described once. */
export const ramFifo = (width: number, depth: number): ReturnType<typeof describe> => {
  const key = `${width}x${depth}`;
  const def = described.get(key) ?? describe(width, depth);
  described.set(key, def);
  return def;
};

/** A stream behind a FIFO of `depth` words in block RAM. */
export const ramQueue = <S extends Shape>(
  name: string,
  shape: S,
  input: Stream<S>,
  depth: number,
): Stream<S> => {
  const width = shapeBits(shape);
  const push = source(uint(width), toBits(shape, input.payload), input.valid);
  input.consume(push.ready);
  const { pop } = ramFifo(width, depth).inst(name, { push });
  const out = source(shape, fromBits(shape, pop.payload as Sig<"u", number>) as Of<S>, pop.valid);
  pop.consume(out.ready);
  return out;
};
