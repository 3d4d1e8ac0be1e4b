/** The AXI side of a wide memory port: a read master for each channel and one port that writes to all of them. */
import {
  allOf,
  bool,
  cat,
  defineModule,
  lit,
  mux,
  reg,
  select,
  type Sig,
  type Stream,
  stream,
  uint,
  vec,
  when,
} from "../../hdl/index.js";
import { fanout } from "../fanout.js";
import { queue } from "../fifo.js";
import { beatRequest, DONE_BITS, gray } from "./coreside.js";
import { nibbleWrite } from "./merge.js";
import { nibbleWriter } from "./nibblewriter.js";
import {
  ADDRESS_BITS,
  faults,
  readMasterPorts,
  readSlavePorts,
  transfer,
  WORDS_BITS,
  writeMasterPorts,
  writeSlavePorts,
} from "./ports.js";
import { readMaster } from "./readmaster.js";
import { wordWrite } from "./slicer.js";
import {
  beatsPerWord,
  checkSplit,
  deliveredBits,
  shiftOf,
  type Split,
  splitName,
  wordsPerBeat,
} from "./split.js";
import { collect } from "./spread.js";
import { TIMEOUT_BITS } from "./watchdog.js";

type Bits = Sig<"u", number>;
const log2 = (n: number): number => Math.round(Math.log2(n));
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export interface AxiMasters extends Split {
  readonly burst: number;
  readonly outstanding: number;
}
/** Cycles without anything under way, until that counts as idle: longer than a word needs through a FIFO. */
const IDLE_CYCLES = 16;

/** Byte offset in each channel, and words there. */
const wordsOf = (s: Split, { addr, beats }: { readonly addr: Bits; readonly beats: Bits }) => {
  const perBeat = log2(wordsPerBeat(s));
  const perWord = log2(beatsPerWord(s));
  const count = (n: Bits) => n.resize(WORDS_BITS);
  if (perWord === 0)
    return { addr: addr.shl(perBeat + shiftOf(s)).resize(ADDRESS_BITS), words: count(beats.shl(perBeat)) };
  const place = addr.slice(perWord - 1, 0);
  const end = beats.extend(s.countBits + 1).addMod(place.resize(s.countBits + 1));
  const words = mux(beats.eq(0), 0, end.add(beatsPerWord(s) - 1).shr(perWord));
  return { addr: addr.shr(perWord).shl(shiftOf(s)).resize(ADDRESS_BITS), words: count(words) };
};

/** A pointer to the first word of a channel; the bits below a word are not there. */
const aligned = (s: Split, pointer: Bits) =>
  cat(pointer.slice(ADDRESS_BITS - 1, shiftOf(s)), lit(uint(shiftOf(s)), 0)).resize(ADDRESS_BITS);

/**
 * Module `axi_side_<split>`: pointers to each channel's memory, as its read master sees it (`image`) and as the writing port does
 * (`cache`). While `stop` is high nothing new is read; writes go on. `idle`: nothing has been under way for some cycles.
 */
export const axiSide = (s: AxiMasters) => {
  checkSplit(s);
  const { channels, dataBits, burst, outstanding } = s;
  const collects = wordsPerBeat(s) > 1;
  return defineModule(
    `axi_side_${splitName(s)}`,
    {
      in: {
        request: stream(beatRequest(s)),
        word: stream(wordWrite(s)),
        image: vec(uint(ADDRESS_BITS), channels),
        cache: vec(uint(ADDRESS_BITS), channels),
        stop: bool,
        timeout: uint(TIMEOUT_BITS),
        gmem: vec(readSlavePorts(dataBits), channels),
        cacheAxi: { ...readSlavePorts(dataBits), ...writeSlavePorts },
      },
      out: {
        slices: vec(stream(uint(deliveredBits(s))), channels),
        gmem: vec(readMasterPorts, channels),
        cacheAxi: { ...readMasterPorts, ...writeMasterPorts(dataBits) },
        writesDone: uint(DONE_BITS), // Gray code
        faults: vec(faults, channels + 1), // the last is the writing port's
        idle: bool,
      },
      doc: `${channels} AXI read master(s) and one writing port of ${dataBits} bits.`,
    },
    ({ request, word, image, cache, stop, timeout, gmem, cacheAxi }) => {
      const offset = request.map(transfer, (r) => wordsOf(s, r)).stage("offset");
      const names = range(channels).map((c) => `channel_${c}`);
      const branches: Readonly<Record<string, typeof offset>> = fanout(offset, names);
      const channel = (c: number) => {
        const wanted = queue(`u_transfers_${c}`, transfer, branches[`channel_${c}`]!, 4);
        const placed = wanted.pipe(
          transfer,
          (t, cut) => cut({ addr: t.addr.addMod(aligned(s, image[c]!)), words: t.words }),
          `place_${c}`,
        );
        const master = readMaster({ dataBits, burst, outstanding }).inst(`u_read_${c}`, {
          transfer: placed,
          stop,
          timeout,
          axi: gmem[c]!,
        });
        const words = master.data.map(uint(dataBits), (w) => w.data);
        const slice: Stream<ReturnType<typeof uint<number>>> = collects
          ? collect(s).inst(`u_collect_${c}`, { word: words, flush: stop }).slice
          : words;
        return { master, slice, idle: master.idle.and(wanted.valid.not()).and(placed.valid.not()) };
      };
      const all = range(channels).map(channel);

      const put = nibbleWrite(dataBits);
      const placed = word.pipe(
        put,
        (w, cut) => {
          const base = channels === 1 ? cache[0]! : select(w.channel, cache);
          const one = cut({ base: aligned(s, base), word: w.word, data: w.data, mask: w.mask });
          const byte = one.word.shl(shiftOf(s)).resize(ADDRESS_BITS);
          return cut({ addr: one.base.addMod(byte), data: one.data, mask: one.mask });
        },
        "place_write",
      );
      const writer = nibbleWriter(dataBits, outstanding).inst("u_write", {
        write: placed,
        timeout,
        axi: cacheAxi,
      });
      const done = reg("done_count", uint(DONE_BITS), { reset: 0 });
      const doneCode = reg("done_code", uint(DONE_BITS), { reset: 0 });
      when(writer.done, () => {
        done.set(done.addMod(1));
        doneCode.set(gray(done.addMod(1)));
      });

      const still = allOf([request.valid.not(), offset.valid.not(), ...all.map((c) => c.idle)]).as("still");
      const quiet = reg("quiet", uint(log2(IDLE_CYCLES) + 1), { reset: 0 });
      when(
        still,
        () => when(quiet.bit(log2(IDLE_CYCLES)).not(), () => quiet.set(quiet.addMod(1))),
        () => quiet.set(0),
      );
      return {
        slices: all.map((c) => c.slice),
        gmem: all.map((c) => c.master.axi),
        cacheAxi: writer.axi,
        writesDone: doneCode,
        faults: [...all.map((c) => c.master.fault), writer.fault],
        idle: quiet.bit(log2(IDLE_CYCLES)).and(still),
      };
    },
  );
};
