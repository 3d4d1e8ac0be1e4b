/** Counts of a small netlist: a table before its flip-flop is one cell, a table that others read too is one of its own. */
import assert from "node:assert/strict";
import { unitsOf } from "./budget.js";

const cell = (type: string, connections: Record<string, (number | string)[]>) => ({ type, connections });

describe("cells of a unit", () => {
  it("packs a table with the flip-flop that alone reads it", () => {
    const cells = {
      "u_a.one": cell("SB_LUT4", { I0: [2], I1: ["0"], O: [3] }),
      "u_a.q": cell("SB_DFFE", { C: [1], D: [3], E: [2], Q: [4] }),
      "u_a.two": cell("SB_LUT4", { I0: [4], O: [5] }),
      "u_b.q": cell("SB_DFF", { C: [1], D: [5], Q: [6] }),
      "u_b.three": cell("SB_LUT4", { I0: [5], O: [7] }),
      "u_b.shifted": cell("SB_DFFSR", { C: [1], D: [6], R: [2], Q: [8] }),
      "u_b.ram": cell("SB_RAM40_4K", { RDATA: [9] }),
      other: cell("SB_MAC16", { O: [10] }),
    };
    const units = unitsOf(JSON.stringify({ modules: { top: { cells } } }), "top", ["u_a", "u_b"]);
    assert.deepEqual(
      [...units],
      [
        ["u_a", { cells: 2, ebr: 0, spram: 0, mac16: 0 }],
        ["u_b", { cells: 3, ebr: 1, spram: 0, mac16: 0 }],
        ["(top)", { cells: 0, ebr: 0, spram: 0, mac16: 1 }],
      ],
    );
  });
});
