/** The table's costs are what Yosys counted: read from a `stat -json` as it was recorded. */
import assert from "node:assert/strict";
import { countCells } from "./cells.js";

/** Yosys 0.55, a design of a top with two instances of one module; `design` counts those twice. Wires left out. */
const recorded = (types: Record<string, number>): string =>
  JSON.stringify({
    creator: "Yosys 0.55 (git sha1 60f126cd0, ccache clang 18.1.3 -O3 -flto -flto)",
    invocation: "stat -json -top finish ",
    modules: { "\\row": { num_cells: 3, num_cells_by_type: { LUT2: 3 } } },
    design: { num_wires: 103, num_cells: 567, num_cells_by_type: types },
  });

describe("cells of a stat", () => {
  it("counts those of 'finish' for xcup", () => {
    const stat = recorded({
      BUFG: 1,
      CARRY4: 30,
      DSP48E2: 3,
      FDRE: 279,
      LUT2: 121,
      LUT3: 122,
      LUT4: 1,
      LUT5: 1,
      RAM32M16: 9,
    });
    // 121 + 122 + 1 + 1 tables, 9 memories of 8
    assert.deepEqual(countCells(stat, "xcup"), { lut: 317, ff: 279, carry: 30, dsp: 3, bram: 0 });
  });

  it("knows the cells of every family", () => {
    const xilinx = recorded({
      INV: 2,
      SRL16E: 3,
      RAM64X1D: 1,
      FDSE: 4,
      RAMB18E1: 1,
      RAMB36E1: 1,
      DSP48E1: 5,
      MUXF8: 9,
    });
    assert.deepEqual(countCells(xilinx, "xc7"), { lut: 7, ff: 4, carry: 0, dsp: 5, bram: 1.5 });
    const ice40 = recorded({
      SB_LUT4: 10,
      SB_DFFESR: 2,
      SB_DFF: 1,
      SB_CARRY: 6,
      SB_MAC16: 1,
      SB_RAM40_4K: 2,
      SB_GB: 1,
    });
    assert.deepEqual(countCells(ice40, "ice40"), { lut: 10, ff: 3, carry: 6, dsp: 1, bram: 2 });
    const ecp5 = recorded({
      LUT4: 10,
      CCU2C: 3,
      TRELLIS_FF: 7,
      TRELLIS_DPR16X4: 2,
      MULT18X18D: 1,
      PFUMX: 5,
      DP16KD: 1,
    });
    assert.deepEqual(countCells(ecp5, "ecp5"), { lut: 28, ff: 7, carry: 3, dsp: 1, bram: 1 });
  });

  it("refuses a cell that it does not know, and another text", () => {
    assert.throws(
      () => countCells(recorded({ LUT2: 1, URAM288: 4 }), "xcup"),
      /4 cell\(s\) 'URAM288' for xcup/,
    );
    assert.throws(() => countCells(recorded({ SB_LUT4: 1 }), "xcup"), /'SB_LUT4'/);
    assert.throws(() => countCells('{"modules":{}}', "xcup"), /design/);
  });
});
