/** The module of all kernels: the same for every model, for whatever differs stands in the plan. */
import { Module } from "../assembler/module.js";
import { attentionFunctions } from "./attention.js";
import { cacheFunctions } from "./cache.js";
import { floatFunctions } from "./float.js";
import { gateFunctions } from "./gate.js";
import { headFunctions } from "./heads.js";
import { matrixFunctions } from "./matrix.js";
import { runFunctions } from "./run.js";
import { scaleFunctions } from "./scale.js";
import { vectorFunctions } from "./vector.js";

/** Kernels of the plan, by their number. */
export const KERNELS = ["norm", "matrix", "heads", "cacheWrite", "attention", "gate", "floatMatrix"] as const;
export type KernelName = (typeof KERNELS)[number];

/** What an instance exports, as far as threads call it. */
export interface Exports {
  setArea(address: number): void;
  start(threads: number): void;
  serve(thread: number, threads: number): void;
}

export const MEMORY_PAGES = 65536; // 4 GiB, all that 32-bit addresses reach

export function kernelModule(): Uint8Array<ArrayBuffer> {
  const module = new Module();
  const area = module.global();
  const scales = scaleFunctions(module, area.value);
  const vectors = vectorFunctions(module, area.value, scales);
  const { writeStep, attendStep } = attentionFunctions(
    module,
    area.value,
    scales,
    cacheFunctions(module, scales, vectors),
  );
  const byName = {
    norm: vectors.normStep,
    matrix: matrixFunctions(module, area.value, scales),
    heads: headFunctions(module, scales, vectors),
    cacheWrite: writeStep,
    attention: attendStep,
    gate: gateFunctions(module, scales),
    floatMatrix: floatFunctions(module),
  } as const;
  runFunctions(
    module,
    area,
    KERNELS.map((name) => byName[name]),
  );
  return module.encode(MEMORY_PAGES);
}
