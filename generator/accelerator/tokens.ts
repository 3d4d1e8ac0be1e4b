/** Token memory: the prompt, then what the sampler chooses. */
import { bool, defineModule, Mem, mux, reg, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import type { Bits } from "../units/signals.js";
import { TOKEN_BITS } from "../units/widths.js";
import { tokenWrite } from "./ports.js";

/**
 * One token id per position, `context` of them. The host writes the prompt before `start`; each choice goes behind
 * the last known token and counts from the next cycle. Both read ports answer in the same cycle. Contract section 8.
 */
export const tokenMemory = (c: AcceleratorConfig) => {
  const token = uint(rowBits(c));
  const position = uint(TOKEN_BITS);
  return defineModule(
    "token_memory",
    {
      in: {
        start: bool,
        promptLength: position,
        write: tokenWrite(c),
        choice: { valid: bool, token },
        fetchAddr: position,
        streamAddr: position,
      },
      out: { known: position, fetchData: token, streamData: token },
      doc: "Token memory: written by the host, continued by the sampler, read by EMB.",
    },
    ({ start, promptLength, write, choice, fetchAddr, streamAddr }) => {
      const tokens = new Mem("tokens", token, c.context, { readDuringWrite: "old", style: "distributed" });
      const known = reg("tokens_known", position, { reset: 0 });
      const address = (position: Bits): Bits => position.resize(log2(c.context));
      tokens.write(
        write.enable.or(choice.valid),
        mux(choice.valid, address(known), write.addr),
        mux(choice.valid, choice.token, write.data),
      );
      when(choice.valid, () => known.set(known.addMod(1)));
      when(start, () => known.set(promptLength));
      return {
        known,
        fetchData: tokens.readAsync(address(fetchAddr)),
        streamData: tokens.readAsync(address(streamAddr)),
      };
    },
  );
};
