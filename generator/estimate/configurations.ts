/** Accelerators that the cell estimate is held against: what Yosys counted for each lies in counts.ts. */
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import type { Target } from "./cells.js";

export interface Configuration {
  readonly name: string;
  readonly targets: readonly Target[];
  /** No factor of structure.ts has seen it: what the estimate says here is what it says of a user's own. */
  readonly heldOut: boolean;
  build(target: Target): AcceleratorConfig;
}

const lanes = (rows: number): AcceleratorConfig => ({ ...defaultConfig, rows });

export const CONFIGURATIONS: readonly Configuration[] = [
  {
    name: "2 x 32, tree",
    targets: ["ecp5", "xcup", "ice40", "xc7"],
    heldOut: false,
    build: () => defaultConfig,
  },
  {
    name: "8 x 32, tree",
    targets: ["ecp5", "xcup"],
    heldOut: false,
    build: () => lanes(8),
  },
  {
    name: "2 x 32, tree, every feature",
    targets: ["xcup", "ecp5"],
    heldOut: false,
    build: () => ({
      ...defaultConfig,
      features: {
        weights8: true,
        cache8: true,
        cache3: true,
        relu2: true,
        subNorms: true,
        bias: true,
        qkNorm: true,
      },
    }),
  },
  {
    name: "4 x 32, shared-activation in DSP slices",
    targets: ["xcup", "xc7", "ecp5"],
    heldOut: false,
    build: (target) => ({ ...lanes(4), engine: "shared-activation", family: target }),
  },
  {
    name: "4 x 32, ternary-table, two tokens, larger memories",
    targets: ["ecp5", "xcup", "xc7", "ice40"],
    heldOut: true,
    build: () => ({
      ...lanes(4),
      engine: "ternary-table",
      tokens: 2,
      context: 512,
      actWords: 256,
      vectorElements: 4096,
      residualElements: 2048,
      gainEntries: 1024,
      headDim: 64,
      features: { ...defaultConfig.features, weights8: true, bias: true },
    }),
  },
];
