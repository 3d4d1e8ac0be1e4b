/**
 * The stream unit: runs the jobs of the lanes. It waits for a job's semaphores, pairs weight beats with activations or
 * probabilities and their scales, and feeds the engine one beat per cycle; the next job follows without a gap.
 *
 * EMB goes through the engine as well: its row is taken column by column with a one-hot activation of 2 and mantissas
 * times 2^7, so each sum is c·m·2^8.
 */
import { bool, defineModule, mux, reg, stream, uint, when, wire } from "../hdl/index.js";
import { checkRows, engineBeat, toksBits } from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { ACTIVITY_BITS, activity } from "./activity.js";
import { type AcceleratorConfig, beatBits, rowBits } from "../isa/config.js";
import { SEMAPHORE_BITS, streamJob } from "./jobs.js";
import type { Bool } from "./signals.js";
import { activationMemory, beatOf } from "./streambeat.js";
import { begin, jobRegisters, kindsOf } from "./streamjobs.js";
import {
  activationWrite,
  constantLoad,
  loadBeatBits,
  probabilityRead,
  probabilityWord,
  probabilityWordBits,
} from "./streamports.js";
import { walk } from "./streamwalk.js";
import { stepWindow } from "./unpack.js";
import { TOKEN_BITS } from "./widths.js";

export { activationWrite, constantLoad, loadBeatBits, probabilityRead, probabilityWord, probabilityWordBits };

/** Cycles from `take` of a job to its first beat at the engine. */
export const STREAM_LATENCY = 2;

/** Of the two buffers that softmax fills in turn; one is free when its last word has gone to the engine, not before. */
const probabilityBuffers = (valuesDone: Bool, free: Bool): { buffer: Bool; release: Bool } => {
  const buffer = reg("buffer", bool, { reset: 0 });
  const releasing = reg("prob_releasing", bool, { reset: 0 });
  when(free, () => releasing.set(0));
  when(valuesDone, () => {
    releasing.set(1);
    buffer.set(buffer.not());
  });
  return { buffer, release: releasing.and(free) };
};

const streamPorts = (c: AcceleratorConfig) => ({
  in: {
    job: stream(streamJob(c)),
    granted: bool,
    missing: uint(SEMAPHORE_BITS), // answer to `want` and `amount`, same cycle
    weights: stream(uint(beatBits(c))),
    steps: stepWindow(c),
    write: activationWrite(c),
    probability: probabilityWord,
    tokenData: uint(rowBits(c)), // token RAM at tokenAddr, same cycle
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
    tokenAddr: uint(TOKEN_BITS),
    load: constantLoad(c),
    activity: uint(ACTIVITY_BITS), // index into STREAM_COUNTERS
  },
});

/**
 * One beat of `rows` x 32 codes a cycle and token, with int8 activations (contract section 4) or 7-bit probabilities and μ
 * (section 6), mantissas and exponents of its rows; STREAM_LATENCY cycles from `take` to the first beat. LOAD passes its
 * beats to the constant RAMs.
 */
export const streamUnit = (c: AcceleratorConfig) => {
  checkRows(c);
  return defineModule(
    "stream_unit",
    {
      ...streamPorts(c),
      doc: "Runs stream jobs: pairs weights with activations, one engine beat per cycle.",
    },
    ({ job, granted, missing, weights, steps, write, probability, tokenData }) => {
      const jobs = queue("jobs", streamJob(c), job, 4);
      const head = jobs.payload;
      const kinds = kindsOf(c, head);
      const running = reg("running", bool, { reset: 0 });
      const registers = jobRegisters(c);
      const { job: r, at } = registers;
      const free = wire("free", bool); // for a beat to the engine
      const w = walk(c, registers, running, weights, steps, tokenData, free);
      const take = jobs.consume(granted.and(running.not().or(w.jobDone))).as("take");
      when(w.jobDone, () => running.set(0));
      when(take, () => {
        running.set(1);
        begin(c, registers, head, kinds);
      });

      const actWord = activationMemory(c, write)(at.word, w.issue);
      const out = beatOf(c, registers, w, { weights: weights.payload, steps, actWord, probability });
      free.drive(out.free);
      out.place(free);
      const { buffer, release } = probabilityBuffers(w.jobDone.and(r.isValues), free);
      const loads = w.go.and(r.isLoad);
      return {
        want: head.wait,
        amount: mux(kinds.isMv, head.toks, 1),
        take,
        pop: mux(w.beatDone, w.uses, 0),
        flush: w.jobDone,
        beat: out.beat,
        probabilityRead: {
          enable: w.issue.and(r.isValues),
          buffer,
          word: at.word.wrap(probabilityWordBits(c)),
        },
        probRelease: release,
        started: take.and(kinds.isLoad.not()),
        tokenAddr: r.position,
        load: { enable: loads, ram: r.ram, beat: at.loadBeat, data: weights.payload },
        activity: activity({
          busy: w.go.and(r.isLoad.not()),
          load: loads,
          running,
          blocked: w.present.and(free.not()),
          waiting: jobs.valid.and(granted.not()),
          missing,
        }),
      };
    },
  );
};
