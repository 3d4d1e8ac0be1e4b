/** Every engine there is, by name. */
import type { Kernel } from "./kernel.js";
import { binary } from "./kernels/binary.js";
import { bitSerial } from "./kernels/bitserial.js";
import { kv4 } from "./kernels/kv4.js";
import { sharedActivation, sharedActivationTernary } from "./kernels/sharedactivation.js";
import { sharedWeight } from "./kernels/sharedweight.js";
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
  sharedWeight,
  sharedActivation,
  sharedActivationTernary,
  kv4,
];

export const kernelNames = (): string[] => KERNELS.map((k) => k.name);
export const kernelOf = (name: string): Kernel | undefined => KERNELS.find((k) => k.name === name);
