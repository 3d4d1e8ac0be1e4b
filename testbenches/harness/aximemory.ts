/**
 * AXI4 memory as hardware, never predictable: random latency, random back-pressure on every channel, and a planted error. Written in
 * the eDSL, so that the same happens in every simulator. `axislave.ts` is its bigger brother in the embedded engine.
 */
import {
  bool,
  defineModule,
  lit,
  Mem,
  mux,
  type Of,
  reg,
  select,
  type Sig,
  source,
  uint,
  vec,
  when,
} from "../../generator/hdl/index.js";
import {
  ADDRESS_BITS,
  readMasterPorts,
  readSlavePorts,
  RESPONSE,
  sizeOf,
  writeMasterPorts,
  writeSlavePorts,
} from "../../generator/library/axi/ports.js";
import { queue } from "../../generator/library/fifo.js";
import { noise } from "./memorymodel.js";

type Bool = Sig<"u", 1>;
type Word = Sig<"u", number>;

const NOISE_BITS = 32;
const TIME_BITS = 16;
const SHUT_BITS = 4;
/** Bursts that a slave takes before it has answered any. */
const DEPTH = 64;

/** How the slaves behave; held during a run. */
export const axiMood = {
  /** Sixteenths of the cycles in which each channel is shut. */
  shut: uint(SHUT_BITS),
  /** Cycles to a burst's answer: noise under this mask. */
  pause: uint(8),
};
/** One burst of a port that is answered wrongly: so many bursts after `restart`; response 0: its answer comes `late`. */
export const axiFault = {
  armed: bool,
  burst: uint(16),
  response: uint(2),
  late: uint(TIME_BITS - 1),
};
export interface Mood {
  readonly shut: Word;
  readonly pause: Word;
}
export interface Fault {
  readonly armed: Bool;
  readonly burst: Word;
  readonly response: Word;
  readonly late: Word;
}

/** Where each channel's share of a word of noise lies. */
const SHARES = { ar: 0, r: 5, aw: 10, w: 15, b: 20, pause: 24 } as const;

/** The dice of one slave, and the time. */
const dice = (seed: Word, load: Bool, { shut, pause }: Mood) => {
  const random = noise(seed, load);
  const now = reg("now", uint(TIME_BITS), { reset: 0 });
  now.set(now.addMod(1));
  const share = (at: keyof typeof SHARES, bits: number): Word =>
    random.slice(SHARES[at] + bits - 1, SHARES[at]);
  return {
    now,
    open: (at: Exclude<keyof typeof SHARES, "pause">): Bool => share(at, SHUT_BITS).ge(shut).as(`${at}_open`),
    due: (extra: Word): Word =>
      now.addMod(share("pause", 8).and(pause).resize(TIME_BITS)).addMod(extra.resize(TIME_BITS)),
    reached: (due: Word): Bool =>
      now
        .subMod(due)
        .bit(TIME_BITS - 1)
        .not(),
  };
};
type Dice = ReturnType<typeof dice>;

/** An offer, once made, stands. */
const persists = (name: string, wants: Bool, ready: Bool): Bool => {
  const offered = reg(`${name}_offered`, bool, { reset: 0 });
  const valid = wants.or(offered).as(`${name}_offers`);
  offered.set(valid.and(ready.not()));
  return valid;
};

/** What becomes of the burst that is asked for now: its place, its response, and when. */
const judged = (
  name: string,
  { dataBits, words, base }: Place,
  addr: Word,
  len: Word,
  asked: Bool,
  fault: Fault,
  d: Dice,
) => {
  const count = reg(`${name}_count`, uint(16), { reset: 0 });
  when(asked, () => count.set(count.addMod(1)));
  const word = addr.subMod(base).shr(sizeOf(dataBits)).as(`${name}_word`);
  const outside = addr.lt(base).or(word.add(len).ge(words)).as(`${name}_outside`);
  const hit = fault.armed.and(count.eq(fault.burst)).as(`${name}_hit`);
  return {
    word: word.resize(INDEX_BITS),
    len,
    response: mux(outside, lit(uint(2), RESPONSE.decerr), mux(hit, fault.response, 0)),
    due: d.due(mux(hit.and(fault.response.eq(0)), fault.late.resize(TIME_BITS), 0)),
  };
};
const INDEX_BITS = 24;
const pending = {
  word: uint(INDEX_BITS),
  len: uint<number>(8),
  response: uint<number>(2),
  due: uint<number>(TIME_BITS),
};

interface Place {
  readonly dataBits: number;
  /** Words from `base` on. */
  readonly words: number;
  readonly base: Word;
}
type ReadMaster = Of<typeof readMasterPorts>;

/** The read channels: `at` is the word that `data` has to be of in this cycle. */
const answersReads = (m: ReadMaster, place: Place, fault: Fault, d: Dice, data: (at: Word) => Word) => {
  const open = d.open("ar");
  const asks = source(
    pending,
    judged("ar", place, m.araddr, m.arlen, m.arvalid.and(open), fault, d),
    m.arvalid.and(open),
    "reads",
  );
  const arready = open.and(asks.ready).as("takes_read");
  const bursts = queue("u_reads", pending, asks, DEPTH);
  const { word, len, response, due } = bursts.payload;
  const index = reg("read_index", uint(8), { reset: 0 });
  const rvalid = persists("r", bursts.valid.and(d.reached(due)).and(d.open("r")), m.rready);
  const rlast = index.eq(len).as("is_last");
  const moves = rvalid.and(m.rready).as("read_moves");
  bursts.consume(moves.and(rlast));
  when(moves, () => index.set(mux(rlast, 0, index.addMod(1))));
  const found = data(word.addMod(index.resize(INDEX_BITS)));
  return { arready, rdata: mux(response.eq(0), found, 0), rresp: response, rlast, rvalid };
};

/** Module `axi_channel_<bits>x<words>`: memory of one channel, behind its reading port and behind the one that writes. */
export const axiChannel = (dataBits: number, words: number) =>
  defineModule(
    `axi_channel_${dataBits}x${words}`,
    {
      in: {
        m: readMasterPorts,
        base: uint(ADDRESS_BITS),
        ...{ seed: uint(NOISE_BITS), restart: bool },
        ...{ mood: axiMood, fault: axiFault },
        /** The other port's look, and its write; loading goes the same way. */
        look: uint(INDEX_BITS),
        write: { enable: bool, word: uint(INDEX_BITS), data: uint(dataBits), strobe: uint(dataBits / 8) },
      },
      out: { s: readSlavePorts(dataBits), seen: uint(dataBits) },
      doc: `Test bench: ${words} words of ${dataBits} bits behind an AXI4 read port.`,
    },
    ({ m, base, seed, restart, mood, fault, look, write }) => {
      const memory = new Mem("words", uint(dataBits), words, { readDuringWrite: "old" });
      const bits = Math.round(Math.log2(words));
      memory.write(write.enable, write.word.resize(bits), write.data, { mask: write.strobe, granule: 8 });
      const found = (at: Word): Word => memory.readAsync(at.resize(bits));
      const d = dice(seed, restart, mood);
      return { s: answersReads(m, { dataBits, words, base }, fault, d, found), seen: found(look) };
    },
  );

/**
 * Module `axi_cache_<bits>x<words>over<channels>`: the port that reads and writes the words of all channels, which lie one behind the
 * other from `base` on. A write reaches memory with its response, as late as AXI allows.
 */
export const axiCache = (dataBits: number, words: number, channels: number) => {
  const wordBits = Math.round(Math.log2(words));
  return defineModule(
    `axi_cache_${dataBits}x${words}over${channels}`,
    {
      in: {
        m: { ...readMasterPorts, ...writeMasterPorts(dataBits) },
        base: uint(ADDRESS_BITS),
        ...{ seed: uint(NOISE_BITS), restart: bool },
        ...{ mood: axiMood, fault: axiFault },
        found: vec(uint(dataBits), channels),
      },
      out: {
        s: { ...readSlavePorts(dataBits), ...writeSlavePorts },
        look: uint(INDEX_BITS),
        write: {
          enable: bool,
          channel: uint(8),
          word: uint(INDEX_BITS),
          data: uint(dataBits),
          strobe: uint(dataBits / 8),
        },
      },
      doc: `Test bench: ${channels} x ${words} words of ${dataBits} bits behind an AXI4 port.`,
    },
    ({ m, base, seed, restart, mood, fault, found }) => {
      const d = dice(seed, restart, mood);
      const place = { dataBits, words: words * channels, base };
      const channelOf = (word: Word): Word => word.shr(wordBits).resize(8);
      const looked: Word[] = [];
      const healthy = { ...fault, armed: lit(bool, 0) };
      const reads = answersReads(m, place, healthy, d, (at) => {
        looked.push(at);
        return select(channelOf(at), [...found.entries()], lit(uint(dataBits), 0));
      });

      const open = d.open("aw");
      const asked = m.awvalid.and(open);
      const asks = source(pending, judged("aw", place, m.awaddr, m.awlen, asked, fault, d), asked, "writes");
      const awready = open.and(asks.ready).as("takes_write");
      const bursts = queue("u_writes", pending, asks, DEPTH);
      const wordShape = { data: uint(dataBits), strobe: uint(dataBits / 8) };
      const opens = d.open("w");
      const comes = source(wordShape, { data: m.wdata, strobe: m.wstrb }, m.wvalid.and(opens), "comes");
      const wready = opens.and(comes.ready).as("takes_word");
      const data = queue("u_words", wordShape, comes, DEPTH);

      const { word, len, response, due } = bursts.payload;
      const index = reg("write_index", uint(8), { reset: 0 });
      const responds = reg("responds", bool, { reset: 0 });
      const bresp = reg("bresp_q", uint(2));
      const goes = bursts.valid.and(d.reached(due)).and(responds.not()).and(d.open("b")).as("goes");
      const writes = data.consume(goes).as("writes_word");
      const ends = writes.and(index.eq(len)).as("ends_burst");
      bursts.consume(ends);
      when(writes, () => index.set(mux(ends, 0, index.addMod(1))));
      when(responds.and(m.bready), () => responds.set(0));
      when(ends, () => {
        responds.set(1);
        bresp.set(response);
      });
      const at = word.addMod(index.resize(INDEX_BITS)).as("write_word");
      return {
        s: { ...reads, awready, wready, bresp, bvalid: responds },
        look: looked[0]!.resize(wordBits).resize(INDEX_BITS),
        write: {
          enable: writes.and(response.eq(0)),
          channel: channelOf(at),
          word: at.resize(wordBits).resize(INDEX_BITS),
          data: data.payload.data,
          strobe: data.payload.strobe,
        },
      };
    },
  );
};
