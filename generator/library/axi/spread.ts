/** The channels' words as beats again: words are taken from all channels together, each holding one slice or several. */
import {
  allOf,
  bool,
  cat,
  defineModule,
  lit,
  mux,
  reg,
  select,
  source,
  stream,
  uint,
  vec,
  when,
} from "../../hdl/index.js";
import { beatsPerWord, deliveredBits, sliceBits, type Split, splitName } from "./split.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Of a request: the place of its first slice in a word, and its beats. */
export const spreadJob = (s: Split) => ({
  place: uint<number>(Math.max(1, Math.log2(beatsPerWord(s)))),
  beats: uint<number>(s.countBits),
});

/**
 * Module `axi_spread_<split>`: the beats of each job, in order. `flush` drops the job at hand, those that wait, and every word.
 */
export const spread = (s: Split) => {
  const slice = sliceBits(s);
  const several = beatsPerWord(s);
  return defineModule(
    `axi_spread_${splitName(s)}`,
    {
      in: { job: stream(spreadJob(s)), words: vec(stream(uint(deliveredBits(s))), s.channels), flush: bool },
      out: { beat: stream(uint(s.beatBits)) },
      doc: `Words of ${s.channels} channel(s) to beats of ${s.beatBits} bits.`,
    },
    ({ job, words, flush }) => {
      const active = reg("active", bool, { reset: 0 });
      const place = reg("place", uint(spreadJob(s).place.width));
      const left = reg("left", uint(s.countBits));
      const all = allOf(words.map((w) => w.valid)).as("all_there");
      // The first channel's slice is the lowest.
      const slices = words.map((w) =>
        several === 1
          ? w.payload
          : select(
              place,
              range(several).map((i) => w.payload.slice(slice * i + slice - 1, slice * i)),
            ),
      );
      const beat = source(
        uint(s.beatBits),
        cat(...slices.reverse()),
        active.and(all).and(flush.not()),
        "beat",
      );
      const step = beat.fire.as("step");
      const ends = left.eq(1).as("ends");
      const wordEnds = several === 1 ? lit(bool, 1) : ends.or(place.eq(several - 1));
      const pop = step.and(wordEnds).as("pop");
      for (const w of words) w.consume(pop.or(flush));
      when(step, () => {
        left.set(left.subMod(1));
        place.set(mux(wordEnds, 0, place.addMod(1)).resize(place.width));
        when(ends, () => active.set(0));
      });
      const take = job.consume(active.not().or(step.and(ends)).or(flush)).as("take");
      when(take, () => {
        active.set(job.payload.beats.ne(0));
        left.set(job.payload.beats);
        place.set(job.payload.place);
      });
      when(flush, () => active.set(0));
      return { beat };
    },
  );
};

/** Module `axi_collect_<split>`: words of one channel to its slice of a beat, the first lowest. `flush` begins anew. */
export const collect = (s: Split) => {
  const words = sliceBits(s) / s.dataBits;
  return defineModule(
    `axi_collect_${splitName(s)}`,
    {
      in: { word: stream(uint(s.dataBits)), flush: bool },
      out: { slice: stream(uint(sliceBits(s))) },
      doc: `${words} words of ${s.dataBits} bits to a slice.`,
    },
    ({ word, flush }) => {
      const index = reg("index", uint(Math.log2(words)), { reset: 0 });
      const held = range(words - 1).map((i) => reg(`word_${i}`, uint(s.dataBits)));
      const last = index.eq(words - 1).as("last");
      const slice = source(
        uint(sliceBits(s)),
        cat(word.payload, ...[...held].reverse()),
        word.valid.and(last).and(flush.not()),
        "slice",
      );
      const taken = word.consume(last.not().or(slice.ready).or(flush)).as("taken");
      when(taken, () => index.set(index.addMod(1)));
      for (const [i, h] of held.entries()) when(taken.and(index.eq(i)), () => h.set(word.payload));
      when(flush, () => index.set(0));
      return { slice };
    },
  );
};
