/** Memories that several units share: the vector memory and the statistics of vectors. */
import { bool, cat, defineModule, Mem, mux, sint, type Sig, uint } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";

export const tokWidth = (c: AcceleratorConfig): number => Math.max(1, log2(c.tokens));
/** Bits that address an element of the vector memory. */
export const elementBits = (c: AcceleratorConfig): number => log2(c.vectorElements);

/** One element written a cycle, four read: int32 vectors between an epilogue and the quantiser. Data one cycle after `read`. */
export const vectorMemory = (c: AcceleratorConfig) =>
  defineModule(
    "vector_memory",
    {
      in: {
        write: { enable: bool, element: uint(elementBits(c)), value: sint(32) },
        read: { word: uint(elementBits(c) - 2) },
      },
      out: { quad: uint(128) },
      doc: "Vector memory: int32 elements, written one at a time, read four at a time.",
    },
    ({ write, read }) => {
      const words = new Mem("words", uint(128), c.vectorElements / 4, {
        readDuringWrite: "old",
        style: "block",
      });
      const lane = write.element.slice(1, 0);
      const bits = write.value.asUnsigned();
      words.write(
        write.enable,
        write.element.shr(2) as Sig<"u", number>,
        cat(bits, bits, bits, bits) as Sig<"u", 128>,
        {
          mask: cat(lane.eq(3), lane.eq(2), lane.eq(1), lane.eq(0)),
          granule: 32,
        },
      );
      return { quad: words.read(read.word) };
    },
  );

/** Largest magnitude per (slot, token), kept while results stream past; read without delay by the quantiser. */
export const statistics = (c: AcceleratorConfig) =>
  defineModule(
    "statistics",
    {
      in: {
        update: {
          enable: bool,
          slot: uint(log2(c.slots)),
          tok: uint(tokWidth(c)),
          magnitude: uint(32),
          restart: bool,
        },
        read: { slot: uint(log2(c.slots)), tok: uint(tokWidth(c)) },
      },
      out: { maximum: uint(32) },
      doc: "Statistics: running maximum of |v| per slot and token.",
    },
    ({ update, read }) => {
      const at = (slot: Sig<"u", number>, tok: Sig<"u", number>): Sig<"u", number> =>
        c.tokens === 1 ? slot : cat(tok, slot);
      const maxima = new Mem("maxima", uint(32), c.slots * c.tokens, {
        readDuringWrite: "old",
        style: "distributed",
      });
      const address = at(update.slot, update.tok);
      const before = maxima.readAsync(address).as("before");
      const keep = update.restart.not().and(before.gt(update.magnitude)).as("keep");
      maxima.write(update.enable, address, mux(keep, before, update.magnitude));
      return { maximum: maxima.readAsync(at(read.slot, read.tok)) };
    },
  );
