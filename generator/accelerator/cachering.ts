/** Geometry of the KV cache: sinks that stay, and a window that goes round behind them. */
import { defineModule, uint } from "../hdl/index.js";
import { GROUP } from "../engines/port.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { blocksBits } from "../units/fetch.js";
import { hostRegisters } from "./ports.js";

/** Allocated slots S + W (contract section 5), and the blocks of 32 that hold them; same cycle. */
export const cacheRing = (c: AcceleratorConfig) => {
  const { sinks, window } = hostRegisters(c);
  return defineModule(
    "cache_ring",
    {
      in: { sinks, window },
      out: { slots: sinks, blocks: uint(blocksBits(c)) },
      doc: "Geometry of the KV cache: allocated slots, and blocks of 32 of them.",
    },
    ({ sinks, window }) => {
      const slots = sinks.addMod(window);
      return {
        slots,
        blocks: slots
          .add(GROUP - 1)
          .shr(log2(GROUP))
          .resize(blocksBits(c)),
      };
    },
  );
};
