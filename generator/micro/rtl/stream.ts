/** The machine's side of the stream memory: where it reads, what it takes of a word, where it writes. README.md of the room, `tk`, `sw`. */
import { bool, cat, defineModule, lit, mux, reg, replicate, uint, when } from "../../hdl/index.js";
import { SPRAM_WORDS } from "../machine.js";
import { field, has, range } from "./fields.js";

export const WORD_ADDRESS_BITS = Math.log2(SPRAM_WORDS);
const NIBBLES = 16;

/** What the stream memory is told; `data` of a read comes a cycle later and stays. */
export const memoryRequest = {
  address: uint<number>(WORD_ADDRESS_BITS),
  read: bool,
  write: bool,
  mask: uint(NIBBLES),
  data: uint(64),
};

export const stream = defineModule(
  "stream",
  {
    in: {
      tk: field("tk"),
      sw: field("sw"),
      misc: field("misc"),
      running: bool,
      value: uint<number>(WORD_ADDRESS_BITS),
      r: uint(32),
      sd: uint(64),
    },
    out: { memory: memoryRequest, octet: uint(8), half: uint(16), quad: uint(32) },
    doc: "Stream: the current word's bytes in order, and nibbles or halves written at WP.",
  },
  ({ tk, sw, misc, running, value, r, sd }) => {
    const sa = reg("sa", uint<number>(WORD_ADDRESS_BITS));
    const bi = reg("bi", uint(3));
    const wp = reg("wp", uint<number>(WORD_ADDRESS_BITS + 4));

    const seek = has("misc", misc, "seek=imm", "seek=r").as("seek");
    const taken = bi.add(cat(has("tk", tk, "4"), has("tk", tk, "2"), has("tk", tk, "1")));
    const read = seek.or(taken.bit(3)).as("read");
    const writes = has("sw", sw, "none").not();
    const reads = mux(seek, value, sa);
    when(read, () => sa.set(reads.addMod(1)));
    bi.set(taken.slice(2, 0));
    when(seek, () => bi.set(0));

    const half = has("sw", sw, "half");
    const step = cat(has("sw", sw, "nibble8"), half, lit(bool, 0), has("sw", sw, "nibble1"));
    when(writes, () => wp.set(wp.addMod(step)));
    when(has("misc", misc, "wp=r"), () => wp.set(r.slice(WORD_ADDRESS_BITS + 3, 0)));
    const low = r.slice(3, 0);
    const data = mux(half, r.slice(15, 0), replicate(low, 4));
    const mask = range(NIBBLES).map((n) => mux(half, wp.slice(3, 2).eq(n >> 2), wp.slice(3, 0).eq(n)));

    const quad = mux(bi.bit(2), sd.slice(63, 32), sd.slice(31, 0)).as("quad_taken");
    const two = mux(bi.bit(1), quad.slice(31, 16), quad.slice(15, 0)).as("half_taken");
    const one = mux(bi.bit(0), two.slice(15, 8), two.slice(7, 0)).as("byte_taken");
    return {
      memory: {
        address: mux(writes, wp.slice(WORD_ADDRESS_BITS + 3, 4), reads),
        read,
        write: writes.and(running),
        mask: cat(...mask.reverse()),
        data: replicate(data, 4),
      },
      octet: one,
      half: two,
      quad,
    };
  },
);
