/** The batch at hand: the tokens that one pass over the weights serves. */
import { lit, mux, type Of, reg, type Sig, uint } from "../hdl/index.js";
import { toksBits } from "../engines/port.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import type { Bits } from "../units/signals.js";
import { TOKEN_BITS } from "../units/widths.js";
import type { hostRegisters } from "./ports.js";

export type Host = Of<ReturnType<typeof hostRegisters>>;

/** Tokens of a batch that begins at a position: several only inside the prompt and before the ring comes round. */
const toksAt = (c: AcceleratorConfig, host: Host, slots: Bits, position: Bits): Bits => {
  const bits = toksBits(c);
  if (c.tokens === 1) return lit(uint(bits), 1);
  const left = host.promptLength.sub(position).as("prompt_left");
  const wanted = mux(left.gt(c.tokens), c.tokens, left.asUnsigned().resize(bits)).resize(bits);
  const fits = left.gt(0).and(position.add(wanted.extend(TOKEN_BITS)).le(slots));
  return mux(fits, wanted, 1).resize(bits);
};

export interface Batch {
  /** Of its first token. */
  readonly position: Sig<"u", typeof TOKEN_BITS>;
  readonly toks: Bits;
  /** Slot of its first token: sinks stay, the window goes round. Contract section 5. */
  readonly ringSlot: Bits;
  /** Allocated slots. */
  readonly slots: Bits;
  /** Position behind it. */
  readonly after: Bits;
  /** To position 0, and to the next batch. */
  start(): void;
  next(): void;
}

export const batchOf = (c: AcceleratorConfig, host: Host): Batch => {
  const slots = host.sinks.addMod(host.window).as("slots");
  const position = reg("position", uint(TOKEN_BITS));
  const toks = reg("toks", uint(toksBits(c)));
  const ringSlot = reg("ring_slot", uint(log2(c.context)));
  const after = position.addMod(toks.extend(TOKEN_BITS)).as("position_after");
  return {
    position,
    toks,
    ringSlot,
    slots,
    after,
    start: () => {
      position.set(0);
      ringSlot.set(0);
      toks.set(toksAt(c, host, slots, lit(uint(TOKEN_BITS), 0)));
    },
    next: () => {
      const width = ringSlot.width + 1;
      const nextSlot = ringSlot.extend(width).addMod(toks.extend(width));
      position.set(after.wrap(TOKEN_BITS));
      ringSlot.set(mux(nextSlot.eq(slots), host.sinks, nextSlot).resize(ringSlot.width));
      toks.set(toksAt(c, host, slots, after));
    },
  };
};
