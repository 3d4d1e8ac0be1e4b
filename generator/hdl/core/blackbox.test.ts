import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runTool } from "../../tools/process.js";
import { simulate } from "../../simulate/index.js";
import { blackbox, defineModule, elaborate, emitVerilog, reg, uint } from "../index.js";

/** A registered adder as a vendor might sell it. */
const vendorAdder = blackbox({
  name: "VADD8",
  in: { A: uint(8), B: uint(8) },
  out: { Q: uint(9) },
  clock: "CK",
  parameters: { INIT: 5, MODE: "FAST" },
  model: {
    combinational: false,
    create: () => ({ q: 5n }),
    outputs: (state) => ({ Q: (state as { q: bigint }).q }),
    edge: (_, inputs) => ({ q: inputs.A! + inputs.B! }),
  },
  verilog: `module VADD8 #(parameter INIT = 0, parameter MODE = "SLOW") (input wire CK, input wire [7:0] A, input wire [7:0] B, output reg [8:0] Q);
  initial Q = INIT;
  always @(posedge CK) Q <= A + B;
endmodule
`,
});
const top = defineModule("top", { in: { x: uint(8) }, out: { y: uint(9) } }, ({ x }) => ({
  y: vendorAdder.inst("u_add", { A: x, B: 3 }).Q,
}));

describe("black boxes", () => {
  it("simulate by their model", () => {
    const sim = simulate(elaborate(top));
    sim.poke("x", 40);
    assert.equal(sim.peek("y"), 5n);
    sim.step();
    assert.equal(sim.peek("y"), 43n);
  });

  it("are instances with parameters in Verilog", () => {
    const text = emitVerilog(elaborate(top), { sourceComments: false }).get("top.v")!;
    assert.match(
      text,
      /VADD8 #\(\.INIT\(5\), \.MODE\("FAST"\)\) u_add \(\n {4}\.CK\(clk\),\n {4}\.A\(x\),\n {4}\.B\(8'd3\),\n {4}\.Q\(y\)\n {2}\);/,
    );
  });

  it("run in Icarus with the text that comes along", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "gateloom-box-"));
    try {
      const files = emitVerilog(elaborate(top), { models: true });
      for (const [name, text] of files) writeFileSync(path.join(dir, name), text);
      writeFileSync(
        path.join(dir, "bench.v"),
        `module bench; reg clk = 0; wire [8:0] y; top dut (.clk(clk), .rst(1'b0), .x(8'd40), .y(y));
        initial begin #1 $write("%0d ", y); clk = 1; #1 $write("%0d", y); end endmodule\n`,
      );
      await runTool("iverilog", ["-g2005", "-s", "bench", "-o", "x.vvp", "bench.v", ...files.keys()], {
        cwd: dir,
      });
      assert.equal((await runTool("vvp", ["-n", "x.vvp"], { cwd: dir })).trim(), "5 43");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("have a module as their model too: engines compile it, simulators get it in place of the primitive", () => {
    const ports = { in: { A: uint(8), B: uint(8) }, out: { Q: uint(9) } } as const;
    const model = defineModule("vadd_model", ports, ({ A, B }) => {
      const q = reg("q", uint(9));
      q.set(A.add(B).asUnsigned());
      return { Q: q };
    });
    const add = blackbox({ name: "vadd", primitive: "VADD8", clock: "CK", ...ports, model });
    const def = defineModule("sum", { in: { x: uint(8) }, out: { y: uint(9) } }, ({ x }) => ({
      y: add.inst("u_add", { A: x, B: 3 }).Q,
    }));
    const design = elaborate(def);
    const sim = simulate(design);
    sim.poke("x", 40);
    sim.step();
    assert.equal(sim.peek("y"), 43n);
    assert.match(emitVerilog(design).get("sum.v")!, /VADD8 u_add \(.*\n {4}\.CK\(clk\),/);
    const models = emitVerilog(design, { models: true });
    assert.match(models.get("sum.v")!, /vadd_model u_add \(.*\n {4}\.clk\(clk\),/);
    assert.ok(models.has("vadd_model.v"));
  });
});
