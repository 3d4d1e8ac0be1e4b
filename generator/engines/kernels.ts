/** Every engine there is, by name. */
import type { Kernel } from "./kernel.js";
import { sparseChainKernel } from "./kernels/sparsechain.js";
import { tree } from "./kernels/tree.js";

export const KERNELS: readonly Kernel[] = [tree, sparseChainKernel];

export const kernelNames = (): string[] => KERNELS.map((k) => k.name);
export const kernelOf = (name: string): Kernel | undefined => KERNELS.find((k) => k.name === name);
