import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expectText } from "../expect.testing.js";
import {
  assertAlways,
  bool,
  defineModule,
  elaborate,
  emitChecks,
  emitVerilog,
  reg,
  uint,
  when,
} from "../index.js";

/** Counts to `limit`, as it says; `broken` lets it go one further. */
const counter = (limit: number, broken: boolean) =>
  defineModule("counter", { in: { step: bool }, out: { top: bool } }, ({ step }) => {
    const count = reg("count", uint(4), { reset: 0 });
    const before = reg("step_before", bool, { reset: 0 });
    before.set(step);
    when(step.and(count.lt(broken ? limit + 1 : limit)), () => count.set(count.addMod(1)));
    assertAlways("in_range", count.le(limit), `the count stays at or under ${limit}`);
    assertAlways("moves", before.or(count.eq(0)).or(count.ne(0)), "a count of 0 needs no step");
    return { top: count.eq(limit) };
  });

const run = async (broken: boolean): Promise<{ ok: boolean; output: string }> => {
  const dir = await mkdtemp(join(tmpdir(), "gateloom-checks-"));
  try {
    const design = elaborate(counter(5, broken));
    const files = new Map([...emitVerilog(design), ...emitChecks(design)]);
    files.set(
      "bench.v",
      "module bench;\n  reg clk = 0, rst = 1;\n  wire top;\n  counter dut (.clk(clk), .rst(rst), .step(1'b1), .top(top));\n" +
        "  always #5 clk = ~clk;\n  initial begin #12 rst = 0; #200 $finish; end\nendmodule\n",
    );
    for (const [name, text] of files) await writeFile(join(dir, name), text);
    const sources = [...files.keys()];
    const lint = await execa(
      "verilator",
      [
        "--lint-only",
        "-Wall",
        "--assert",
        "--top-module",
        "counter",
        ...sources.filter((f) => f !== "bench.v"),
        "-Wno-DECLFILENAME",
      ],
      { cwd: dir, all: true, reject: false },
    );
    assert.equal(lint.all, "");
    await execa(
      "verilator",
      [
        "--binary",
        "--timing",
        "--assert",
        "-Wno-fatal",
        "-MAKEFLAGS",
        "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
        "--top-module",
        "bench",
        ...sources,
      ],
      { cwd: dir },
    );
    const result = await execa("obj_dir/Vbench", [], { cwd: dir, all: true, reject: false });
    return { ok: result.exitCode === 0, output: result.all };
  } finally {
    await rm(dir, { recursive: true });
  }
};

describe("checks as SystemVerilog", () => {
  it("stand in a module of their own, bound to the design", () => {
    const text = emitChecks(elaborate(counter(5, false)), { sourceComments: false }).get(
      "counter_checks.sv",
    )!;
    expectText(
      text.slice(text.indexOf("module ")),
      `
      module counter_checks (
        input  wire clk,
        input  wire rst,
        input  wire [3:0] count,
        input  wire step
      );
        reg  step_before;

        always @(posedge clk) begin
          if (rst) begin
            step_before <= 1'b0;
          end else begin
            step_before <= step;
          end
        end

        always @(posedge clk)
          if (!rst) in_range: assert (count <= 4'd5) else $error("the count stays at or under 5");
        always @(posedge clk)
          if (!rst) moves: assert (step_before | (count == 4'd0) | (count != 4'd0)) else $error("a count of 0 needs no step");
      endmodule

      \`default_nettype wire

      bind counter counter_checks u_checks (
        .clk(clk),
        .rst(rst),
        .count(count),
        .step(step)
      );
    `,
    );
  });
  it("keep the design free of what only they read", () => {
    const text = emitVerilog(elaborate(counter(5, false))).get("counter.v")!;
    assert.ok(!text.includes("step_before") && !text.includes("assert"));
  });
  it("hold in Verilator, and fail where the design does", async () => {
    const good = await run(false);
    assert.ok(good.ok, good.output);
    const bad = await run(true);
    assert.ok(!bad.ok);
    assert.match(bad.output, /in_range.*\n?.*the count stays at or under 5/s);
  });
});
