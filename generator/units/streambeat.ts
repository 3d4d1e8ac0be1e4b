/** The beat that the stream unit gives the engine: weights with activations or probabilities and their scales. */
import {
  bool,
  cat,
  lit,
  Mem,
  mux,
  type Of,
  reg,
  regOf,
  replicate,
  select,
  setAll,
  type Sig,
  sint,
  source,
  type Stream,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { engineBeat, engineTag, GROUP, MANTISSA_BITS, pairs, tokBits } from "../engines/port.js";
import { BEAT_CODE_BITS } from "../isa/codes.js";
import { type AcceleratorConfig, beatBits, hasEight, log2, where } from "../isa/config.js";
import { type Bits, type Bool, range } from "./signals.js";
import type { JobRegisters } from "./streamjobs.js";
import type { activationWrite, probabilityWord } from "./streamports.js";
import type { Walk } from "./streamwalk.js";
import type { stepWindow } from "./unpack.js";

const ACT_BITS = 8;
const NIBBLE = 4;
const QUADS = GROUP / 4;
const QUAD_BITS = 4 * ACT_BITS;
const COLUMN_BITS = log2(GROUP);
/** EMB: a one-hot activation of 2 and mantissas times 2^7, so each sum is c·m·2^8. */
const EMB_ACT = 2;
const EMB_SHIFT = 7;
/** Exponents are 0..31; a byte of a step is 16·x + f for keys, an exponent or a mantissa otherwise. */
const EXPONENT_BITS = 5;
type Byte = Sig<"u", 8>;
type Steps = Of<ReturnType<typeof stepWindow>>;

/** Activation words of 32 int8, written four at a time, read one cycle after `enable`. */
export const activationMemory = (c: AcceleratorConfig, write: Of<ReturnType<typeof activationWrite>>) => {
  const words = new Mem("activations", uint(ACT_BITS * GROUP), c.actWords, { readDuringWrite: "old" });
  words.write(write.enable, write.word, cat(...range(QUADS).map(() => write.data)).wrap(ACT_BITS * GROUP), {
    mask: lit(uint(QUADS), 1).dshl(write.quad),
    granule: QUAD_BITS,
  });
  return (word: Bits, enable: Bool): Bits => words.read(word.wrap(log2(c.actWords)), enable);
};

/** Mantissas and exponents by row, and V's scale bytes: from the steps of the row block and of the group. */
const scalesOf = (c: AcceleratorConfig, { job, at }: JobRegisters, go: Bool, steps: Steps) => {
  // the first step of a row block is kept for its later groups
  const kept = regOf("kept_step", vec(uint(8), c.rows));
  const blockStep: Byte[] = mux(job.isW4.or(at.firstGroup), steps.present, kept);
  when(go.and(at.firstGroup), () => setAll(kept, steps.present));
  const groupStep: Byte[] = mux(job.wide.and(at.firstGroup), steps.next, steps.present);
  const odd = blockStep.filter((_, row) => row % 2 === 1);
  return {
    mantissa: groupStep.map((byte, row) => {
      const ofBlock = blockStep[row] ?? byte;
      return row % 2 === 1 ? byte : mux(job.isKeys, cat(lit(uint(4), 1), ofBlock.slice(3, 0)), byte);
    }),
    exponent: blockStep.map((byte, row): Bits => {
      const step = byte.slice(EXPONENT_BITS - 1, 0);
      const partner = odd[row >> 1];
      if (row % 2 === 1 || partner === undefined) return step;
      const ofKeys = byte.slice(7, 4).not().resize(EXPONENT_BITS); // 15 - x
      const ofPair = mux(job.isKeys, ofKeys, partner.slice(EXPONENT_BITS - 1, 0));
      return mux(job.isValues, lit(uint(EXPONENT_BITS), 0), mux(job.wide, step, ofPair));
    }),
    aux: odd,
  };
};

/**
 * EMB: which column, and whose digits. The high digits of the token's row pair are kept while the beat of the low ones goes
 * through the engine, each column with both: every pair of beats is a sum of its own.
 */
const embedded = (c: AcceleratorConfig, { job, at, eight }: JobRegisters, w: Walk, weights: Bits) => {
  const column = at.inner.wrap(COLUMN_BITS);
  const one = lit(bool, 1);
  if (!c.features.weights8) return { weights, column, first: one, last: one, high: lit(bool, 0) };
  const rowBits = NIBBLE * GROUP;
  const rows = range(pairs(c)).map((j) => weights.slice(rowBits * (j + 1) - 1, rowBits * j));
  const kept = reg("high_digits", uint(rowBits));
  when(w.keep, () => kept.set(select(w.pair, rows)));
  const both = job.isEmb.and(eight.is).as("both_digits");
  const low = at.inner.bit(0);
  const high = both.and(low.not()).as("kept_digits");
  return {
    weights: mux(high, replicate(kept, pairs(c)), weights),
    column: mux(both, at.inner.shr(1).wrap(COLUMN_BITS), column),
    first: both.not().or(low.not()),
    last: both.not().or(low),
    high,
  };
};

/** Registers of one beat. Activations and probabilities are read at `issue`, everything else goes in here. */
const stage = (c: AcceleratorConfig, registers: JobRegisters, w: Walk, weights: Bits, steps: Steps) => {
  const { job, at } = registers;
  const { mantissa, exponent, aux } = scalesOf(c, registers, w.go, steps);
  const emb = embedded(c, registers, w, weights);
  const staged = regOf("staged", {
    weights: uint(beatBits(c)),
    code: uint(BEAT_CODE_BITS),
    mantissa: vec(uint(8), c.rows),
    first: bool,
    last: bool,
    isEmb: bool,
    isValues: bool,
    column: uint(COLUMN_BITS),
    tag: engineTag(c),
  });
  when(w.issue, () =>
    setAll(staged, {
      weights: emb.weights,
      code: job.code,
      mantissa,
      isEmb: job.isEmb,
      isValues: job.isValues,
      column: emb.column,
      first: mux(job.isEmb, emb.first, at.firstGroup),
      last: mux(job.isEmb, emb.last, w.lastGroup),
      tag: {
        wide: job.wide,
        single: job.isEmb,
        pair: w.pair,
        tok: mux(job.isEmb, lit(uint(tokBits(c)), 0), at.inner.wrap(tokBits(c))),
        lastTok: job.isEmb.or(w.lastInner),
        end: w.lastInner.and(w.lastGroup).and(job.isEmb.or(at.blocksLeft.eq(1))),
        exponent,
        aux: aux.slice(0, pairs(c)),
        high: range(where(hasEight(c))).map(() => w.high.or(emb.high)),
      },
    }),
  );
  return staged;
};

/** The staged beat with what was read for it. `free` when its place can be taken. */
export const beatOf = (
  c: AcceleratorConfig,
  registers: JobRegisters,
  w: Walk,
  given: { weights: Bits; steps: Steps; actWord: Bits; probability: Of<typeof probabilityWord> },
): { beat: Stream<ReturnType<typeof engineBeat>>; free: Bool; place(free: Bool): void } => {
  const { weights, steps, actWord, probability } = given;
  const valid = reg("beat_pending", bool, { reset: 0 });
  const b = stage(c, registers, w, weights, steps);
  const act = probability.p.map((p, i) => {
    const stored = actWord.slice(ACT_BITS * (i + 1) - 1, ACT_BITS * i).asSigned();
    const value = mux(b.isValues, p.toSigned(), stored);
    return mux(b.isEmb, mux(b.column.eq(i), lit(sint(ACT_BITS), EMB_ACT), 0), value).wrap(ACT_BITS);
  });
  const mantissa = b.mantissa.map((m) =>
    mux(b.isValues, probability.mantissa, mux(b.isEmb, m.shl(EMB_SHIFT), m.resize(MANTISSA_BITS))).wrap(
      MANTISSA_BITS,
    ),
  );
  const { weights: beatWeights, code, first, last, tag } = b;
  const beat = source(
    engineBeat(c),
    { weights: beatWeights, code, act, mantissa, first, last, tag },
    valid,
    "engine_beat",
  );
  return {
    beat,
    free: valid.not().or(beat.ready),
    place: (free) => when(free, () => valid.set(w.issue)),
  };
};
