/**
 * Cuts writes of whole beats, of which few nibbles count, into writes of a channel's words, and joins neighbours: what goes to
 * one word without a pause becomes one write.
 */
import {
  anyOf,
  bool,
  cat,
  defineModule,
  lit,
  mux,
  type Of,
  reg,
  replicate,
  select,
  type Sig,
  source,
  type Stream,
  stream,
  uint,
  when,
} from "../../hdl/index.js";
import {
  beatsPerWord,
  channelBits,
  pieceBits,
  type Split,
  splitName,
  wordBits,
  wordsPerBeat,
} from "./split.js";

const NIBBLE = 4;
type Bits = Sig<"u", number>;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export const beatWrite = (s: Split) => ({
  addr: uint<number>(s.addressBits),
  data: uint<number>(s.beatBits),
  mask: uint<number>(s.beatBits / NIBBLE),
});
/** A word of one channel. */
export const wordWrite = (s: Split) => ({
  channel: uint<number>(channelBits(s)),
  word: uint<number>(wordBits(s)),
  data: uint<number>(s.dataBits),
  mask: uint<number>(s.dataBits / NIBBLE),
});
type WordWrite = Of<ReturnType<typeof wordWrite>>;

/** Index of the lowest bit that is 1, by halves. */
const lowest = (bits: readonly Sig<"u", 1>[]): Bits => {
  if (bits.length === 1) return lit(uint(1), 0);
  const half = bits.length / 2;
  const low = bits.slice(0, half);
  if (half === 1) return low[0]!.not();
  const inLow = anyOf(low);
  return cat(inLow.not(), mux(inLow, lowest(low), lowest(bits.slice(half))));
};

/** Which word, and the piece in its place there. */
const wordOf = (s: Split, addr: Bits, index: Bits, data: Bits, mask: Bits): WordWrite => {
  const [perBeat, perWord] = [wordsPerBeat(s), beatsPerWord(s)];
  const inBeat = Math.log2(perBeat);
  const inWord = Math.log2(perWord);
  const channel = s.channels === 1 ? lit(uint(1), 0) : index.slice(index.width - 1, inBeat);
  const within = inWord === 0 ? null : addr.slice(inWord - 1, 0);
  const word = inBeat > 0 ? cat(addr, index.slice(inBeat - 1, 0)) : addr.shr(inWord);
  const place = (bits: Bits): Bits =>
    within === null
      ? bits
      : bits.extend(bits.width * perWord).dshl(cat(within, lit(uint(Math.log2(bits.width)), 0)));
  return { channel, word, data: perWord === 1 ? data : replicate(data, perWord), mask: place(mask) };
};

/** The next write to the same word joins the one at hand, until that is offered. */
const combined = (
  s: Split,
  input: Stream<ReturnType<typeof wordWrite>>,
): { out: Stream<ReturnType<typeof wordWrite>>; holds: Sig<"u", 1> } => {
  const shape = wordWrite(s);
  const holds = reg("holds", bool, { reset: 0 });
  const leaving = reg("leaving", bool, { reset: 0 });
  const held = {
    channel: reg("held_channel", shape.channel),
    word: reg("held_word", shape.word),
    data: reg("held_data", shape.data),
    mask: reg("held_mask", shape.mask),
  };
  const next = input.payload;
  const same = held.channel.eq(next.channel).and(held.word.eq(next.word)).as("same_word");
  const offer = holds.and(leaving.or(input.valid.not()).or(same.not())).as("offer");
  const out = source(shape, { ...held }, offer, "combined");
  const left = out.fire.as("left");
  leaving.set(offer.and(out.ready.not()));
  const taken = input.consume(holds.not().or(left).or(same.and(offer.not()))).as("taken");
  const joins = taken.and(holds).and(left.not()).as("joins");
  when(left, () => holds.set(0));
  when(taken, () => {
    holds.set(1);
    held.channel.set(next.channel);
    held.word.set(next.word);
    const nibbles = range(next.mask.width).map((i) => {
      const [hi, lo] = [NIBBLE * i + NIBBLE - 1, NIBBLE * i];
      return mux(next.mask.bit(i), next.data.slice(hi, lo), held.data.slice(hi, lo));
    });
    held.data.set(cat(...nibbles.reverse()));
    held.mask.set(mux(joins, held.mask.or(next.mask), next.mask));
  });
  return { out, holds };
};

/** Module `axi_slicer_<split>`: a word a cycle, two cycles behind the beat. */
export const slicer = (s: Split) => {
  const pieces = s.beatBits / pieceBits(s);
  const maskBits = pieceBits(s) / NIBBLE;
  const shape = beatWrite(s);
  return defineModule(
    `axi_slicer_${splitName(s)}`,
    {
      in: { write: stream(shape) },
      out: { word: stream(wordWrite(s)), idle: bool },
      doc: `Writes of beats of ${s.beatBits} bits to words of ${s.dataBits} bits in ${s.channels} channel(s).`,
    },
    ({ write }) => {
      const addr = reg("addr", shape.addr);
      const data = reg("data", shape.data);
      const mask = reg("mask", shape.mask);
      const left = range(pieces).map((i) => reg(`left_${i}`, bool, { reset: 0 }));
      const index = lowest(left).as("index");
      const piece = (bits: Bits, width: number): Bits =>
        pieces === 1
          ? bits
          : select(
              index,
              range(pieces).map((i) => bits.slice(width * i + width - 1, width * i)),
            );
      const any = anyOf(left).as("any");
      const found = source(
        wordWrite(s),
        wordOf(s, addr, index, piece(data, pieceBits(s)).as("piece"), piece(mask, maskBits).as("piece_mask")),
        any,
        "found",
      );
      const step = found.fire.as("step");
      const last = pieces === 1 ? lit(bool, 1) : anyOf(left.map((bit, i) => bit.and(index.ne(i)))).not();
      const take = write.consume(any.not().or(step.and(last))).as("take");
      for (const [i, bit] of left.entries()) {
        when(step.and(pieces === 1 ? lit(bool, 1) : index.eq(i)), () => bit.set(0));
        when(take, () => bit.set(write.payload.mask.slice(maskBits * i + maskBits - 1, maskBits * i).orR()));
      }
      when(take, () => {
        addr.set(write.payload.addr);
        data.set(write.payload.data);
        mask.set(write.payload.mask);
      });
      const { out, holds } = combined(s, found);
      return { word: out, idle: any.not().and(holds.not()) };
    },
  );
};
