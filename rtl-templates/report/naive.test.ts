/** The peer is a fair one: it multiplies what the engines multiply, a beat a clock, with the latency it states. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { lint } from "../../generator/tools/lint.js";
import { runTool } from "../../generator/tools/process.js";
import { naivePeer } from "./naive.js";

const ROWS = 3;
const COLUMNS = 32;
const BEATS = 200;

/** Prints the sums that leave in each cycle, and what they should be: those of the beat `latency` clocks ago. */
const bench = (top: string, latency: number): string => `
module bench;
  reg clk = 0, rst = 1, valid = 0;
  reg [${2 * ROWS * COLUMNS - 1}:0] weights;
  reg [${8 * COLUMNS - 1}:0] act;
  wire sums_valid;
  wire [${16 * ROWS - 1}:0] sums;
  ${top} dut (.clk(clk), .rst(rst), .valid(valid), .weights(weights), .act(act), .sums_valid(sums_valid), .sums(sums));
  always #5 clk = ~clk;
  integer cycle, r, i, want, wrong = 0, came = 0;
  reg [${16 * ROWS - 1}:0] expected [0:${BEATS + 8}];
  initial begin
    repeat (3) @(negedge clk);
    rst = 0;
    for (cycle = 0; cycle < ${BEATS} + ${latency}; cycle = cycle + 1) begin
      valid = cycle < ${BEATS};
      for (i = 0; i < ${2 * ROWS * COLUMNS}; i = i + 32) weights[i +: 32] = $random;
      for (i = 0; i < ${COLUMNS}; i = i + 1) act[8 * i +: 8] = cycle < 4 ? -128 : $random;
      if (cycle < 2) weights = {${2 * ROWS * COLUMNS}{cycle[0]}};
      for (r = 0; r < ${ROWS}; r = r + 1) begin
        want = 0;
        for (i = 0; i < ${COLUMNS}; i = i + 1)
          want = want + $signed(act[8 * i +: 8]) * (2 * $signed({1'b0, weights[2 * (${COLUMNS} * r + i) +: 2]}) - 3);
        expected[cycle][16 * r +: 16] = want;
      end
      // Settled, before the edge that takes this beat: the sums of the beat \`latency\` edges ago.
      #1 if (sums_valid !== (cycle >= ${latency})) wrong = wrong + 1;
      if (sums_valid) begin
        came = came + 1;
        if (sums !== expected[cycle - ${latency}]) wrong = wrong + 1;
      end
      @(negedge clk);
    end
    $display("%0d sums, %0d wrong", came, wrong);
    $finish;
  end
endmodule
`;

describe("the naive peer", () => {
  const { top, text, latency } = naivePeer(ROWS, COLUMNS);
  let folder = "";
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "gateloom-naive-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("gives the group sums of two-bit weights, one beat a clock, at its latency", async () => {
    await writeFile(path.join(folder, "naive.v"), text);
    await writeFile(path.join(folder, "bench.v"), bench(top, latency));
    await runTool("iverilog", ["-g2005", "-s", "bench", "-o", "bench.vvp", "bench.v", "naive.v"], {
      cwd: folder,
    });
    const output = await runTool("vvp", ["-n", "bench.vvp"], { cwd: folder });
    assert.match(output, new RegExp(`^${BEATS} sums, 0 wrong$`, "m"));
  });

  it("is clean Verilog", async () => {
    for (const rows of [1, ROWS]) {
      const peer = naivePeer(rows, COLUMNS);
      for (const { tool, clean, output } of await lint(new Map([[`${peer.top}.v`, peer.text]]), peer.top))
        assert.ok(clean, `${tool}: ${output}`);
    }
  });
});
