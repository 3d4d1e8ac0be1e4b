/** How the stream unit walks through the beats of the job at hand. */
import { lit, mux, type Of, reg, type Stream, type Ty, uint, when } from "../hdl/index.js";
import { GROUP, pairBits, pairs } from "../engines/port.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import type { Bits, Bool } from "./signals.js";
import { type JobRegisters, UNIT_BLOCK_BITS } from "./streamjobs.js";
import { wordBits } from "./streamports.js";
import type { stepWindow } from "./unpack.js";

const NEED_BITS = 2;

/** EMB: whether this is the row block of the token, and which row pair it is; the token is read a cycle after the start. */
const wantedRow = (c: AcceleratorConfig, { job, at }: JobRegisters, tokenData: Bits) => {
  const token = reg("token", uint(rowBits(c)));
  token.set(tokenData.wrap(rowBits(c)));
  const pair: Bits = pairs(c) === 1 ? lit(uint(1), 0) : token.wrap(pairBits(c));
  const block = token.shr(log2(pairs(c))).wrap(UNIT_BLOCK_BITS);
  return { pair, wanted: block.xor(at.block).and(job.rowMask).eq(0).as("wanted") };
};

export interface Walk {
  /** The row pair of EMB's token. */
  readonly pair: Bits;
  /** Scale steps that the beat uses up with its last token. */
  readonly uses: Bits;
  /** The beat holds high digits, those of EMB's token are kept until the low ones come. */
  readonly high: Bool;
  readonly keep: Bool;
  /** Weights and steps are there. */
  readonly present: Bool;
  /** One token of a beat is done, or a column of EMB; it goes to the engine. */
  readonly go: Bool;
  readonly issue: Bool;
  readonly lastInner: Bool;
  readonly lastGroup: Bool;
  readonly beatDone: Bool;
  readonly jobDone: Bool;
}

/** `free`: there is a place for a beat to the engine. */
export const walk = (
  c: AcceleratorConfig,
  registers: JobRegisters,
  running: Bool,
  weights: Stream<Ty<"u", number>>,
  steps: Of<ReturnType<typeof stepWindow>>,
  tokenData: Bits,
  free: Bool,
): Walk => {
  const { job, at, eight, second } = registers;
  const high = eight.is.and(second.is.not());
  const { pair, wanted } = wantedRow(c, registers, tokenData);
  // EMB of 8-bit codes takes each column twice: the high digit, then the low one.
  const mostInner = (c.features.weights8 ? 2 : 1) * GROUP - 1;
  const need = mux(
    job.wide,
    mux(at.firstGroup, lit(uint(NEED_BITS), 2), 1),
    mux(job.isW4.or(job.isKeys.and(at.firstGroup)), lit(uint(NEED_BITS), 1), 0),
  ).as("need");
  const produces = job.isLoad
    .not()
    .and(job.isEmb.not().or(wanted.and(high.not())))
    .as("produces");
  const present = weights.valid.and(steps.available.ge(need)).and(at.settling.not()).as("present");
  const go = running.and(present).and(free.or(produces.not())).as("go");
  const lastInner = mux(
    job.isEmb,
    wanted
      .not()
      .or(high)
      .or(at.inner.eq(mux(eight.is, lit(uint(at.inner.width), mostInner), GROUP - 1))),
    job.isLoad.or(at.inner.add(1).eq(job.toks)),
  ).as("last_inner");
  const lastGroup = at.groupsLeft.eq(1).as("last_group");
  const beatDone = go.and(lastInner).as("beat_done");
  const blockDone = beatDone.and(lastGroup).as("block_done");
  weights.consume(beatDone);
  advance(c, registers, { go, lastInner, lastGroup, beatDone, blockDone, high });
  return {
    pair,
    uses: mux(job.isW4.and(high), 0, need), // the low digits use the same step
    high,
    keep: beatDone.and(job.isEmb).and(high).and(wanted),
    present,
    go,
    issue: go.and(produces).as("issue"),
    lastInner,
    lastGroup,
    beatDone,
    jobDone: blockDone.and(at.blocksLeft.eq(1)).as("job_done"),
  };
};

type Progress = Pick<Walk, "go" | "lastInner" | "lastGroup" | "beatDone" | "high"> & {
  readonly blockDone: Bool;
};
const advance = (c: AcceleratorConfig, registers: JobRegisters, p: Progress): void => {
  const { job, at, second } = registers;
  const { go, lastInner, lastGroup, beatDone, blockDone, high } = p;
  when(go, () => at.inner.set(mux(lastInner, 0, at.inner.addMod(1))));
  when(beatDone, () => {
    at.firstGroup.set(lastGroup);
    second.set(high);
    at.groupsLeft.set(mux(lastGroup, job.groups, at.groupsLeft.subMod(1)));
    at.loadBeat.set(at.loadBeat.addMod(1));
  });
  when(blockDone, () => {
    at.blocksLeft.set(at.blocksLeft.subMod(1));
    at.block.set(at.block.addMod(1));
  });
  const nextGroupWord = mux(lastGroup, job.act, mux(high, at.groupWord, at.groupWord.addMod(1))).as(
    "next_group_word",
  );
  when(go, () =>
    at.word.set(mux(lastInner, nextGroupWord, at.word.addMod(job.actStride.resize(wordBits(c))))),
  );
  when(beatDone, () => at.groupWord.set(nextGroupWord));
  at.settling.set(0); // the token of an EMB is read in the cycle after it starts
};
