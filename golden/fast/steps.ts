/** Steps of a run as the kernels read them: records in the shared memory. */
import { KERNELS, type KernelName } from "./kernels/kernels.js";
import { STEP } from "./kernels/memory.js";
import type { Layout } from "./layout.js";

/** One step: its kernel, the words of its record, and whether the next step must wait for all threads. */
export interface Step {
  readonly kernel: KernelName;
  readonly words: readonly (readonly [offset: number, value: number])[];
  readonly barrier: boolean;
}

export function step<F extends string>(
  kernel: KernelName,
  fields: Readonly<Record<F, number>>,
  values: Readonly<Record<NoInfer<F>, number>>,
  barrier = true,
): Step {
  const names = Object.keys(fields) as F[];
  return { kernel, words: names.map((name) => [fields[name], values[name]] as const), barrier };
}

/** Steps in the shared memory. */
export interface Steps {
  readonly address: number;
  readonly count: number;
}

export function placeSteps(layout: Layout, steps: readonly Step[]): Steps {
  const bytes = steps.length * STEP.bytes;
  return {
    address: layout.place(bytes, (memory, address) => writeSteps(steps, memory, address)),
    count: steps.length,
  };
}

function writeSteps(steps: readonly Step[], memory: ArrayBufferLike, address: number): void {
  const view = new DataView(memory);
  for (const [i, { kernel, words, barrier }] of steps.entries()) {
    const at = address + i * STEP.bytes;
    view.setInt32(at + STEP.kernel, KERNELS.indexOf(kernel), true);
    view.setInt32(at + STEP.barrier, barrier ? 1 : 0, true);
    for (const [offset, value] of words) view.setInt32(at + offset, value, true);
  }
}
