/** The filling side of softmax: scores, the largest of all, and the largest c of each block of 32 slots. Contract section 6. */
import { LOG16 } from "../../golden/contract/tables.js";
import { cat, delay, delayValid, lit, Mem, type Of, reg, select, sint, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import type { scoreValue } from "./epilogueports.js";
import { type Bits, type Bool, type Int, range } from "./signals.js";
import { probabilityWordBits } from "./stream.js";
import { BLOCK, VALUE_BITS } from "./widths.js";

/** Buffers of scores, and of probabilities. */
export const BUFFERS = 2;
/** Scores: 10 fraction bits, base 2. */
export const SCORE_FRACTION = 10;
/** Bits of c = score + 1024·x + LOG16[f]. */
export const C_BITS = 25;
const LOG_BITS = 13;
const SCALE_F_BITS = 4;

/** Address of a block's entry in one of two buffers. */
export const blockAt = (set: Bits, slot: Bits): Bits =>
  cat(set, slot.width > log2(BLOCK) ? slot.slice(slot.width - 1, log2(BLOCK)) : lit(uint(1), 0));
export interface Scores {
  /** Largest score of a buffer. */
  peak(set: Bits): Int;
  /** Largest c of a slot's block, same cycle. */
  blockPeak(set: Bits, slot: Bits): Int;
  /** Score and c of a slot, in the next cycle. */
  read(set: Bits, slot: Bits): { readonly s: Int; readonly c: Int };
}

/** c: the score and the logarithm of V's scale byte. */
const withScale = (value: Int, aux: Bits) => {
  const log = select(
    aux.slice(SCALE_F_BITS - 1, 0),
    LOG16.map((v) => lit(uint(LOG_BITS), v)),
  );
  const weight = cat(aux.slice(aux.width - 1, SCALE_F_BITS), lit(uint(SCORE_FRACTION), 0))
    .add(log)
    .as("log_scale");
  return value.add(weight.toSigned().resize(VALUE_BITS)).wrap(C_BITS);
};

/** Scores arrive in the order of slots, one a cycle; one register. */
export const fillScores = (c: AcceleratorConfig, score: Of<ReturnType<typeof scoreValue>>): Scores => {
  const fill = reg("fill_set", uint(1), { reset: 0 });
  const valid = delayValid(score.valid, 1, "score_valid");
  const s = delay(score.value, 1, "score");
  const row = delay(score.row.resize(log2(c.context)), 1, "score_row");
  const last = delay(score.last, 1, "score_last");
  const logScore = delay(withScale(score.value, score.aux), 1, "log_score");

  const scores = new Mem("scores", { s: sint(VALUE_BITS), c: sint(C_BITS) }, BUFFERS * c.context, {
    readDuringWrite: "old",
    style: "block",
  });
  scores.write(valid, cat(fill, row), { s, c: logScore });
  const peaks = range(BUFFERS).map((k) => {
    const peak = reg(`peak_${k}`, sint(VALUE_BITS));
    when(valid.and(fill.eq(k)).and(row.eq(0).or(s.gt(peak))), () => peak.set(s));
    return peak;
  });
  const blockPeaks = new Mem("block_peaks", sint(C_BITS), BUFFERS * 2 ** probabilityWordBits(c), {
    readDuringWrite: "old",
    style: "distributed",
  });
  const address = blockAt(fill, row);
  const first: Bool = row.slice(log2(BLOCK) - 1, 0).eq(0);
  const before = blockPeaks.readAsync(address).as("block_peak");
  blockPeaks.write(valid.and(first.or(logScore.gt(before))), address, logScore);
  when(valid.and(last), () => fill.set(fill.not()));
  return {
    peak: (set) => select(set, peaks),
    blockPeak: (set, slot) => blockPeaks.readAsync(blockAt(set, slot)),
    read: (set, slot) => scores.read(cat(set, slot)),
  };
};
