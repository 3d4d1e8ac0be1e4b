/** The pass of softmax over the slots of one head: exponents of blocks, the sum, probabilities. Contract section 6. */
import { cat, delay, delayValid, lit, Mem, mux, reg, type Sig, sint, uint, when } from "../hdl/index.js";
import { GROUP } from "../engines/port.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { exp2 } from "./exp2.js";
import { type Bits, type Bool, type Int, past } from "./signals.js";
import { blockAt, BUFFERS, C_BITS, SCORE_FRACTION, type Scores } from "./softmaxscores.js";
import { probabilityWordBits } from "./stream.js";
import { BLOCK } from "./widths.js";

export const PROBABILITY_BITS = 7;
const MOST = 127;
export const SUM_BITS = 40;
export const EXPONENT_BITS = 16;
/** Cycles from a slot's address to its weight and its distance to the block's exponent: read, distances, exp2. */
const WEIGHT_LATENCY = 4;
/** Cycles from a slot's address to its probability. */
export const PASS_LATENCY = WEIGHT_LATENCY + 1;

/** The walk over the slots: whether a slot is computed, which, of which score buffer, into which probability buffer. */
export interface Walk {
  readonly start: Bool;
  readonly running: Bool;
  readonly slot: Bits;
  /** The slot holds a token; else its probability is 0. */
  readonly live: Bool;
  readonly last: Bool;
  readonly set: Bits;
  readonly out: Bits;
}

/** E of the slot's block, and Emax so far; exponents are kept at each block's first slot. */
const blockExponents = (c: AcceleratorConfig, w: Walk, scores: Scores, smax: Int) => {
  const cmax = scores.blockPeak(w.set, w.slot);
  const up = 2 ** SCORE_FRACTION - 1;
  const exponent = cmax.sub(smax).add(up).shr(SCORE_FRACTION).resize(EXPONENT_BITS).as("block_exponent");
  const blockStart = w.running.and(w.slot.slice(log2(BLOCK) - 1, 0).eq(0)).as("block_start");
  const emax = reg("emax", sint(EXPONENT_BITS));
  when(blockStart, () => emax.set(mux(w.slot.eq(0).or(exponent.gt(emax)), exponent, emax)));
  const exponents = new Mem("exponents", sint(EXPONENT_BITS), BUFFERS * 2 ** probabilityWordBits(c), {
    readDuringWrite: "old",
    style: "distributed",
  });
  exponents.write(blockStart, blockAt(w.out, w.slot), exponent);
  return { exponent, blockStart, emax, read: (at: Bits, enable: Bool): Int => exponents.read(at, enable) };
};

/** smax - score, and 1024·E - (c - smax): never negative for a live slot. Both two cycles behind the slot. */
const distances = (read: { s: Int; c: Int }, smax: Int, exponent: Int) => {
  const distance = smax.sub(read.s).asUnsigned().as("distance");
  const reach = cat(exponent, lit(uint(SCORE_FRACTION), 0))
    .asSigned()
    .sub(read.c.sub(smax))
    .asUnsigned()
    .as("reach");
  return { score: delay(distance, 1, "distance_q"), block: delay(reach.wrap(C_BITS + 1), 1, "reach_q") };
};

/** 32 probabilities to a word, written when the last of a block is there. */
const probabilityWords = (c: AcceleratorConfig, p: Bits, valid: Bool, slot: Bits, out: Bits) => {
  const wordBits = PROBABILITY_BITS * GROUP;
  const word = reg("word", uint(wordBits));
  const wordNext = cat(p, word.slice(wordBits - 1, PROBABILITY_BITS)).as("word_next");
  when(valid, () => word.set(wordNext));
  const words = new Mem("words", uint<number>(wordBits), BUFFERS * 2 ** probabilityWordBits(c), {
    readDuringWrite: "old",
    style: "distributed",
  });
  words.write(valid.and(slot.slice(log2(BLOCK) - 1, 0).eq(BLOCK - 1)), blockAt(out, slot), wordNext);
  return (at: Bits, enable: Bool): Bits => words.read(at, enable);
};

/** One slot a cycle. 0 address; 1 score; 2 distances; 3, 4 exp2; 5 sum, probability; 6 word. */
export const passOver = (c: AcceleratorConfig, w: Walk, scores: Scores) => {
  const smax = scores.peak(w.set).as("smax");
  const { exponent, blockStart, emax, read: readExponent } = blockExponents(c, w, scores, smax);
  const read = scores.read(w.set, w.slot);
  const { score, block } = distances(read, smax, delay(exponent, 1, "exponent"));
  const weight = exp2("weight", score);
  const scaled = exp2("scaled", block);
  const valid = delayValid(w.running, WEIGHT_LATENCY, "slot_valid");
  const live = delay(w.live, WEIGHT_LATENCY, "slot_live");

  const sum = reg("sum", uint(SUM_BITS));
  when(w.start, () => sum.set(0));
  when(valid.and(live), () => sum.set(sum.addMod(weight)));
  const ofBlock = scaled
    .mul(lit(uint(PROBABILITY_BITS), MOST))
    .add(lit(uint(16), 1 << 15))
    .shr(16)
    .resize(PROBABILITY_BITS);
  const p = delay(mux(live, ofBlock, 0), 1, "p");
  const pValid = delayValid(valid, 1, "p_valid");
  const slot: Sig<"u", number> = past(w.slot, "slot")(PASS_LATENCY);
  const readWord = probabilityWords(c, p, pValid, slot, w.out);
  return {
    smax,
    emax,
    sum,
    ends: delayValid(w.running.and(w.last), PASS_LATENCY, "p_last"),
    readExponent,
    readWord,
    trace: {
      prob: { valid: pValid, data: p.extend(8) },
      probexp: { valid: blockStart, value: exponent },
    },
  };
};
