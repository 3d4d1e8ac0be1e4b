/** One simulated run against golden: engine, comparer, tokens as they come, and the account at the end. */
import type { TracePoint } from "../../generator/isa/trace.js";
import { STREAM_COUNTERS } from "../../generator/isa/trace.js";
import { type Account, account } from "./account.js";
import { Comparer, describeMismatch, type Expectation, firstMissing } from "./compare.js";
import { runEmbedded } from "./embedded.js";
import { runIcarus } from "./icarus.js";
import type { EngineName, RunEngine, RunEnd } from "./run.js";
import { describeRun, expectations, type Request, type System } from "./system.js";
import { runVerilator } from "./verilator.js";

const RUNNERS: Readonly<Record<EngineName, RunEngine>> = {
  embedded: runEmbedded,
  verilator: runVerilator,
  icarus: runIcarus,
};

export interface Progress {
  readonly cycle: number;
  /** What the hardware is computing: the last tensor element that came. */
  readonly at: Expectation | undefined;
}

export interface Listener {
  token(token: number): void;
  progress(progress: Progress): void;
}

export interface SessionResult {
  readonly end: RunEnd;
  readonly tokens: readonly number[];
  /** Cycle in which each token came. */
  readonly tokenCycles: readonly number[];
  readonly compared: number;
  readonly comparedPer: ReadonlyMap<TracePoint, number>;
  /** Texts of the first mismatches and of what never came. */
  readonly mismatches: readonly string[];
  /** Cycle of the first mismatch; null when there is none. */
  readonly firstMismatch: number | null;
  readonly saturated: boolean;
  /** null when the run did not end by itself. */
  readonly account: Account | null;
}

export const runSession = async (
  system: System,
  request: Request,
  engine: EngineName,
  clockMHz: number,
  listener: Listener,
): Promise<SessionResult> => {
  const run = describeRun(system, request);
  const source = expectations(system, request);
  let at: Expectation | undefined;
  const comparer = new Comparer({
    next: (point) => {
      const e = source.next(point);
      if (e !== undefined) at = e;
      return e;
    },
  });
  const tokens: number[] = [];
  const tokenCycles: number[] = [];
  let last = 0;
  const end = await RUNNERS[engine](run, {
    record: (record) => {
      comparer.record(record);
      last = record.cycle;
      if (record.point !== "token") return;
      tokens.push(record.fields[0]!);
      tokenCycles.push(record.cycle);
      listener.token(record.fields[0]!);
    },
    progress: (cycle) => listener.progress({ cycle: Math.max(cycle, last), at }),
    stopped: () => comparer.full,
  });
  const mismatches = comparer.mismatches.map(describeMismatch);
  if (end.outcome === "limit")
    mismatches.push(
      `the hardware was not done after ${end.cycles} cycles: it hangs, or is far slower than estimated`,
    );
  if (end.outcome === "done" && mismatches.length === 0) {
    const missing = firstMissing(source, run.points);
    if (missing !== null) mismatches.push(missing);
  }
  const final = (name: string): number => Number(end.finals.get(name) ?? 0n);
  return {
    end,
    tokens,
    tokenCycles,
    compared: comparer.compared,
    comparedPer: comparer.comparedPer,
    mismatches,
    firstMismatch: comparer.mismatches[0]?.cycle ?? null,
    saturated: final("saturated") !== 0,
    account:
      end.outcome !== "done"
        ? null
        : account({
            model: system.compiled.model,
            lanes: system.config.rows * system.config.cols,
            slots: system.compiled.registers.sinks + system.compiled.registers.window,
            promptLength: request.prompt.length,
            positions: request.total,
            cycles: STREAM_COUNTERS.reduce((sum, c) => sum + final(`counter_${c}`), 0),
            counters: new Map(STREAM_COUNTERS.map((c) => [c, final(`counter_${c}`)])),
            beats: final("counter_beats"),
            beatBits: system.compiled.beatBytes * 8,
            clockMHz,
          }),
  };
};
