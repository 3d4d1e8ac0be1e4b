import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { emitVerilog } from "../hdl/index.js";
import type { Design } from "../hdl/ir.js";
import { randomDesign } from "./random.js";
import { makeBench, runIcarus, runVerilator } from "./toolcheck.js";

const CYCLES = 30;

function designs(from: number, count: number, maxWidth: number): Design[] {
  return Array.from({ length: count }, (_, i) =>
    randomDesign(from + i, `t${from + i}`, { nodes: 10 + ((from + i) % 30), maxWidth, defined: true }),
  );
}

/** Skips where the tool is not installed: the embedded engine does not need it. */
function withTool(tool: string, body: (dir: string) => Promise<void>): Mocha.AsyncFunc {
  return async function () {
    const found = await execa(tool, [tool === "verilator" ? "--version" : "-V"], { reject: false });
    if (found.exitCode === undefined) this.skip();
    const dir = await mkdtemp(join(tmpdir(), "gateloom-"));
    try {
      await body(dir);
    } finally {
      await rm(dir, { recursive: true });
    }
  };
}

describe("simulate: the interpreter agrees with other simulators on the emitted Verilog", () => {
  it(
    "Icarus, 2,000 designs",
    withTool("iverilog", async (dir) => {
      for (let from = 0; from < 2000; from += 200) {
        const bench = makeBench(designs(from, 200, 130), CYCLES, emitVerilog);
        assert.deepEqual(await runIcarus(bench, join(dir, String(from))), []);
      }
    }),
  );
  it(
    "Icarus, 50 designs with very wide values",
    withTool("iverilog", async (dir) => {
      assert.deepEqual(await runIcarus(makeBench(designs(50_000, 50, 1100), CYCLES, emitVerilog), dir), []);
    }),
  );
  it(
    "Verilator, 200 designs in one build",
    withTool("verilator", async (dir) => {
      // `GATELOOM_BATCHES=10` makes it 2,000 designs.
      for (let batch = 0; batch < Number(process.env.GATELOOM_BATCHES ?? 1); batch++) {
        const bench = makeBench(designs(100_000 + 200 * batch, 200, 130), CYCLES, emitVerilog);
        assert.deepEqual(await runVerilator(bench, join(dir, String(batch))), []);
      }
    }),
  );
});
