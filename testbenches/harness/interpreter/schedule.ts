/**
 * The units of the accelerator at the granularity of jobs: queues of depth 4, semaphores, a fetcher that runs ahead, a
 * cache writer that lags. Units may take turns in any order that the semaphores allow: `random` picks one, so that a
 * missing wait becomes a wrong result or a deadlock in some order.
 */
import { EPILOGUES, FORMATS, SEMAPHORES, VALUE_FORMATS } from "../../../generator/isa/instruction.js";
import { type CacheWrite, finish } from "./epilogue.js";
import type { Machine } from "./machine.js";
import type { Job } from "./sequence.js";
import { fetch, load, type Results, stream } from "./stream.js";
import { quant, softmaxOf } from "./vector.js";

/** Chooses among n possible steps, 0..n-1. */
export type Choose = (possible: number) => number;

const DEPTH = 4;
/** Jobs whose results may be under way behind the engine. */
const IN_FLIGHT = 2;
/** Score buffers, and probability buffers. */
const BUFFERS = 2;

class Semaphores {
  private readonly count = new Map<number, number>(Object.values(SEMAPHORES).map((s) => [s.bit, s.initial]));

  private bits(mask: number): number[] {
    return [...Array(16).keys()].filter((bit) => (mask >> bit) & 1);
  }

  granted(job: Job): boolean {
    return this.bits(job.field("wait")).every((bit) => (this.count.get(bit) ?? 0) >= job.amount);
  }

  take(job: Job): void {
    for (const bit of this.bits(job.field("wait")))
      this.count.set(bit, (this.count.get(bit) ?? 0) - job.amount);
  }

  give(mask: number, amount: number): void {
    for (const bit of this.bits(mask)) this.count.set(bit, (this.count.get(bit) ?? 0) + amount);
  }

  missing(job: Job): string {
    const short = Object.entries(SEMAPHORES).filter(
      ([, { bit }]) => (job.field("wait") >> bit) & 1 && this.count.get(bit)! < job.amount,
    );
    return short.map(([name, { bit }]) => `${name} (${this.count.get(bit)} of ${job.amount})`).join(" and ");
  }

  /** What is not as at the start. */
  left(): string[] {
    return Object.entries(SEMAPHORES)
      .filter(([, { bit, initial }]) => this.count.get(bit) !== initial)
      .map(([name, { bit, initial }]) => `${name} is ${this.count.get(bit)}, at the start ${initial}`);
  }
}

/** A unit that takes a job, then does it. */
class Unit {
  readonly queue: Job[] = [];
  running: Job | undefined;
  get full(): boolean {
    return this.queue.length >= DEPTH;
  }
}

/** Runs all jobs. Returns the number of jobs. */
export const schedule = (machine: Machine, jobs: Iterator<Job, void>, choose: Choose): number => {
  const semaphores = new Semaphores();
  const [streamer, quantiser, softmaxer] = [new Unit(), new Unit(), new Unit()];
  const fetches: Job[] = [];
  const fetched: Uint8Array[] = [];
  const results: { readonly job: Job; readonly results: Results }[] = [];
  const writes: CacheWrite[] = [];
  let cachePending = 0;
  let done = 0;
  let next = jobs.next();

  const probFree = 1 << SEMAPHORES.probFree.bit;
  const isValues = (job: Job): boolean =>
    job.op === "mv" && VALUE_FORMATS.some((format) => FORMATS[job.field("format")] === format);
  const writesCache = (job: Job): boolean =>
    job.op === "mv" &&
    (EPILOGUES[job.field("epilogue")] === "key" || EPILOGUES[job.field("epilogue")] === "value");
  const unitOf = (job: Job): Unit =>
    job.op === "quant" ? quantiser : job.op === "softmax" ? softmaxer : streamer;
  const start = (unit: Unit) => ({
    possible: () => unit.running === undefined && unit.queue.length > 0 && semaphores.granted(unit.queue[0]!),
    run: () => {
      unit.running = unit.queue.shift()!;
      semaphores.take(unit.running);
    },
  });
  const complete = (job: Job): void => {
    semaphores.give(job.field("signal"), job.amount);
    done++;
  };

  const steps = [
    {
      // cache writer
      possible: () => writes.length > 0,
      run: () => {
        writes.shift()!();
        cachePending--;
      },
    },
    {
      // epilogue
      possible: () => results.length > 0,
      run: () => {
        const head = results.shift()!;
        const write = finish(machine, head.job, head.results);
        if (write !== undefined) writes.push(write);
        if (machine.scores.length > BUFFERS)
          throw new Error(`instruction ${head.job.pc}: no score buffer is free`);
        complete(head.job);
      },
    },
    {
      // softmax
      possible: () => softmaxer.running !== undefined,
      run: () => {
        softmaxOf(machine, softmaxer.running!);
        if (machine.probabilities.length > BUFFERS)
          throw new Error(`instruction ${softmaxer.running!.pc}: no probability buffer is free`);
        complete(softmaxer.running!);
        softmaxer.running = undefined;
      },
    },
    {
      // quantiser
      possible: () => quantiser.running !== undefined,
      run: () => {
        quant(machine, quantiser.running!);
        complete(quantiser.running!);
        quantiser.running = undefined;
      },
    },
    {
      // stream and engine
      possible: () => streamer.running !== undefined && fetched.length > 0 && results.length < IN_FLIGHT,
      run: () => {
        const job = streamer.running!;
        const bytes = fetched.shift()!;
        streamer.running = undefined;
        if (job.op === "load") {
          load(machine, job, bytes);
          complete(job);
          return;
        }
        results.push({ job, results: stream(machine, job, bytes) });
        if (isValues(job)) semaphores.give(probFree, 1);
      },
    },
    start(softmaxer),
    start(quantiser),
    start(streamer),
    {
      // fetch
      possible: () => {
        const job = fetches[0];
        if (job === undefined || fetched.length >= DEPTH) return false;
        if (job.op === "emb") return machine.tokens.length > job.position;
        return job.field("fetchAfterCache") === 0 || cachePending === 0;
      },
      run: () => {
        const job = fetches.shift()!;
        if (writesCache(job)) cachePending++;
        fetched.push(fetch(machine, job));
      },
    },
    {
      // sequencer
      possible: () => {
        if (next.done === true) return false;
        const unit = unitOf(next.value);
        return !unit.full && (unit !== streamer || fetches.length < DEPTH);
      },
      run: () => {
        const job = next.value as Job;
        unitOf(job).queue.push(job);
        if (unitOf(job) === streamer) fetches.push(job);
        next = jobs.next();
      },
    },
  ];

  for (;;) {
    const possible = steps.filter((step) => step.possible());
    if (possible.length === 0) break;
    possible[choose(possible.length)]!.run();
  }

  const stuck = [streamer, quantiser, softmaxer].flatMap(({ queue, running }) => [
    ...(running === undefined ? [] : [`instruction ${running.pc} (${running.op}) waits for its weights`]),
    ...(queue[0] === undefined
      ? []
      : [`instruction ${queue[0].pc} (${queue[0].op}) waits for ${semaphores.missing(queue[0])}`]),
  ]);
  if (next.done !== true || stuck.length > 0) throw new Error(`deadlock: ${stuck.join("; ")}`);
  const left = semaphores.left();
  if (left.length > 0) throw new Error(`semaphores at the end: ${left.join("; ")}`);
  return done;
};
