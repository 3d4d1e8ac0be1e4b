import { Option } from "commander";
import { configFor } from "../generator/compile/configure.js";
import { type Config, hardware } from "../generator/config.js";
import { FAMILIES } from "../generator/engines/kernel.js";
import { buildSystem, type System } from "../testbenches/harness/system.js";
import { loadConfig, withEngine, withLanes } from "./config.js";
import { type Loaded, loadModel, type ModelOptions, modelOptions } from "./model.js";
import { wholeNumber } from "./options.js";

/** Options that generate and simulate share. */
export interface SystemOptions extends ModelOptions {
  readonly config?: string;
  readonly model?: string;
  readonly lanes?: number;
  readonly engineKind?: string;
  readonly family?: string;
  /** simulate: random stalls on the memory port, in sixteenths. */
  readonly stall?: number;
}
export const systemOptions = (): Option[] => [
  new Option(
    "--config <file>",
    "configuration in TypeScript; default: gateloom.config.ts here, else the demo's",
  ),
  new Option(
    "--model <file>",
    "model: a folder that gateloom quantise wrote, or a checkpoint (Hugging Face folder, GGUF, llama2.c), quantised on the way; default: the demo model",
  ),
  ...modelOptions(),
  new Option(
    "--lanes <n>",
    "multiplier lanes: 32 columns times a power of two of rows (64, 128, 256, 512, ...)",
  ).argParser(wholeNumber(64, 2048)),
  new Option(
    "--engine-kind <name>",
    "kernel of the engine: how a row of lanes multiplies and adds (`gateloom engines` lists them)",
  ),
  new Option("--family <family>", `FPGA family whose DSP slices the engine uses: ${FAMILIES.join(", ")}`),
];

export interface Prepared extends Loaded {
  readonly config: Config;
  readonly system: System;
}

export const prepare = async (options: SystemOptions): Promise<Prepared> => {
  const config = withEngine(
    withLanes(await loadConfig(options.config), options.lanes),
    options.engineKind,
    options.family,
  );
  const loaded = await loadModel(options, config);
  const base = hardware(config);
  const positions = Math.min(loaded.model.shape.context, base.context);
  const accelerator = options.model === undefined ? base : configFor(loaded.model, base, positions);
  const system = buildSystem(loaded.model, accelerator, {
    kib: config.memory.kib,
    // The demo's memory is the demo's: another model without a configuration of its own gets what it needs.
    bounded:
      config.memory.kind === "on-chip" && (options.model === undefined || options.config !== undefined),
    ...(config.memory.kind === "external" || options.stall !== undefined
      ? { stall: options.stall ?? 0 }
      : {}),
  });
  return { ...loaded, config, system };
};
