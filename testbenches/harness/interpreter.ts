/**
 * An interpreter of the instruction set on golden arithmetic. It reads program words and packed memory beats, as the RTL
 * does, and emits the same trace points: what it gets wrong is the compiler's fault, what only the RTL gets wrong is not.
 */
import { instructions } from "../../generator/compile/assemble.js";
import type { AcceleratorConfig } from "../../generator/isa/config.js";
import type { Sticky } from "../../golden/model/ops.js";
import { Machine, type Trace } from "./interpreter/machine.js";
import { type Choose, schedule } from "./interpreter/schedule.js";
import { sequence } from "./interpreter/sequence.js";

export interface InterpreterRun {
  readonly config: AcceleratorConfig;
  readonly program: BigUint64Array;
  readonly image: Uint8Array;
  readonly memoryBeats: number;
  readonly registers: { readonly epsilonSum: number; readonly sinks: number; readonly window: number };
  readonly prompt: ArrayLike<number>;
  /** Positions to run. */
  readonly total: number;
  /** Called for every trace record, in the order of each point. */
  readonly trace?: Trace;
  /** Which unit goes on next; unless told, the one that frees most. */
  readonly choose?: Choose;
}

export interface InterpreterEnd {
  /** The prompt and every chosen token. */
  readonly tokens: readonly number[];
  readonly jobs: number;
  readonly sticky: Sticky;
  /** The memory at the end, cache included. */
  readonly memory: Uint8Array;
}

export const interpret = (run: InterpreterRun): InterpreterEnd => {
  const { config, registers, prompt, total } = run;
  if (prompt.length < 1) throw new RangeError("a prompt needs at least one token");
  if (total < prompt.length || total > config.context)
    throw new RangeError(
      `${total} positions; at least the prompt's ${prompt.length}, at most ${config.context}`,
    );
  const host = { ...registers, promptLength: prompt.length, total, tokens: config.tokens };
  const machine = new Machine(config, host, run.image, run.memoryBeats, prompt, run.trace ?? (() => {}));
  const jobs = schedule(machine, sequence(instructions(run.program), host), run.choose ?? (() => 0));
  return { tokens: machine.tokens, jobs, sticky: machine.sticky, memory: machine.memory };
};
