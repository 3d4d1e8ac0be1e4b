/** An accelerator with its memory, compiled model and prompt as one run description. */
import { compile, type Compiled } from "../../generator/compile/compile.js";
import { digitBeats } from "../../generator/compile/layout.js";
import { tokenCycles } from "../../generator/estimate/cycles.js";
import { onchip } from "../../generator/accelerator/onchip.js";
import { imageWords } from "../../generator/compile/words.js";
import { checkFormats } from "../../generator/engines/engine.js";
import { elaborate } from "../../generator/hdl/index.js";
import type { Design } from "../../generator/hdl/ir.js";
import { STREAM_COUNTERS, TRACE_POINTS, type TracePoint } from "../../generator/isa/trace.js";
import type { AcceleratorConfig } from "../../generator/isa/config.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import { GoldenExpectations } from "./expected.js";
import { stalled } from "./memorymodel.js";
import type { RunDescription } from "./run.js";

export interface System {
  readonly config: AcceleratorConfig;
  readonly compiled: Compiled;
  readonly design: Design;
  /** Beats of on-chip memory. */
  readonly memoryBeats: number;
  /** Sixteenths of the cycles in which each channel of the memory is shut. */
  readonly stall?: number;
}

/** Beats of a power-of-two memory that holds the image, at least `kib`. */
const memoryBeatsFor = (compiled: Compiled, kib: number): number => {
  const wanted = Math.max(compiled.memoryBeats, Math.ceil((kib * 1024) / compiled.beatBytes));
  return 2 ** Math.ceil(Math.log2(wanted));
};

export interface MemoryOptions {
  readonly kib: number;
  /** Refuse a model that needs more. */
  readonly bounded: boolean;
  /** Random stalls on every channel of the memory port, in sixteenths of the cycles; absent: on-chip memory. */
  readonly stall?: number;
}

/** Throws CompileError when the model does not fit, HdlError when the hardware cannot be built. */
export const buildSystem = (
  model: QuantisedModel,
  config: AcceleratorConfig,
  memory: MemoryOptions,
): System => {
  const compiled = compile(model, config, memory.bounded ? { memoryBytes: memory.kib * 1024 } : {});
  checkFormats(config, compiled.formats);
  const memoryBeats = memoryBeatsFor(compiled, memory.kib);
  const top = memory.stall === undefined ? onchip(config, memoryBeats) : stalled(config, memoryBeats);
  return {
    config,
    compiled,
    design: elaborate(top),
    memoryBeats,
    ...(memory.stall === undefined ? {} : { stall: memory.stall }),
  };
};

export interface Request {
  readonly prompt: readonly number[];
  readonly total: number;
  readonly seed: number;
  readonly maxCycles: number;
}

export const describeRun = (system: System, request: Request): RunDescription => {
  const { compiled } = system;
  return {
    design: system.design,
    loads: [
      {
        enable: "program_write_enable",
        address: "program_write_addr",
        data: "program_write_data",
        words: [...compiled.program],
      },
      {
        enable: "token_write_enable",
        address: "token_write_addr",
        data: "token_write_data",
        words: request.prompt.map(BigInt),
      },
      { enable: "load_enable", address: "load_addr", data: "load_data", words: imageWords(compiled) },
    ],
    held: {
      promptLength: BigInt(request.prompt.length),
      total: BigInt(request.total),
      epsilonSum: BigInt(compiled.registers.epsilonSum),
      sinks: BigInt(compiled.registers.sinks),
      window: BigInt(compiled.registers.window),
      ...(system.stall === undefined ? {} : { seed: BigInt(request.seed), stall: BigInt(system.stall) }),
    },
    start: "start",
    done: "done",
    points: Object.keys(TRACE_POINTS) as TracePoint[],
    finals: [...STREAM_COUNTERS.map((c) => `counter_${c}`), "counter_beats", "saturated"],
    maxCycles: request.maxCycles,
    seed: request.seed,
  };
};

/** Cycles after which a run of so many positions hangs: several times what counting says. */
export const cycleLimit = ({ compiled, config }: System, total: number): number => {
  const { layout, model, registers } = compiled;
  const digits = model.layers.map(({ cache }) => ({
    keys: digitBeats(cache.keys),
    values: digitBeats(cache.values),
  }));
  const { cycles } = tokenCycles(layout, model.shape, digits, config, registers.sinks + registers.window);
  return 200_000 + 16 * cycles * total; // stalls of the memory take up to seven eighths
};

export const expectations = (system: System, request: Request): GoldenExpectations =>
  new GoldenExpectations(system.compiled.model, system.config, request.prompt, request.total);
