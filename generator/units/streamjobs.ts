/** The stream unit's job at hand, and how far it is. */
import { bool, lit, mux, type Of, regs, select, setAll, uint } from "../hdl/index.js";
import { toksBits } from "../engines/port.js";
import { BEAT_CODE_BITS, beatCode, codeOf } from "../isa/codes.js";
import { type AcceleratorConfig, hasEight, log2, where } from "../isa/config.js";
import { FIELDS, FORMATS, type Format, KEY_FORMATS, VALUE_FORMATS } from "../isa/instruction.js";
import { built, ramBits, type streamJob } from "./jobs.js";
import { type Bits, bitIf, type Bool } from "./signals.js";
import { loadBeatBits, wordBits } from "./streamports.js";
import { blockBeatBits, eightFormat, oneOf, STREAM_KINDS, wideFormat } from "./unpack.js";
import { TOKEN_BITS } from "./widths.js";

type Job = Of<ReturnType<typeof streamJob>>;
const COLUMN_BITS = 5; // of EMB
/** EMB: row blocks of a unit, 1, 2, 4 or 8. */
export const UNIT_BLOCK_BITS = 3;

/** What the next job is. */
export const kindsOf = (c: AcceleratorConfig, head: Job) => {
  const isMv = head.kind.eq(STREAM_KINDS.mv).as("head_is_mv");
  const isEmb = head.kind.eq(STREAM_KINDS.emb).as("head_is_emb");
  return {
    isMv,
    isLoad: head.kind.eq(STREAM_KINDS.load).as("head_is_load"),
    isEmb,
    isFormat: (...formats: readonly Format[]): Bool => isMv.and(oneOf(c, head.format, formats)),
    isEight: isMv.or(isEmb).and(eightFormat(c, head.format)),
  };
};
export type Kinds = ReturnType<typeof kindsOf>;

/** Beats' code: EMB reads rows of w4 digits. */
const codeOfJob = (c: AcceleratorConfig, head: Job, isMv: Bool) =>
  mux(
    isMv,
    select(
      head.format,
      built(c, FORMATS).map((f) => lit(uint(BEAT_CODE_BITS), beatCode(codeOf(f)))),
    ),
    beatCode("w4"),
  );

export const jobRegisters = (c: AcceleratorConfig) => ({
  job: regs({
    isLoad: bool,
    isEmb: bool,
    wide: bool, // R rows a row block
    code: uint(BEAT_CODE_BITS),
    isW4: bool,
    isKeys: bool,
    isValues: bool,
    ram: uint(ramBits(c)),
    groups: uint(blockBeatBits(c)), // beats of a row block
    toks: uint(toksBits(c)),
    act: uint(wordBits(c)),
    actStride: uint(log2(c.actWords)),
    position: uint(TOKEN_BITS),
    rowMask: uint(UNIT_BLOCK_BITS),
  }),
  /** Row block, group, and within them the token, or the column of EMB. */
  at: regs({
    blocksLeft: uint(FIELDS.beats[1]),
    groupsLeft: uint(blockBeatBits(c)),
    firstGroup: bool,
    inner: uint(Math.max(COLUMN_BITS + where(c.features.weights8), toksBits(c))),
    groupWord: uint(wordBits(c)),
    word: uint(wordBits(c)),
    block: uint(UNIT_BLOCK_BITS),
    loadBeat: uint(loadBeatBits(c)),
    settling: bool,
  }),
  /** The job's groups are pairs of beats; the beat at hand is the second of one. */
  eight: bitIf(hasEight(c), "eight"),
  second: bitIf(hasEight(c), "second"),
});
export type JobRegisters = ReturnType<typeof jobRegisters>;

/** The head of the queue becomes the job at hand. */
export const begin = (c: AcceleratorConfig, registers: JobRegisters, head: Job, kinds: Kinds): void => {
  const { job, at, eight, second } = registers;
  const { isMv, isLoad, isEmb, isFormat, isEight } = kinds;
  const firstWord: Bits = mux(
    isFormat(...VALUE_FORMATS),
    lit(uint(wordBits(c)), 0),
    head.act.resize(wordBits(c)),
  );
  const beats = mux(isEight, head.groups.shl(1), head.groups).resize(blockBeatBits(c));
  const groups = mux(isLoad, lit(uint(blockBeatBits(c)), 1), beats);
  eight.set(isEight);
  second.set(lit(bool, 0));
  setAll(job, {
    isLoad,
    isEmb,
    wide: isMv.and(wideFormat(head.format)),
    code: codeOfJob(c, head, isMv),
    isW4: isFormat("w4", "w8").or(isEmb),
    isKeys: isFormat(...KEY_FORMATS),
    isValues: isFormat(...VALUE_FORMATS),
    ram: head.ram,
    groups,
    toks: head.toks,
    act: firstWord,
    actStride: head.actStride,
    position: head.position,
    rowMask: head.rowBlocks.wrap(UNIT_BLOCK_BITS).subMod(1),
  });
  setAll(at, {
    blocksLeft: mux(isLoad, head.beats, head.rowBlocks.resize(head.beats.width)),
    groupsLeft: groups,
    firstGroup: 1,
    inner: 0,
    groupWord: firstWord,
    word: firstWord,
    block: 0,
    loadBeat: 0,
    settling: isEmb,
  });
};
