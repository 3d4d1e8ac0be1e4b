/** Simulation of a design inside Node: `simulate(design)`; see README.md. */
import type { Design } from "../hdl/ir.js";
import { flatten } from "./flatten.js";
import { Interpreter } from "./interpreter.js";
import { EngineSimulation, type Simulation } from "./simulation.js";
import { WasmEngine } from "./wasm/engine.js";

export { CheckFailure } from "./engine.js";
export type { Handle, MemoryInfo, Simulation, Snapshot } from "./simulation.js";
export type { VcdRecorder } from "./vcd.js";
export type { Watch, WatchRecords } from "./watch.js";

export interface SimulateOptions {
  /** The interpreter is the slow reference. */
  readonly engine?: "wasm" | "interpreter";
  /** Of the first values of registers without reset and memories without contents. */
  readonly seed?: number;
  /** Assertions stop the run. The interpreter always checks them; here "on" unless turned off for speed. */
  readonly checks?: boolean;
  /** Rough number of instructions in one generated function; small numbers are for tests of the engine itself. */
  readonly functionCost?: number;
}

export function simulate(design: Design, options: SimulateOptions = {}): Simulation {
  const graph = flatten(design);
  const seed = options.seed ?? 1;
  const engine =
    options.engine === "interpreter"
      ? new Interpreter(graph, seed)
      : new WasmEngine(graph, seed, options.checks ?? true, options.functionCost);
  return new EngineSimulation(engine);
}
