/**
 * The stream unit: runs the jobs of the lanes. It waits for a job's semaphores, pairs weight beats with activations or
 * probabilities and their scales, and feeds the engine one beat per cycle; the next job follows without a gap.
 *
 * EMB goes through the engine as well: its row is taken column by column with a one-hot activation of 2 and mantissas
 * times 2^7, so each sum is c·m·2^8.
 */
import {
  bool,
  cat,
  defineModule,
  lit,
  Mem,
  mux,
  reg,
  regOf,
  regs,
  select,
  setAll,
  type Sig,
  sint,
  source,
  stream,
  uint,
  vec,
  when,
  wire,
} from "../hdl/index.js";
import {
  checkRows,
  engineBeat,
  engineTag,
  GROUP,
  MANTISSA_BITS,
  pairBits,
  pairs,
  tokBits,
  toksBits,
} from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { activity } from "./activity.js";
import { BEAT_CODE_BITS, beatCode, codeOf } from "../isa/codes.js";
import { FORMATS } from "../isa/instruction.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import { SEMAPHORE_BITS, streamJob } from "./jobs.js";
import { formatCode, STREAM_KINDS, stepWindow, wideFormat } from "./unpack.js";

type Bits = Sig<"u", number>;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Bits of the index of a probability word. */
export const probabilityWordBits = (c: AcceleratorConfig): number => Math.max(1, log2(c.context / GROUP));
/** Bits of the index of a beat in a constant RAM. */
export const loadBeatBits = (c: AcceleratorConfig): number =>
  Math.max(
    1,
    Math.ceil(Math.log2((32 * Math.max(c.gainEntries / 2, c.kmeanEntries, c.ropeEntries)) / beatBits(c))),
  );

export const activationWrite = (c: AcceleratorConfig) => ({
  enable: bool,
  word: uint(log2(c.actWords)),
  quad: uint(3),
  data: uint(32),
});
/** Asks for a word of 32 probabilities and its μ; the answer comes in the next cycle and stays until the next enable. */
export const probabilityRead = (c: AcceleratorConfig) => ({
  enable: bool,
  buffer: bool,
  word: uint(probabilityWordBits(c)),
});
export const probabilityWord = { p: vec(uint(7), GROUP), mantissa: uint(MANTISSA_BITS) };
export const constantLoad = (c: AcceleratorConfig) => ({
  enable: bool,
  ram: uint(2),
  beat: uint(loadBeatBits(c)),
  data: uint(beatBits(c)),
});

/** Cycles from `take` of a job to its first beat at the engine. */
export const STREAM_LATENCY = 2;

export const streamUnit = (c: AcceleratorConfig) => {
  checkRows(c);
  const half = log2(pairs(c));
  const wordBits = Math.max(log2(c.actWords), probabilityWordBits(c));
  return defineModule(
    "stream_unit",
    {
      in: {
        job: stream(streamJob(c)),
        granted: bool,
        missing: uint(SEMAPHORE_BITS), // answer to `want` and `amount`, same cycle
        weights: stream(uint(beatBits(c))),
        steps: stepWindow(c),
        write: activationWrite(c),
        probability: probabilityWord,
        tokenData: uint(16), // token RAM at tokenAddr, same cycle
      },
      out: {
        want: uint(SEMAPHORE_BITS),
        amount: uint(toksBits(c)),
        take: bool,
        pop: uint(2),
        flush: bool, // of the steps
        beat: stream(engineBeat(c)),
        probabilityRead: probabilityRead(c),
        probRelease: bool, // the last word of a buffer has gone to the engine
        started: bool, // an EMB or MV starts
        tokenAddr: uint(16),
        load: constantLoad(c),
        activity: uint(5), // index into STREAM_COUNTERS
      },
      doc: "Runs stream jobs: pairs weights with activations, one engine beat per cycle.",
    },
    ({ job, granted, missing, weights, steps, write, probability, tokenData }) => {
      const jobs = queue("jobs", streamJob(c), job, 4);
      const head = jobs.payload;
      const isMv = head.kind.eq(STREAM_KINDS.mv).as("head_is_mv");
      const isLoad = head.kind.eq(STREAM_KINDS.load).as("head_is_load");
      const isEmb = head.kind.eq(STREAM_KINDS.emb).as("head_is_emb");
      const isFormat = (format: "w2" | "w4" | "keys" | "values"): Sig<"u", 1> =>
        isMv.and(head.format.eq(formatCode(format)));

      // the job at hand
      const running = reg("running", bool, { reset: 0 });
      const r = regs({
        isLoad: bool,
        isEmb: bool,
        wide: bool, // R rows a row block
        code: uint(BEAT_CODE_BITS),
        isW4: bool,
        isKeys: bool,
        isValues: bool,
        ram: uint(2),
        groups: uint(10),
        toks: uint(toksBits(c)),
        act: uint(wordBits),
        actStride: uint(log2(c.actWords)),
        position: uint(16),
        rowMask: uint(3),
      });
      // and how far it is: row block, group, and within them the token, or the column of EMB
      const at = regs({
        blocksLeft: uint(20),
        groupsLeft: uint(10),
        firstGroup: bool,
        inner: uint(Math.max(5, toksBits(c))),
        groupWord: uint(wordBits),
        word: uint(wordBits),
        block: uint(3),
        loadBeat: uint(loadBeatBits(c)),
        settling: bool,
      });
      const buffer = reg("buffer", bool, { reset: 0 }); // of the two that softmax fills in turn

      // EMB: is this the row block of the token, and which of its rows is it?
      const token = reg("token", uint(16));
      token.set(tokenData);
      const wanted = token.shr(half).wrap(3).xor(at.block).and(r.rowMask).eq(0).as("wanted");
      const pair: Bits = half === 0 ? lit(uint(1), 0) : token.wrap(pairBits(c));

      const need = mux(
        r.wide,
        mux(at.firstGroup, lit(uint(2), 2), 1),
        mux(r.isW4.or(r.isKeys.and(at.firstGroup)), lit(uint(2), 1), 0),
      ).as("need");
      const produces = r.isLoad.not().and(r.isEmb.not().or(wanted)).as("produces");
      const free = wire("free", bool); // for a beat to the engine
      const present = weights.valid.and(steps.available.ge(need)).and(at.settling.not()).as("present");
      const go = running.and(present).and(free.or(produces.not())).as("go");
      const issue = go.and(produces).as("issue");

      const lastInner = mux(
        r.isEmb,
        wanted.not().or(at.inner.eq(GROUP - 1)),
        r.isLoad.or(at.inner.add(1).eq(r.toks)),
      ).as("last_inner");
      const lastGroup = at.groupsLeft.eq(1).as("last_group");
      const beatDone = go.and(lastInner).as("beat_done");
      const blockDone = beatDone.and(lastGroup).as("block_done");
      const jobDone = blockDone.and(at.blocksLeft.eq(1)).as("job_done");
      weights.consume(beatDone);

      when(go, () => at.inner.set(mux(lastInner, 0, at.inner.addMod(1))));
      when(beatDone, () => {
        at.firstGroup.set(lastGroup);
        at.groupsLeft.set(mux(lastGroup, r.groups, at.groupsLeft.subMod(1)));
        at.loadBeat.set(at.loadBeat.addMod(1));
      });
      when(blockDone, () => {
        at.blocksLeft.set(at.blocksLeft.subMod(1));
        at.block.set(at.block.addMod(1));
      });
      const nextGroupWord = mux(lastGroup, r.act, at.groupWord.addMod(1)).as("next_group_word");
      when(go, () =>
        at.word.set(mux(lastInner, nextGroupWord, at.word.addMod(r.actStride.resize(wordBits)))),
      );
      when(beatDone, () => at.groupWord.set(nextGroupWord));
      at.settling.set(0); // the token of an EMB is read in the cycle after it starts

      const take = jobs.consume(granted.and(running.not().or(jobDone))).as("take");
      const firstWord = mux(isFormat("values"), lit(uint(wordBits), 0), head.act.resize(wordBits));
      const rowGroups = mux(isLoad, lit(uint(10), 1), head.groups);
      when(jobDone, () => running.set(0));
      when(take, () => {
        running.set(1);
        setAll(r, {
          isLoad,
          isEmb,
          wide: isMv.and(wideFormat(head.format)),
          code: mux(
            isMv,
            select(
              head.format,
              FORMATS.map((f) => lit(uint(BEAT_CODE_BITS), beatCode(codeOf(f)))),
            ),
            beatCode("w4"),
          ),
          isW4: isFormat("w4").or(isEmb),
          isKeys: isFormat("keys"),
          isValues: isFormat("values"),
          ram: head.ram,
          groups: rowGroups,
          toks: head.toks,
          act: firstWord,
          actStride: head.actStride,
          position: head.position,
          rowMask: head.rowBlocks.wrap(3).subMod(1), // EMB: 1, 2, 4 or 8 row blocks
        });
        setAll(at, {
          blocksLeft: mux(isLoad, head.beats, head.rowBlocks.resize(20)),
          groupsLeft: rowGroups,
          firstGroup: 1,
          inner: 0,
          groupWord: firstWord,
          word: firstWord,
          block: 0,
          loadBeat: 0,
          settling: isEmb,
        });
      });

      // activations and probabilities are read at `issue`, everything else of the beat goes into registers
      const activations = new Mem("activations", uint(8 * GROUP), c.actWords, { readDuringWrite: "old" });
      activations.write(write.enable, write.word, cat(...range(8).map(() => write.data)), {
        mask: lit(uint(8), 1).dshl(write.quad),
        granule: 32,
      });
      const actWord = activations.read(at.word.wrap(log2(c.actWords)), issue);

      // scales: the first step of a row block is kept for its later groups
      const kept = regOf("kept_step", vec(uint(8), c.rows));
      const blockStep = mux(r.isW4.or(at.firstGroup), steps.present, kept);
      when(go.and(at.firstGroup), () => setAll(kept, steps.present));
      const groupStep = mux(r.wide.and(at.firstGroup), steps.next, steps.present);
      const scaleShape = vec(uint(8), c.rows);
      const mantissas = range(c.rows).map((row) =>
        row & 1
          ? groupStep[row]!
          : mux(r.isKeys, cat(lit(uint(4), 1), blockStep[row]!.slice(3, 0)), groupStep[row]!),
      );
      const exponents = range(c.rows).map((row) => {
        const step = blockStep[row]!.slice(4, 0);
        if (row & 1) return step;
        const ofPair = mux(
          r.isKeys,
          blockStep[row]!.slice(7, 4).not().resize(5),
          blockStep[row + 1]!.slice(4, 0),
        ); // 15 - x
        return mux(r.isValues, lit(uint(5), 0), mux(r.wide, step, ofPair));
      });

      const beatValid = reg("beat_pending", bool, { reset: 0 });
      const b = regOf("staged", {
        weights: uint(beatBits(c)),
        code: uint(BEAT_CODE_BITS),
        mantissa: scaleShape,
        first: bool,
        last: bool,
        isEmb: bool,
        isValues: bool,
        column: uint(5),
        tag: engineTag(c),
      });
      when(free, () => beatValid.set(issue));
      when(issue, () =>
        setAll(b, {
          weights: weights.payload,
          code: r.code,
          mantissa: mantissas,
          isEmb: r.isEmb,
          isValues: r.isValues,
          column: at.inner.wrap(5),
          first: at.firstGroup.or(r.isEmb),
          last: lastGroup.or(r.isEmb),
          tag: {
            wide: r.wide,
            single: r.isEmb,
            pair,
            tok: mux(r.isEmb, lit(uint(tokBits(c)), 0), at.inner.wrap(tokBits(c))),
            lastTok: r.isEmb.or(lastInner),
            end: lastInner.and(lastGroup).and(r.isEmb.or(at.blocksLeft.eq(1))),
            exponent: exponents,
            aux: range(pairs(c)).map((j) => blockStep[2 * j + 1]!),
          },
        }),
      );

      const act = range(GROUP).map((i) => {
        const stored = mux(
          b.isValues,
          probability.p[i]!.toSigned(),
          actWord.slice(8 * i + 7, 8 * i).asSigned(),
        );
        return mux(b.isEmb, mux(b.column.eq(i), lit(sint(8), 2), 0), stored).wrap(8);
      });
      const mantissa = b.mantissa.map((m) =>
        mux(b.isValues, probability.mantissa, mux(b.isEmb, m.shl(7), m.resize(MANTISSA_BITS))),
      );
      const beat = source(
        engineBeat(c),
        {
          weights: b.weights,
          code: b.code,
          act,
          mantissa,
          first: b.first,
          last: b.last,
          tag: b.tag,
        },
        beatValid,
      );
      free.drive(beatValid.not().or(beat.ready));

      // a buffer of probabilities is free when its last word has gone to the engine, not before
      const releasing = reg("prob_releasing", bool, { reset: 0 });
      const valuesDone = jobDone.and(r.isValues);
      when(free, () => releasing.set(0));
      when(valuesDone, () => {
        releasing.set(1);
        buffer.set(buffer.not());
      });

      return {
        want: head.wait,
        amount: mux(isMv, head.toks, 1),
        take,
        pop: mux(beatDone, need, 0),
        flush: jobDone,
        beat,
        probabilityRead: {
          enable: issue.and(r.isValues),
          buffer,
          word: at.word.wrap(probabilityWordBits(c)),
        },
        probRelease: releasing.and(free),
        started: take.and(isLoad.not()),
        tokenAddr: r.position,
        load: { enable: go.and(r.isLoad), ram: r.ram, beat: at.loadBeat, data: weights.payload },
        activity: activity({
          busy: go.and(r.isLoad.not()),
          load: go.and(r.isLoad),
          running,
          blocked: present.and(free.not()),
          waiting: jobs.valid.and(granted.not()),
          missing,
        }),
      };
    },
  );
};
