/** A unit behind synthesis: its netlist of ECP5 cells does what the unit does, and a planted fault is seen. */
import assert from "node:assert/strict";
import { netlistOf, tableCount, withFaults } from "../harness/ecp5netlist.js";
import { elaborate, emitVerilog } from "../../generator/hdl/index.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { gateup } from "../../generator/units/gateup.js";
import { differences, type Watched } from "../harness/cellbench.js";

const CYCLES = 400;
const WATCHED: readonly Watched[] = [
  { name: "valid" },
  { name: "value", valid: "valid" },
  { name: "saturated" },
];

describe("netlist behind synthesis", () => {
  it("ECP5: gateup with its tables in block RAM and its products in multipliers", async () => {
    const design = elaborate(gateup(defaultConfig));
    const sources = emitVerilog(design);
    const verilog = [...sources.keys()].filter((name) => name.endsWith(".v"));
    const netlist = await netlistOf(
      `read_verilog ${verilog.join(" ")}; synth_ecp5 -abc9 -top ${design.top}`,
      sources,
    );
    assert.match(netlist, /DP16KD/);
    assert.match(netlist, /MULT18X18D/);
    const middle = Math.floor(tableCount(netlist) / 2);
    const [good, faulty] = await differences(withFaults(netlist, [middle]), design, WATCHED, CYCLES, [0, 1]);
    assert.equal(good, 0);
    assert.ok(faulty! > 0, `table ${middle} gives the opposite and nobody saw it`);
  });
});
