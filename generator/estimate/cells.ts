/**
 * Cells of a netlist by kind of resource, read from what Yosys' `stat -json` counts. Every figure of the engine table
 * comes through here.
 *
 * A cell that no list knows is an error, not a zero: a new primitive must be given its place before it is counted.
 */
import { z } from "zod";

/** FPGA families that Yosys maps to. `--family` of `gateloom engines`. */
export const TARGETS = ["xcup", "xc7", "ice40", "ecp5"] as const;
export type Target = (typeof TARGETS)[number];

export interface Cells {
  /** Look-up tables, with those used as inverters, shift registers, small memories and (ecp5) carries. */
  readonly lut: number;
  readonly ff: number;
  /** Carry cells: four bits each on xc7 and xcup as Yosys maps them, two on ecp5, one on ice40. */
  readonly carry: number;
  readonly dsp: number;
  /** Block RAMs; a RAMB18 counts as half a RAMB36. */
  readonly bram: number;
}
export const NO_CELLS: Cells = { lut: 0, ff: 0, carry: 0, dsp: 0, bram: 0 };

type Weights = Partial<Cells>;
const lut = (n: number): Weights => ({ lut: n });
const NOTHING: Weights = {};

/** UltraScale+ and 7-series share the fabric's cell names. LUTs per memory cell: UG574 table 5-1, UG474 table 2-3. */
const XILINX: readonly (readonly [RegExp, Weights])[] = [
  [/^(LUT[1-6]|INV)$/, lut(1)],
  [/^(SRL16E|SRLC16E|SRLC32E)$/, lut(1)],
  [/^(RAM32X1S|RAM64X1S)$/, lut(1)],
  [/^(RAM32X1D|RAM64X1D|RAM128X1S)$/, lut(2)],
  [/^(RAM128X1D|RAM256X1S|RAM32M|RAM64M)$/, lut(4)],
  [/^(RAM256X1D|RAM512X1S|RAM32M16|RAM64M8)$/, lut(8)],
  [/^(FDRE|FDSE|FDCE|FDPE)(_1)?$/, { ff: 1 }],
  [/^CARRY[48]$/, { carry: 1 }],
  [/^DSP48E[12]$/, { dsp: 1 }],
  [/^RAMB36E[12]$/, { bram: 1 }],
  [/^RAMB18E[12]$/, { bram: 0.5 }],
  [/^(MUXF[789]|BUFG|IBUF|OBUF|GND|VCC)$/, NOTHING], // wide multiplexers are part of the slice, clock buffers of the chip
];

const LISTS: Readonly<Record<Target, readonly (readonly [RegExp, Weights])[]>> = {
  xcup: XILINX,
  xc7: XILINX,
  ice40: [
    [/^SB_LUT4$/, lut(1)],
    [/^SB_DFF/, { ff: 1 }],
    [/^SB_CARRY$/, { carry: 1 }],
    [/^SB_MAC16$/, { dsp: 1 }],
    [/^SB_RAM40_4K/, { bram: 1 }],
    [/^SB_GB$/, NOTHING],
    // Four large ones, which no unit may have but the stream memory of the micro machine.
    [/^SB_SPRAM256KA$/, NOTHING],
  ],
  ecp5: [
    [/^LUT4$/, lut(1)],
    [/^CCU2C$/, { carry: 1, lut: 2 }], // a slice's two LUTs in carry mode
    [/^TRELLIS_DPR16X4$/, lut(6)], // four as memory, two that write it
    [/^TRELLIS_FF$/, { ff: 1 }],
    [/^(MULT18X18D|MULT9X9D)$/, { dsp: 1 }],
    [/^ALU54B$/, NOTHING], // the adder beside two multipliers, which are counted
    [/^(DP16KD|PDPW16KD)$/, { bram: 1 }],
    [/^(PFUMX|L6MUX21|VLO|VHI)$/, NOTHING],
  ],
};

/** What is read of `stat -json -top`: the whole design, its modules counted as often as they stand in it. */
const statSchema = z.object({
  creator: z.string(),
  design: z.object({ num_cells_by_type: z.record(z.string(), z.int().nonnegative()) }),
});

/** Cells of the whole design from the text of a `stat -json`. */
export const countCells = (stat: string, target: Target): Cells => {
  const { design } = statSchema.parse(JSON.parse(stat));
  let cells = NO_CELLS;
  for (const [type, count] of Object.entries(design.num_cells_by_type)) {
    const known = LISTS[target].find(([pattern]) => pattern.test(type));
    if (known === undefined)
      throw new Error(
        `Yosys left ${count} cell(s) '${type}' for ${target}; generator/estimate/cells.ts does not know them`,
      );
    cells = addCells(cells, timesCells(known[1], count));
  }
  return cells;
};

export const timesCells = (a: Weights, n: number): Cells => ({
  lut: (a.lut ?? 0) * n,
  ff: (a.ff ?? 0) * n,
  carry: (a.carry ?? 0) * n,
  dsp: (a.dsp ?? 0) * n,
  bram: (a.bram ?? 0) * n,
});
export const addCells = (a: Cells, b: Cells): Cells => ({
  lut: a.lut + b.lut,
  ff: a.ff + b.ff,
  carry: a.carry + b.carry,
  dsp: a.dsp + b.dsp,
  bram: a.bram + b.bram,
});
