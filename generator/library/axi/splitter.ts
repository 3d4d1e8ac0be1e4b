/**
 * Cuts a transfer into bursts. A burst ends at the next multiple of the burst limit, so none crosses 4 KB (the limit in bytes
 * is a power of two up to 4 KB) and long transfers run in aligned bursts of full length.
 */
import { bool, defineModule, lit, mux, reg, source, stream, uint, when } from "../../hdl/index.js";
import { ADDRESS_BITS, bytesOf, transfer, WORDS_BITS } from "./ports.js";

/** `len` is words - 1, as AxLEN; `last` marks the last burst of its transfer. */
export const burst = { addr: uint(ADDRESS_BITS), len: uint(8), last: bool };

/**
 * Module `axi_splitter_<bits>x<limit>`: a burst a cycle. While `stop` is high transfers are taken and dropped, the one at hand
 * too; a burst that is on offer stays.
 */
export const splitter = (dataBits: number, limit: number) => {
  const shift = Math.round(Math.log2(bytesOf(dataBits)));
  const limitBits = Math.round(Math.log2(limit));
  return defineModule(
    `axi_splitter_${dataBits}x${limit}`,
    {
      in: { transfer: stream(transfer), stop: bool },
      out: { burst: stream(burst), idle: bool },
      doc: `Transfers to bursts of at most ${limit} words of ${dataBits} bits.`,
    },
    ({ transfer: input, stop }) => {
      const active = reg("active", bool, { reset: 0 });
      const addr = reg("addr", uint(ADDRESS_BITS));
      const left = reg("left", uint(WORDS_BITS));

      // Words to the next multiple of the limit: 1..limit.
      const inside = limitBits === 0 ? lit(uint(1), 0) : addr.slice(shift + limitBits - 1, shift);
      const room = lit(uint(limitBits + 1), limit)
        .sub(inside)
        .asUnsigned()
        .resize(limitBits + 1)
        .as("room");
      const ends = left.le(room).as("ends");
      const words = mux(ends, left.resize(limitBits + 1), room).as("words");

      const offered = reg("offered", bool, { reset: 0 });
      const out = regBurst();
      const burstOut = source(burst, { addr: out.addr, len: out.len, last: out.last }, offered, "burst");
      const move = offered.not().or(burstOut.ready).as("move");
      const cut = active.and(move).and(stop.not()).as("cut");
      when(move, () => offered.set(cut));
      when(cut, () => {
        out.addr.set(addr);
        out.len.set(words.subMod(1).resize(8));
        out.last.set(ends);
        // The next burst begins at a multiple of the limit.
        addr.set(addr.addMod(words.resize(ADDRESS_BITS).shl(shift).wrap(ADDRESS_BITS)));
        left.set(left.subMod(words.resize(WORDS_BITS)));
        when(ends, () => active.set(0));
      });
      when(stop, () => active.set(0));

      const take = input.consume(active.not().or(cut.and(ends)).or(stop)).as("take");
      when(take.and(stop.not()), () => {
        active.set(input.payload.words.ne(0));
        addr.set(input.payload.addr);
        left.set(input.payload.words);
      });
      return { burst: burstOut, idle: active.not().and(offered.not()) };
    },
  );
};

const regBurst = () => ({
  addr: reg("burst_addr", burst.addr),
  len: reg("burst_len", burst.len),
  last: reg("burst_last", burst.last),
});
