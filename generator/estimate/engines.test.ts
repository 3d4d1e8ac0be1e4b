/** The rows of the table, without Yosys: what is refused, and what is divided by what. */
import assert from "node:assert/strict";
import { FINISH_LATENCY } from "../engines/finish.js";
import type { Kernel } from "../engines/kernel.js";
import { indexMux } from "../engines/kernels/example.testing.js";
import { tree } from "../engines/kernels/tree.js";
import { bool, defineModule, elaborate, fail } from "../hdl/index.js";
import { defaultConfig } from "../isa/config.js";
import { engineTable, type Peer, type Unit } from "./engines.js";
import type { Counter } from "./synthesis.js";
import { tableSchema } from "./table.js";

/** Every module costs 640 tables, 128 registers, 32 DSPs and a memory. */
const counter: Counter = {
  count: async () => ({ lut: 640, ff: 128, carry: 1, dsp: 32, bram: 1, seconds: 0 }),
  close: () => {},
};
const peer: Peer = { name: "naive", title: "", source: "", top: "naive", latency: 2, files: new Map() };
const unit: Unit = {
  name: "wire",
  title: "a wire",
  source: "",
  design: () =>
    elaborate(defineModule("a_wire", { in: { x: bool }, out: { y: bool } }, ({ x }) => ({ y: x }))),
};
const rowsOf = async (kernels: readonly Kernel[], units: readonly Unit[] = []) => {
  const { table, verilog } = await engineTable({
    config: { ...defaultConfig, rows: 2, tokens: 2 },
    target: "ice40",
    kernels,
    units,
    peer,
    progress: () => {},
    counter,
  });
  return { table: tableSchema.parse(table), verilog };
};

describe("rows of the engine table", () => {
  it("divides cells by products per cycle, of the code that stands first", async () => {
    const { table, verilog } = await rowsOf([indexMux], [unit]);
    const row = table.engines[1]!.result;
    assert.ok(row.status === "built");
    assert.deepEqual(row.perMac, { lut: 10, ff: 2, bram: 1 / 64 });
    assert.equal(row.macPerDsp, 2);
    assert.equal(row.rates[0]!.weightBytesPerMac, 0.25);
    assert.equal(row.latency, 3 + FINISH_LATENCY);
    assert.deepEqual(
      row.rates.map((r) => [r.code, r.macPerCycle, r.matrixVector.beats, r.matrixMatrix.beats]),
      [["n24", 64, 2048 * 128, 2048 * 128 * 128]],
    );
    assert.equal(table.finish.cells.dsp, 32);
    assert.deepEqual(
      table.units.map((u) => [u.name, u.result.status]),
      [["wire", "built"]],
    );
    assert.ok(verilog.has("index-mux/index_mux_kernel_64.v") && verilog.has("wire/a_wire.v"));
  });

  it("says why an engine or a unit has no figures", async () => {
    const elsewhere: Kernel = { ...tree, name: "elsewhere", families: ["xcup", "xc7"] };
    const never: Kernel = {
      ...tree,
      name: "never",
      build: () => fail("four rows at least; --lanes 128 has them"),
    };
    const { table } = await rowsOf(
      [elsewhere, never],
      [{ ...unit, design: () => fail("no memory of this size") }],
    );
    assert.deepEqual(
      [...table.engines.slice(1), ...table.units].map((e) => e.result),
      [
        { status: "refused", reason: "not for ice40; it is for xcup, xc7" },
        { status: "refused", reason: "four rows at least; --lanes 128 has them" },
        { status: "refused", reason: "no memory of this size" },
      ],
    );
  });

  it("gives no figures of an engine that is wrong", async () => {
    // The fault: it takes 2:4 beats for dense ones.
    const { table } = await rowsOf([{ ...tree, codes: ["n24"] }]);
    const row = table.engines[1]!.result;
    assert.ok(row.status === "wrong");
    assert.match(row.reason, /code n24: row sum \d of sums 0 is -?\d+, whole numbers give -?\d+/);
  });

  it("takes bugs of a kernel for bugs", () =>
    assert.rejects(
      rowsOf([
        {
          ...tree,
          build: () => {
            throw new TypeError("a bug");
          },
        },
      ]),
      TypeError,
    ));
});
