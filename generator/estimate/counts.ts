/**
 * Cells of the accelerators of configurations.ts (without the memory that holds the model): counted by Yosys, modules kept
 * apart, and as structure.ts estimated them then. Written by `npm run bench:estimate`.
 */
import type { Cells, Target } from "./cells.js";

export type Kinds = Pick<Cells, "lut" | "ff" | "dsp" | "bram">;
export interface Count {
  readonly target: Target;
  readonly configuration: string;
  readonly counted: Kinds;
  readonly estimated: Kinds;
}

/** The npm package @yowasp/yosys, and what it was told for each family, behind `read_verilog`. */
export const YOSYS = {
  version: "0.55.944",
  commands: {
    xcup: "synth_xilinx -family xcup -noiopad",
    xc7: "synth_xilinx -family xc7 -noiopad",
    ice40: "synth_ice40 -device u -dsp -noflatten",
    ecp5: "synth_ecp5 -noflatten",
  },
} as const;

export const COUNTS: readonly Count[] = [
  {
    target: "xcup",
    configuration: "2 x 32, tree",
    counted: { lut: 12684, ff: 7418, dsp: 35, bram: 4.5 },
    estimated: { lut: 12133, ff: 7425, dsp: 35, bram: 4.5 },
  },
  {
    target: "xcup",
    configuration: "8 x 32, tree",
    counted: { lut: 19269, ff: 12405, dsp: 41, bram: 4.5 },
    estimated: { lut: 20322, ff: 12976, dsp: 41, bram: 4.5 },
  },
  {
    target: "xcup",
    configuration: "2 x 32, tree, every feature",
    counted: { lut: 15661, ff: 9175, dsp: 45, bram: 4.5 },
    estimated: { lut: 15703, ff: 9198, dsp: 45, bram: 4.5 },
  },
  {
    target: "xcup",
    configuration: "4 x 32, shared-activation in DSP slices",
    counted: { lut: 13535, ff: 7577, dsp: 101, bram: 4.5 },
    estimated: { lut: 13401, ff: 7639, dsp: 101, bram: 4.5 },
  },
  {
    target: "xcup",
    configuration: "4 x 32, ternary-table, two tokens, larger memories",
    counted: { lut: 17814, ff: 9883, dsp: 37, bram: 13 },
    estimated: { lut: 16311, ff: 10097, dsp: 37, bram: 13 },
  },
  {
    target: "xc7",
    configuration: "2 x 32, tree",
    counted: { lut: 12243, ff: 6595, dsp: 35, bram: 4.5 },
    estimated: { lut: 12321, ff: 6828, dsp: 35, bram: 4.5 },
  },
  {
    target: "xc7",
    configuration: "4 x 32, shared-activation in DSP slices",
    counted: { lut: 12983, ff: 6610, dsp: 101, bram: 4.5 },
    estimated: { lut: 13653, ff: 6980, dsp: 101, bram: 4.5 },
  },
  {
    target: "xc7",
    configuration: "4 x 32, ternary-table, two tokens, larger memories",
    counted: { lut: 17839, ff: 9148, dsp: 37, bram: 13 },
    estimated: { lut: 16587, ff: 9438, dsp: 37, bram: 13 },
  },
  {
    target: "ice40",
    configuration: "2 x 32, tree",
    counted: { lut: 27559, ff: 17954, dsp: 46, bram: 104 },
    estimated: { lut: 27680, ff: 18014, dsp: 50, bram: 103 },
  },
  {
    target: "ecp5",
    configuration: "2 x 32, tree",
    counted: { lut: 20357, ff: 8929, dsp: 41, bram: 32 },
    estimated: { lut: 20267, ff: 8926, dsp: 41, bram: 33 },
  },
  {
    target: "ecp5",
    configuration: "8 x 32, tree",
    counted: { lut: 33710, ff: 14744, dsp: 47, bram: 39 },
    estimated: { lut: 33706, ff: 15418, dsp: 47, bram: 40 },
  },
  {
    target: "ecp5",
    configuration: "2 x 32, tree, every feature",
    counted: { lut: 25684, ff: 11056, dsp: 52, bram: 37 },
    estimated: { lut: 25881, ff: 10969, dsp: 52, bram: 38 },
  },
  {
    target: "ecp5",
    configuration: "4 x 32, shared-activation in DSP slices",
    counted: { lut: 23687, ff: 24114, dsp: 107, bram: 32 },
    estimated: { lut: 23792, ff: 23732, dsp: 107, bram: 33 },
  },
  {
    target: "ecp5",
    configuration: "4 x 32, ternary-table, two tokens, larger memories",
    counted: { lut: 32099, ff: 12366, dsp: 43, bram: 49 },
    estimated: { lut: 31974, ff: 12375, dsp: 43, bram: 49 },
  },
];
