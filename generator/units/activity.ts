/** What the stream unit does in a cycle, as an index into STREAM_COUNTERS: exactly one thing. */
import { lit, mux, type Sig, uint } from "../hdl/index.js";
import { SEMAPHORES, type Semaphore } from "../isa/instruction.js";
import { STREAM_COUNTERS } from "../isa/trace.js";

type Bool = Sig<"u", 1>;
type Counter = (typeof STREAM_COUNTERS)[number];

export const activityCode = (name: Counter): number => STREAM_COUNTERS.indexOf(name);

export interface Activity {
  /** A beat of the job at hand goes to the engine (or is passed over by EMB), or to a constant RAM. */
  readonly busy: Bool;
  readonly load: Bool;
  /** A job is at hand; the lanes behind are what stops it. */
  readonly running: Bool;
  readonly blocked: Bool;
  /** The next job, and the semaphores that it still waits for. */
  readonly waiting: Bool;
  readonly missing: Sig<"u", number>;
}

/** Of several missing semaphores the lowest counts. */
export const activity = ({ busy, load, running, blocked, waiting, missing }: Activity): Sig<"u", number> => {
  const code = (name: Counter): Sig<"u", number> => lit(uint(5), activityCode(name));
  const semaphores = (Object.keys(SEMAPHORES) as Semaphore[]).sort(
    (a, b) => SEMAPHORES[b].bit - SEMAPHORES[a].bit,
  );
  let wait = code("idle");
  for (const name of semaphores) wait = mux(missing.bit(SEMAPHORES[name].bit), code(`wait_${name}`), wait);
  const stopped = mux(
    running,
    mux(blocked, code("wait_result"), code("wait_memory")),
    mux(waiting, wait, code("idle")),
  );
  return mux(load, code("load"), mux(busy, code("busy"), stopped)).as("activity_code");
};
