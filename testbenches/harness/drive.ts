import { simulate, type Simulation } from "../../generator/simulate/index.js";
import type { RunDescription } from "./run.js";

/** A simulation of the embedded engine that is loaded and started: the next edge is cycle 0 of the run. */
export const started = (run: RunDescription): Simulation => {
  if ((run.clocks ?? []).length > 0) throw new Error("a run on the embedded engine has one clock");
  const sim = simulate(run.design, { engine: "wasm", seed: run.seed, checks: false });
  for (const [port, value] of Object.entries(run.held)) sim.poke(port, value);
  sim.poke("rst", 1);
  sim.step(4);
  sim.poke("rst", 0);
  for (const load of run.loads) {
    sim.poke(load.enable, 1);
    load.words.forEach((word, i) => {
      sim.poke(load.address, i);
      sim.poke(load.data, word);
      sim.step();
    });
    sim.poke(load.enable, 0);
  }
  sim.poke(run.start, 1);
  sim.step();
  sim.poke(run.start, 0);
  return sim;
};

/** Cycles of waves before and after a mismatch. */
const BEFORE = 100;
const AFTER = 8;

/** VCD of every named signal around a cycle of the run, from a second simulation. */
export const wavesAround = (run: RunDescription, cycle: number): string => {
  const sim = started(run);
  const from = Math.max(0, cycle - BEFORE);
  sim.step(from);
  const recorder = sim.trace();
  sim.step(cycle - from + AFTER);
  return recorder.text();
};
