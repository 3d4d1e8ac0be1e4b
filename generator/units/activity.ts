/** What the stream unit does in a cycle, as an index into STREAM_COUNTERS: exactly one thing. */
import { indexWidth, lit, mux, uint } from "../hdl/index.js";
import { SEMAPHORES, type Semaphore } from "../isa/instruction.js";
import { STREAM_COUNTERS } from "../isa/trace.js";
import type { Bits, Bool } from "./signals.js";

type StreamCounter = (typeof STREAM_COUNTERS)[number];

export const ACTIVITY_BITS = indexWidth(STREAM_COUNTERS.length);
export const activityCode = (name: StreamCounter): number => STREAM_COUNTERS.indexOf(name);

const isSemaphore = (name: string): name is Semaphore => name in SEMAPHORES;
/** By bit of their masks, the lowest first. */
export const SEMAPHORE_NAMES: readonly Semaphore[] = Object.keys(SEMAPHORES)
  .filter(isSemaphore)
  .sort((a, b) => SEMAPHORES[a].bit - SEMAPHORES[b].bit);

export interface Activity {
  /** A beat of the job at hand goes to the engine (or is passed over by EMB), or to a constant RAM. */
  readonly busy: Bool;
  readonly load: Bool;
  /** A job is at hand; the lanes behind are what stops it. */
  readonly running: Bool;
  readonly blocked: Bool;
  /** The next job, and the semaphores that it still waits for. */
  readonly waiting: Bool;
  readonly missing: Bits;
}

/** Of several missing semaphores the lowest counts. */
export const activity = ({ busy, load, running, blocked, waiting, missing }: Activity): Bits => {
  const code = (name: StreamCounter): Bits => lit(uint(ACTIVITY_BITS), activityCode(name));
  const wait = SEMAPHORE_NAMES.reduceRight<Bits>(
    (others, name) => mux(missing.bit(SEMAPHORES[name].bit), code(`wait_${name}`), others),
    code("idle"),
  );
  const stopped = mux(
    running,
    mux(blocked, code("wait_result"), code("wait_memory")),
    mux(waiting, wait, code("idle")),
  );
  return mux(load, code("load"), mux(busy, code("busy"), stopped)).as("activity_code");
};
