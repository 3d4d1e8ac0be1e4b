/** The emitted Verilog: clean in three tools, and in Icarus, where what reset leaves undefined is X, equal to the embedded engine. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elaborate, emitVerilog } from "../../hdl/index.js";
import { lint } from "../../tools/lint.js";
import { runTool } from "../../tools/process.js";
import { encode } from "../encode.js";
import { randomProgram } from "../random.testing.js";
import { SPRAM_WORDS } from "../machine.js";
import { range } from "./fields.js";
import { micro } from "./micro.js";
import { MicroBench, microSystem } from "./system.testing.js";

/** Ports of the units, in the order in which a line of the trace has them. */
const OBSERVED = [
  "u_sequencer.word",
  "u_vectors.vd",
  "u_multiplier.prod",
  "u_accumulator.acc",
  "u_shifter.shifted",
  "u_result.result",
  "u_result.overflow",
  "u_maximum.m",
  "u_maximum.best",
  "u_shift_amount.amount",
  "u_group_sums.gd",
  "u_tables.td",
  "u_lanes.lanes_0",
  "u_lanes.lanes_7",
  "memory_write",
  "memory_read",
  "memory_address",
  "chosen_valid",
] as const;

const benchText = (cycles: number, offer: { token: number; position: number; wanted: boolean }): string => `
module bench;
  reg clk = 0;
  reg rst = 1;
  integer cycle;
  reg [63:0] stream [0:${SPRAM_WORDS - 1}];
  micro_system dut (.clk(clk), .rst(rst), .run_valid(1'b1), .run_token(16'd${offer.token}),
    .run_position(10'd${offer.position}), .run_wanted(1'b${offer.wanted ? 1 : 0}));
  always #5 clk = ~clk;
  initial begin
    $readmemh("stream.hex", stream);
    for (cycle = 0; cycle < ${SPRAM_WORDS}; cycle = cycle + 1) begin
${range(16)
  .map((k) => `      dut.u_memory.words_${k}[cycle] = stream[cycle][${4 * k + 3}:${4 * k}];`)
  .join("\n")}
    end
    repeat (2) @(negedge clk);
    rst = 0;
    @(negedge clk);
    for (cycle = 0; cycle < ${cycles}; cycle = cycle + 1) begin
      $display("${OBSERVED.map(() => "%h").join(" ")}", ${OBSERVED.map((n) => `dut.u_micro.${n}`).join(", ")});
      @(negedge clk);
    end
    $finish;
  end
endmodule
`;

describe("Micro machine: Verilog", function () {
  this.timeout(60_000);

  it("is clean in Verilator, Icarus and Yosys", async () => {
    const design = elaborate(micro({ program: [encode({ seq: "jump" })], tables: [] }));
    for (const { tool, output } of await lint(emitVerilog(design, { models: true }), design.top))
      assert.equal(output, "", tool);
  });

  it("runs a random program in Icarus as in the embedded engine", async () => {
    const { program, table, stream, offer, begin, cycles } = randomProgram(11);
    const contents = { program: program.words, tables: table.map(BigInt) };
    const bench = new MicroBench(contents, stream);
    bench.offer(offer);
    const handles = OBSERVED.map((name) => bench.sim.handle(`u_micro.${name}`));
    const pc = bench.handle("PC");
    // Lines count from where the program has given everything a value.
    let from = 0;
    const expected: string[] = [];
    for (let cycle = 0; cycle < cycles; cycle++) {
      if (from === 0 && pc.get() === begin) from = cycle;
      expected.push(
        handles
          .map((h) =>
            BigInt.asUintN(h.width, h.getBig())
              .toString(16)
              .padStart(Math.ceil(h.width / 4), "0"),
          )
          .join(" "),
      );
      bench.sim.step();
    }
    const dir = await mkdtemp(join(tmpdir(), "gateloom-micro-"));
    try {
      const files = new Map(emitVerilog(elaborate(microSystem(contents)), { models: true }));
      files.set("bench.v", benchText(cycles, offer));
      files.set("stream.hex", stream.map((word) => `${word.toString(16)}\n`).join(""));
      for (const [name, text] of files) await writeFile(join(dir, name), text);
      const verilog = [...files.keys()].filter((name) => name.endsWith(".v"));
      await runTool("iverilog", ["-g2005", "-s", "bench", "-o", "bench.vvp", ...verilog], { cwd: dir });
      const trace = (await runTool("vvp", ["-n", "bench.vvp"], { cwd: dir }))
        .split("\n")
        .filter((line) => /^[0-9a-fx]+ /.test(line));
      assert.equal(trace.length, cycles);
      for (let cycle = from; cycle < cycles; cycle++)
        assert.equal(trace[cycle], expected[cycle], `cycle ${cycle}`);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
