/**
 * Nibble writes to a memory that takes bytes: a byte of which one nibble is written is read first. Writes to different words run
 * side by side, as many as the port allows; one to a word that is under way waits until that is done, so order is kept.
 */
import {
  anyOf,
  bool,
  cat,
  defineModule,
  lit,
  mux,
  reg,
  source,
  stream,
  uint,
  when,
  wire,
} from "../../hdl/index.js";
import { queue } from "../fifo.js";
import { ADDRESS_BITS, type AxiPort, bytesOf, portName, sizeOf, transfer, WORDS_BITS } from "./ports.js";
import { readWord } from "./readmaster.js";
import { writeWord } from "./writemaster.js";

const NIBBLE = 4;
/** Bits of a word's address that are compared: words that agree in them wait for each other, more often than they must. */
const TAG_BITS = 12;

/** A word at a byte address; the nibbles whose mask bit is 1 are written. */
export const nibbleWrite = (dataBits: number) => ({
  addr: uint(ADDRESS_BITS),
  data: uint<number>(dataBits),
  mask: uint<number>(dataBits / NIBBLE),
});

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const reversed = <T>(parts: readonly T[]): T[] => [...parts].reverse();

/** Module `axi_merge_<port>`: between nibble writes and a read and a write master, whose `done` it gets. */
export const merge = (port: AxiPort) => {
  const { dataBits, outstanding } = port;
  const shift = sizeOf(dataBits);
  const kept = { ...nibbleWrite(dataBits), partial: bool };
  return defineModule(
    `axi_merge_${portName(port)}`,
    {
      in: { write: stream(nibbleWrite(dataBits)), read: stream(readWord(dataBits)), done: bool },
      out: {
        readTransfer: stream(transfer),
        writeTransfer: stream(transfer),
        writeData: stream(writeWord(dataBits)),
        idle: bool,
      },
      doc: `Nibble writes to words of ${bytesOf(dataBits)} bytes: read, merge, write; ${outstanding} words at a time.`,
    },
    ({ write, read, done }) => {
      // Words under way: a ring of tags, the oldest at `first`.
      const index = uint(Math.round(Math.log2(outstanding)));
      const first = reg("first", index, { reset: 0 });
      const next = reg("next", index, { reset: 0 });
      const slots = range(outstanding).map((i) => ({
        busy: reg(`busy_${i}`, bool, { reset: 0 }),
        tag: reg(`tag_${i}`, uint(TAG_BITS)),
      }));
      const w = write.payload;
      const tag = w.addr.slice(shift + TAG_BITS - 1, shift).as("tag");
      const waits = anyOf(slots.map((s, i) => s.busy.and(s.tag.eq(tag).or(next.eq(i))))).as("waits");
      const bytes = range(bytesOf(dataBits));
      const partial = anyOf(bytes.map((i) => w.mask.slice(2 * i + 1, 2 * i).xorR())).as("partial");

      // To the read master, where a nibble is missing, and to those that wait for their data.
      const asks = wire("asks", bool);
      const room = wire("room", bool);
      const open = write.valid.and(waits.not()).as("open");
      const words = lit(uint(WORDS_BITS), 1);
      const ask = source(transfer, { addr: w.addr, words }, open.and(partial).and(room), "ask");
      const keep = source(kept, { ...w, partial }, open.and(asks), "keep");
      asks.drive(partial.not().or(ask.ready));
      room.drive(keep.ready);
      const taken = write.consume(waits.not().and(asks).and(room)).as("taken");
      for (const [i, s] of slots.entries()) {
        when(done.and(first.eq(i)), () => s.busy.set(0));
        when(taken.and(next.eq(i)), () => {
          s.busy.set(1);
          s.tag.set(tag);
        });
      }
      when(taken, () => next.set(next.addMod(1)));
      when(done, () => first.set(first.addMod(1)));

      // Address and word go to the write master together, the read word with them.
      const oldest = queue("u_kept", kept, keep, outstanding);
      const o = oldest.payload;
      const whole = oldest.valid.and(o.partial.not().or(read.valid)).as("whole");
      const willing = { address: wire("address_willing", bool), data: wire("data_willing", bool) };
      const address = source(transfer, { addr: o.addr, words }, whole.and(willing.data), "address");
      const nibbles = range(dataBits / NIBBLE).map((i) => {
        const [hi, lo] = [NIBBLE * i + NIBBLE - 1, NIBBLE * i];
        return mux(o.mask.bit(i), o.data.slice(hi, lo), read.payload.data.slice(hi, lo));
      });
      const strobes = bytes.map((i) => o.mask.slice(2 * i + 1, 2 * i).orR());
      const data = source(
        writeWord(dataBits),
        { data: cat(...reversed(nibbles)), strobe: cat(...reversed(strobes)) },
        whole.and(willing.address),
        "merged",
      );
      willing.address.drive(address.ready);
      willing.data.drive(data.ready);
      const both = willing.address.and(willing.data).as("both");
      const leaves = oldest.consume(both.and(o.partial.not().or(read.valid))).as("leaves");
      read.consume(leaves.and(o.partial));
      return {
        readTransfer: ask,
        // The write master need not be ready for both at once.
        writeTransfer: queue("u_addresses", transfer, address, 2),
        writeData: queue("u_words", writeWord(dataBits), data, 2),
        idle: anyOf(slots.map((s) => s.busy)).not(),
      };
    },
  );
};
