/** Every engine there is, by name. */
import type { Kernel } from "./kernel.js";
import { binary } from "./kernels/binary.js";
import { bitSerial } from "./kernels/bitserial.js";
import { shiftAdd } from "./kernels/shiftadd.js";
import { sparseChainKernel } from "./kernels/sparsechain.js";
import { symmetricTable } from "./kernels/symmetrictable.js";
import { ternaryTable } from "./kernels/ternarytable.js";
import { tree } from "./kernels/tree.js";

export const KERNELS: readonly Kernel[] = [
  tree,
  symmetricTable,
  ternaryTable,
  bitSerial,
  binary,
  shiftAdd,
  sparseChainKernel,
];

export const kernelNames = (): string[] => KERNELS.map((k) => k.name);
export const kernelOf = (name: string): Kernel | undefined => KERNELS.find((k) => k.name === name);
