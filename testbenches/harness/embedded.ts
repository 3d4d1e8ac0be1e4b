import { setImmediate } from "node:timers/promises";
import { started } from "./drive.js";
import { fieldPorts, type RunEngine, signedField, validPort } from "./run.js";

/** Cycles per call into WebAssembly: long enough that the call costs nothing, short enough to stream and to interrupt. */
const SLICE = 1024;

/** Runs on the embedded engine: the netlist as WebAssembly, inside this process. */
export const runEmbedded: RunEngine = async (run, sink) => {
  const began = performance.now();
  const sim = started(run);
  const built = performance.now();
  sim.watch(run.points.map((point) => ({ valid: validPort(point), data: fieldPorts(point) })));
  const first = sim.cycles;
  const counts = run.points.map((point) => fieldPorts(point).length);
  let outcome: "done" | "limit" | "stopped" = "limit";
  while (sim.cycles - first < run.maxCycles) {
    const { reached, records } = sim.runWatched(
      Math.min(SLICE, run.maxCycles - (sim.cycles - first)),
      run.done,
    );
    for (let i = 0; i < records.count; i++) {
      const index = records.watch[i]!;
      const point = run.points[index]!;
      const fields = Array.from({ length: counts[index]! }, (_, f) =>
        signedField(point, f, records.number(i, f)),
      );
      sink.record({ point, cycle: records.cycle[i]! - first, fields });
    }
    sink.progress(sim.cycles - first);
    if (reached) {
      outcome = "done";
      break;
    }
    if (sink.stopped()) {
      outcome = "stopped";
      break;
    }
    // Lets an interrupt and the terminal have their turn.
    await setImmediate();
  }
  const finals = new Map(run.finals.map((port) => [port, sim.peekBits(port)]));
  return {
    outcome,
    cycles: sim.cycles - first,
    finals,
    buildSeconds: (built - began) / 1000,
    runSeconds: (performance.now() - built) / 1000,
  };
};
