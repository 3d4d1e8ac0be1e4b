/**
 * Parts the beats of memory into weights and scale steps (generator/isa/README.md, "Memory"), ahead of the lanes: a scale
 * beat stands where its first step is first needed, so counting left-over steps tells which beat is which.
 */
import {
  anyOf,
  assertAlways,
  bool,
  defineModule,
  lit,
  mux,
  reg,
  regs,
  select,
  source,
  stream,
  uint,
  vec,
  when,
  type Sig,
} from "../hdl/index.js";
import { checkRows } from "../engines/port.js";
import { FIELDS, FORMATS, type Format, isEight, isWide, KEY_FORMATS } from "../isa/instruction.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, beatBits, beatCountBits, hasEight, rowBits, where } from "../isa/config.js";
import { built, formatBits, type streamJob } from "./jobs.js";
import { bitIf } from "./signals.js";

/** Scale beats between parser and lanes. */
const SCALE_BEATS = 16;
const STEPS = 8;
export const STREAM_KINDS = { load: 0, emb: 1, mv: 2 } as const;
export const formatCode = (format: Format): number => FORMATS.indexOf(format);
/** A format of pairs of beats: high digits, low digits. */
export const eightFormat = (c: AcceleratorConfig, format: Sig<"u", number>): Sig<"u", 1> =>
  anyOf([lit(bool, 0), ...built(c, FORMATS.filter(isEight)).map((f) => format.eq(formatCode(f)))]);
/** One of some formats. */
export const oneOf = (
  c: AcceleratorConfig,
  format: Sig<"u", number>,
  formats: readonly Format[],
): Sig<"u", 1> => anyOf(built(c, formats).map((f) => format.eq(formatCode(f))));
/** Bits that count the beats of a row block. */
export const blockBeatBits = (c: AcceleratorConfig): number => FIELDS.groups[1] + where(hasEight(c));
/** A format of R rows a row block. */
export const wideFormat = (format: Sig<"u", number>): Sig<"u", 1> =>
  anyOf(FORMATS.filter(isWide).map((f) => format.eq(formatCode(f))));

/** The part of a stream job that says what its beats are. */
export const unpackJob = (c: AcceleratorConfig) => ({
  kind: uint(2),
  format: uint(formatBits(c)),
  beats: uint(beatCountBits(c)),
  rowBlocks: uint(rowBits(c)),
  groups: uint(10),
});
export type UnpackJobField = keyof ReturnType<typeof unpackJob> & keyof ReturnType<typeof streamJob>;

/** The next two steps of R bytes, and how many of them are there. */
export const stepWindow = (c: AcceleratorConfig) => ({
  present: vec(uint(8), c.rows),
  next: vec(uint(8), c.rows),
  available: uint(2),
});

/**
 * One beat a cycle: weights into a FIFO of `prefetchBeats`, scale beats into one of SCALE_BEATS, from which a window shows the
 * next two steps of R bytes; up to two are popped a cycle. Scale bytes as contract sections 4 and 5 use them.
 */
export const unpack = (c: AcceleratorConfig) => {
  checkRows(c);
  const width = beatBits(c);
  const beat = uint(width);
  return defineModule(
    "unpack",
    {
      in: {
        job: stream(unpackJob(c)),
        memory: stream(beat),
        pop: uint(2), // steps taken, 0 to 2
        flush: bool, // with the last pop of a matrix: the rest of its last scale beat is dropped
      },
      out: { weights: stream(beat), steps: stepWindow(c) }, // weights: also the beats of LOAD
      doc: "Parts memory beats into weights and scale steps.",
    },
    ({ job, memory, pop, flush }) => {
      const jobs = queue("jobs", unpackJob(c), job, 4);

      // the job at hand; the next one is taken in the cycle of its last beat
      const running = reg("running", bool, { reset: 0 });
      const r = regs({
        wide: bool, // R rows a row block
        isW4: bool,
        isKeys: bool,
        groups: uint(blockBeatBits(c)),
        groupsLeft: uint(blockBeatBits(c)),
        blocksLeft: uint(beatCountBits(c)),
        fresh: bool,
        left: uint(4),
      });
      const eight = bitIf(hasEight(c), "eight"); // each group is a pair of beats
      const second = bitIf(hasEight(c), "second"); // the next weight beat is the second of a pair
      const none = lit(uint(2), 0);
      const need = mux(
        r.wide,
        mux(r.fresh, lit(uint(2), 2), 1),
        mux(r.isW4.and(second.is.not()).or(r.isKeys.and(r.fresh)), lit(uint(2), 1), none),
      ).as("need");
      const short = r.left.lt(need).as("scale_beat_next");

      const toScales = source(beat, memory.payload, memory.valid.and(running).and(short));
      const toWeights = source(beat, memory.payload, memory.valid.and(running).and(short.not()));
      const fire = memory.consume(running.and(mux(short, toScales.ready, toWeights.ready))).as("fire");
      const weightFires = fire.and(short.not()).as("weight_fires");
      const lastGroup = r.groupsLeft.eq(1);
      const lastBeat = weightFires.and(lastGroup).and(r.blocksLeft.eq(1)).as("last_beat");
      const take = jobs.consume(running.not().or(lastBeat)).as("take");
      when(fire, () => r.left.set(mux(short, r.left.addMod(STEPS), r.left.subMod(need))));
      when(weightFires, () => {
        r.fresh.set(lastGroup);
        second.set(eight.is.and(second.is.not()));
        r.groupsLeft.set(mux(lastGroup, r.groups, r.groupsLeft.subMod(1)));
        when(lastGroup, () => r.blocksLeft.set(r.blocksLeft.subMod(1)));
      });
      when(lastBeat, () => running.set(0));
      when(take, () => {
        const { kind, format, beats, rowBlocks, groups } = jobs.payload;
        const isMv = kind.eq(STREAM_KINDS.mv);
        const isLoad = kind.eq(STREAM_KINDS.load).as("head_is_load");
        const pairs = isLoad.not().and(eightFormat(c, format));
        const beatsOfBlock = mux(pairs, groups.shl(1), groups).resize(blockBeatBits(c));
        const one = mux(isLoad, lit(uint(blockBeatBits(c)), 1), beatsOfBlock);
        running.set(1);
        r.wide.set(isMv.and(wideFormat(format)));
        r.isW4.set(kind.eq(STREAM_KINDS.emb).or(isMv.and(oneOf(c, format, ["w4", "w8"]))));
        r.isKeys.set(isMv.and(oneOf(c, format, KEY_FORMATS)));
        eight.set(pairs);
        second.set(lit(bool, 0));
        r.groups.set(one);
        r.groupsLeft.set(one);
        r.blocksLeft.set(mux(isLoad, beats, rowBlocks.resize(beatCountBits(c))));
        r.fresh.set(1);
        r.left.set(0);
      });

      // the window: one scale beat in registers, the next at the head of the FIFO
      const scales = queue("scales", beat, toScales, SCALE_BEATS);
      const have = reg("have_steps", bool, { reset: 0 });
      const current = reg("step_beat", beat);
      const index = reg("step_index", uint(3));
      const stepOf = (bits: Sig<"u", number>, step: number): Sig<"u", number>[] =>
        Array.from({ length: c.rows }, (_, byte) =>
          bits.slice(8 * (step * c.rows + byte) + 7, 8 * (step * c.rows + byte)),
        );
      const inBeat = Array.from({ length: STEPS }, (_, i) => stepOf(current, i));
      const present = select(index, inBeat);
      const next = select(index, [...inBeat.slice(1), stepOf(scales.payload, 0)]);
      const available = mux(have, mux(index.ne(STEPS - 1).or(scales.valid), lit(uint(2), 2), 1), none);
      assertAlways("unpack_pop", pop.le(available), "steps are popped that are not there");

      // a matrix never ends one step into a beat that it has not begun: two steps go with group 0, and a matrix of single
      // groups takes two each time
      const position = index.resize(4).addMod(pop).as("step_position");
      assertAlways(
        "unpack_flush",
        have
          .not()
          .or(flush.not())
          .or(position.ne(STEPS + 1)),
        "a matrix ends in a scale beat that is not the present one",
      );
      const release = have.and(mux(flush, position.ne(0), position.bit(3))).as("release");
      const refill = scales.consume(have.not().or(release)).as("refill");
      when(have, () => index.set(position.wrap(3)));
      when(release.or(have.not()), () => {
        have.set(refill);
        index.set(mux(flush.or(have.not()), lit(uint(3), 0), position.wrap(3)));
      });
      when(refill, () => current.set(scales.payload));

      const weights = queue("weights", beat, toWeights, c.prefetchBeats);
      return { weights, steps: { present, next, available } };
    },
  );
};
