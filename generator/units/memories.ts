/** Memories that several units share: the vector memory and the statistics of vectors. */
import { bool, cat, defineModule, Mem, mux, replicate, sint, uint } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { type Bits, range, withToken } from "./signals.js";
import { ELEMENT_BITS } from "./widths.js";

export const tokWidth = (c: AcceleratorConfig): number => Math.max(1, log2(c.tokens));
/** Bits that address an element of the vector memory. */
export const elementBits = (c: AcceleratorConfig): number => log2(c.vectorElements);
/** Elements that are read in one cycle. */
export const QUAD = 4;
export const QUAD_BITS = QUAD * ELEMENT_BITS;
/** Address of what is kept per statistics slot and token. */
export const slotAndToken = (c: AcceleratorConfig, { slot, tok }: { slot: Bits; tok: Bits }): Bits =>
  withToken(c, tok, slot);

/** One element on its way into the vector memory. */
export const vectorElement = (c: AcceleratorConfig) => ({
  enable: bool,
  element: uint(elementBits(c)),
  value: sint(ELEMENT_BITS),
});
/** What the statistics learn of it; `restart` begins a maximum anew. */
export const statisticsUpdate = (c: AcceleratorConfig) => ({
  enable: bool,
  slot: uint(log2(c.slots)),
  tok: uint(tokWidth(c)),
  magnitude: uint(ELEMENT_BITS),
  restart: bool,
});

/**
 * int32 vectors between an epilogue and the quantiser, in block RAM: one element written a cycle, four read. `quad` comes one
 * cycle after `read.word` (element address / 4), element 0 lowest; a word read in the cycle of its write is the old one.
 */
export const vectorMemory = (c: AcceleratorConfig) =>
  defineModule(
    "vector_memory",
    {
      in: {
        write: vectorElement(c),
        read: { word: uint(elementBits(c) - log2(QUAD)) },
      },
      out: { quad: uint(QUAD_BITS) },
      doc: "Vector memory: int32 elements, written one at a time, read four at a time.",
    },
    ({ write, read }) => {
      const words = new Mem("words", uint<number>(QUAD_BITS), c.vectorElements / QUAD, {
        readDuringWrite: "old",
        style: "block",
      });
      const lane = write.element.slice(log2(QUAD) - 1, 0);
      const lanes = range(QUAD).map((i) => lane.eq(i));
      words.write(write.enable, write.element.shr(log2(QUAD)), replicate(write.value.asUnsigned(), QUAD), {
        mask: cat(...lanes.reverse()),
        granule: ELEMENT_BITS,
      });
      return { quad: words.read(read.word) };
    },
  );

/**
 * Largest magnitude per (slot, token), kept while results stream past: M of contract section 3. `restart` begins anew.
 * Read without delay; what is updated in this cycle is seen in the next.
 */
export const statistics = (c: AcceleratorConfig) => {
  const slotAndTok = { slot: uint(log2(c.slots)), tok: uint(tokWidth(c)) };
  return defineModule(
    "statistics",
    {
      in: {
        update: statisticsUpdate(c),
        read: slotAndTok,
      },
      out: { maximum: uint(ELEMENT_BITS) },
      doc: "Statistics: running maximum of |v| per slot and token.",
    },
    ({ update, read }) => {
      const maxima = new Mem("maxima", uint(ELEMENT_BITS), c.slots * c.tokens, {
        readDuringWrite: "old",
        style: "distributed",
      });
      const address = slotAndToken(c, update);
      const before = maxima.readAsync(address).as("before");
      const keep = update.restart.not().and(before.gt(update.magnitude)).as("keep");
      maxima.write(update.enable, address, mux(keep, before, update.magnitude));
      return { maximum: maxima.readAsync(slotAndToken(c, read)) };
    },
  );
};
