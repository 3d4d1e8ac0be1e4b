/** The stream unit's job at hand, and how far it is. */
import { bool, lit, mux, type Of, regs, select, setAll, uint } from "../hdl/index.js";
import { toksBits } from "../engines/port.js";
import { BEAT_CODE_BITS, beatCode, codeOf } from "../isa/codes.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { FIELDS, FORMATS, type Format } from "../isa/instruction.js";
import type { streamJob } from "./jobs.js";
import type { Bits, Bool } from "./signals.js";
import { loadBeatBits, wordBits } from "./streamports.js";
import { formatCode, STREAM_KINDS, wideFormat } from "./unpack.js";
import { TOKEN_BITS } from "./widths.js";

type Job = Of<ReturnType<typeof streamJob>>;
const COLUMN_BITS = 5; // of EMB
/** EMB: row blocks of a unit, 1, 2, 4 or 8. */
export const UNIT_BLOCK_BITS = 3;

/** What the next job is. */
export const kindsOf = (head: Job) => {
  const isMv = head.kind.eq(STREAM_KINDS.mv).as("head_is_mv");
  return {
    isMv,
    isLoad: head.kind.eq(STREAM_KINDS.load).as("head_is_load"),
    isEmb: head.kind.eq(STREAM_KINDS.emb).as("head_is_emb"),
    isFormat: (format: Format): Bool => isMv.and(head.format.eq(formatCode(format))),
  };
};
export type Kinds = ReturnType<typeof kindsOf>;

/** Beats' code: EMB reads rows of w4. */
const codeOfJob = (head: Job, isMv: Bool) =>
  mux(
    isMv,
    select(
      head.format,
      FORMATS.map((f) => lit(uint(BEAT_CODE_BITS), beatCode(codeOf(f)))),
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
    ram: uint(FIELDS.ram[1]),
    groups: uint(FIELDS.groups[1]),
    toks: uint(toksBits(c)),
    act: uint(wordBits(c)),
    actStride: uint(log2(c.actWords)),
    position: uint(TOKEN_BITS),
    rowMask: uint(UNIT_BLOCK_BITS),
  }),
  /** Row block, group, and within them the token, or the column of EMB. */
  at: regs({
    blocksLeft: uint(FIELDS.beats[1]),
    groupsLeft: uint(FIELDS.groups[1]),
    firstGroup: bool,
    inner: uint(Math.max(COLUMN_BITS, toksBits(c))),
    groupWord: uint(wordBits(c)),
    word: uint(wordBits(c)),
    block: uint(UNIT_BLOCK_BITS),
    loadBeat: uint(loadBeatBits(c)),
    settling: bool,
  }),
});
export type JobRegisters = ReturnType<typeof jobRegisters>;

/** The head of the queue becomes the job at hand. */
export const begin = (c: AcceleratorConfig, { job, at }: JobRegisters, head: Job, kinds: Kinds): void => {
  const { isMv, isLoad, isEmb, isFormat } = kinds;
  const firstWord: Bits = mux(isFormat("values"), lit(uint(wordBits(c)), 0), head.act.resize(wordBits(c)));
  const groups = mux(isLoad, lit(uint(head.groups.width), 1), head.groups);
  setAll(job, {
    isLoad,
    isEmb,
    wide: isMv.and(wideFormat(head.format)),
    code: codeOfJob(head, isMv),
    isW4: isFormat("w4").or(isEmb),
    isKeys: isFormat("keys"),
    isValues: isFormat("values"),
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
