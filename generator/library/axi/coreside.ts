/**
 * The core's side of a memory port that lies behind AXI: keeps reads behind the writes that they must see, cuts writes into
 * words, makes beats of the channels' words, and plays dead on `abort`, so that a core whose memory fails still comes to its end.
 */
import {
  allOf,
  assertAlways,
  bool,
  cover,
  defineModule,
  mux,
  reg,
  type Sig,
  source,
  stream,
  uint,
  vec,
  when,
  wire,
} from "../../hdl/index.js";
import { queue } from "../fifo.js";
import { beatWrite, slicer, wordWrite } from "./slicer.js";
import { checkSplit, deliveredBits, type Split, splitName } from "./split.js";
import { spread, spreadJob } from "./spread.js";

type Bits = Sig<"u", number>;

/** Requests that wait for their beats. */
const JOBS = 32;
/** Writes under way are counted modulo 2^8: FIFO and merge together hold fewer. */
export const DONE_BITS = 8;
/** Cycles without anything to drop, as a power of two, until that is believed. */
const CALM_BITS = 4;
export const gray = (x: Bits): Bits => x.xor(x.shr(1).extend(x.width));

export const beatRequest = (s: Split) => ({
  addr: uint<number>(s.addressBits),
  beats: uint<number>(s.countBits),
});

/**
 * Module `axi_core_side_<split>`. `writesDone`: Gray code of the words written so far. A request that overlaps the span of the
 * writes under way waits until all of them are done, and further writes wait for it; other requests pass. During `abort` requests are answered with zeros at once,
 * writes are dropped, and the channels' words too; `quiet`: nothing is left to drop, and nothing will come.
 */
export const coreSide = (s: Split) => {
  checkSplit(s);
  return defineModule(
    `axi_core_side_${splitName(s)}`,
    {
      in: {
        request: stream(beatRequest(s)),
        write: stream(beatWrite(s)),
        words: vec(stream(uint(deliveredBits(s))), s.channels),
        writesDone: uint(DONE_BITS),
        abort: bool,
        dry: bool, // the channels send nothing more
      },
      out: {
        beat: stream(uint(s.beatBits)),
        read: stream(beatRequest(s)),
        word: stream(wordWrite(s)),
        written: bool, // no write is under way
        quiet: bool,
      },
      doc: `Memory port of ${s.beatBits} bits, the core's side: order, cutting, joining.`,
    },
    ({ request, write, words, writesDone, abort, dry }) => {
      const live = abort.not().as("live");
      // Writes, and the span of addresses of those under way.
      const held = wire("held", bool);
      const free = live.and(held.not()).as("write_free");
      const kept = source(write.shape, write.payload, write.valid.and(free), "kept");
      const taken = write
        .consume(abort.or(kept.ready.and(held.not())))
        .and(live)
        .as("write_taken");
      const cut = slicer(s).inst("u_slicer", { write: kept });
      const issued = reg("issued", uint(DONE_BITS), { reset: 0 });
      const word = source(wordWrite(s), cut.word.payload, cut.word.valid, "out_word");
      const issues = cut.word.consume(word.ready).as("issues");
      when(issues, () => issued.set(issued.addMod(1)));
      const written = cut.idle.and(gray(issued).eq(writesDone)).as("written");
      const lowest = reg("lowest", uint(s.addressBits));
      const highest = reg("highest", uint(s.addressBits));
      const at = write.payload.addr;
      when(taken, () => {
        when(written.or(at.lt(lowest)), () => lowest.set(at));
        when(written.or(at.gt(highest)), () => highest.set(at));
      });

      const { addr, beats } = request.payload;
      const overlaps = addr
        .le(highest)
        .and(addr.add(beats.resize(s.addressBits)).gt(lowest.extend(s.addressBits + 1)))
        .as("overlaps");
      const open = live.and(written.or(overlaps.not())).as("open");
      // Later writes wait with it, or it might wait for ever.
      held.drive(request.valid.and(live).and(open.not()));
      cover("axi_read_behind_write", request.valid.and(live).and(open.not()), "a read waits for a write");

      // A request goes to the channels and to those who make beats of their words.
      const place = addr.slice(spreadJob(s).place.width - 1, 0);
      const readWilling = wire("read_willing", bool);
      const jobs = source(spreadJob(s), { place, beats }, request.valid.and(open).and(readWilling), "jobs");
      const read = source(
        beatRequest(s),
        request.payload,
        request.valid.and(open).and(jobs.ready),
        "out_read",
      );
      readWilling.drive(read.ready);
      const asks = request.consume(abort.or(open.and(jobs.ready).and(read.ready))).as("asks");
      const job = queue("u_jobs", spreadJob(s), jobs, JOBS);
      const made = spread(s).inst("u_spread", { job, words, flush: abort });

      const owed = reg("owed", uint(s.countBits + Math.log2(JOBS) + 1), { reset: 0 });
      const beat = source(
        uint(s.beatBits),
        mux(abort, 0, made.beat.payload),
        mux(abort, owed.orR(), made.beat.valid),
        "out_beat",
      );
      made.beat.consume(beat.ready.and(live));
      const gives = beat.fire.as("gives");
      const asked: Bits = mux(asks, beats, 0).resize(owed.width);
      owed.set(owed.addMod(asked).subMod(gives.resize(owed.width)));
      assertAlways("axi_owed", beat.valid.not().or(owed.orR()), "no beat comes that was not asked for");

      // What the channels sent last may still be on its way here when they say that they are dry.
      const still = allOf([...words.map((w) => w.valid.not()), written, owed.eq(0), dry, abort]).as("still");
      const calm = reg("calm", uint(CALM_BITS + 1), { reset: 0 });
      when(
        still,
        () => when(calm.bit(CALM_BITS).not(), () => calm.set(calm.addMod(1))),
        () => calm.set(0),
      );
      return { beat, read, word, written, quiet: calm.bit(CALM_BITS) };
    },
  );
};
