/**
 * Many random designs in one test bench for an external simulator: stimulus and the interpreter's outputs are read
 * from files, and the bench itself prints what differs. For tests of this room.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { Design } from "../hdl/ir.js";
import { simulate } from "./index.js";
import { mulberry32 } from "./prng.js";
import { INIT_CYCLES, randomInputs } from "./random.js";

export interface Bench {
  readonly designs: readonly Design[];
  readonly cycles: number;
  readonly files: ReadonlyMap<string, string>;
}

export function makeBench(
  designs: readonly Design[],
  cycles: number,
  emit: (design: Design) => ReadonlyMap<string, string>,
): Bench {
  const files = new Map<string, string>();
  const body: string[] = [];
  const stimulus: string[] = [];
  const expected: string[] = [];
  let stimulusWidth = 1;
  let expectedWidth = 1;
  for (const [k, design] of designs.entries()) {
    for (const [name, text] of emit(design)) files.set(name, text);
    const top = design.modules.get(design.top)!;
    const ports = top.inputs.filter((p) => p.name !== "clk");
    if (!ports.some((p) => p.name === "rst")) throw new Error(`${design.top} has no rst`);
    const pins = [".clk(clk)"];
    let at = 0;
    for (const p of ports) {
      pins.push(`.${p.name}(in_${k}[${at + p.width - 1}:${at}])`);
      at += p.width;
    }
    let out = 0;
    for (const p of top.outputs) {
      pins.push(`.${p.name}(out_${k}[${out + p.width - 1}:${out}])`);
      out += p.width;
    }
    stimulusWidth = Math.max(stimulusWidth, at);
    expectedWidth = Math.max(expectedWidth, out);
    body.push(
      `  wire [STIMULUS-1:0] in_${k} = stimulus[${k} * CYCLES + cycle];`,
      `  wire [${out - 1}:0] out_${k};`,
      `  ${design.top} dut_${k} (${pins.join(", ")});`,
      `  wire [EXPECTED-1:0] want_${k} = expected[${k} * CYCLES + cycle];`,
      `  always @(posedge clk) if (cycle >= ${INIT_CYCLES} && out_${k} !== want_${k}[${out - 1}:0])`,
      `    $display("MISMATCH ${design.top} cycle %0d got %h want %h", cycle, out_${k}, want_${k}[${out - 1}:0]);`,
    );
    const sim = simulate(design, { engine: "interpreter" });
    const random = mulberry32(k + 1);
    for (let cycle = 0; cycle < cycles; cycle++) {
      const inputs = randomInputs(random, design, cycle);
      for (const [name, value] of inputs) sim.poke(name, value);
      stimulus.push(packed(ports.map((p) => [inputs.get(p.name)!, p.width])));
      expected.push(packed(top.outputs.map((p) => [sim.peekBits(p.name), p.width])));
      sim.step();
    }
  }
  files.set(
    "tb.v",
    [
      "module tb (input wire clk);",
      `  localparam CYCLES = ${cycles}, STIMULUS = ${stimulusWidth}, EXPECTED = ${expectedWidth};`,
      `  reg [STIMULUS-1:0] stimulus [0:${stimulus.length - 1}];`,
      `  reg [EXPECTED-1:0] expected [0:${expected.length - 1}];`,
      '  initial $readmemh("stimulus.hex", stimulus);',
      '  initial $readmemh("expected.hex", expected);',
      "  integer cycle = 0;",
      "  always @(posedge clk) cycle <= cycle + 1;",
      `  always @(posedge clk) if (cycle == ${cycles - 1}) begin $display("DONE"); $finish; end`,
      ...body,
      "endmodule",
      "",
    ].join("\n"),
  );
  files.set("stimulus.hex", `${stimulus.join("\n")}\n`);
  files.set("expected.hex", `${expected.join("\n")}\n`);
  return { designs, cycles, files };
}

/** Hex of values side by side, the first at the bottom. */
function packed(values: readonly (readonly [bigint, number])[]): string {
  let sum = 0n;
  let at = 0n;
  for (const [value, width] of values) {
    sum |= value << at;
    at += BigInt(width);
  }
  return sum.toString(16);
}

const CLOCK = "module clock; reg clk = 0; always #5 clk = ~clk; tb bench (.clk(clk)); endmodule\n";

const MAIN = `#include "Vtb.h"
#include "verilated.h"
double sc_time_stamp() { return 0; }
int main() {
  Vtb tb;
  while (!Verilated::gotFinish()) { tb.clk = 0; tb.eval(); tb.clk = 1; tb.eval(); }
}
`;

async function writeAll(bench: Bench, dir: string): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  for (const [name, text] of bench.files) await writeFile(join(dir, name), text);
  return [...bench.files.keys()].filter((name) => name.endsWith(".v"));
}

/** Lines of what differs; empty when all is well. */
function verdict(output: string): string[] {
  const bad = output.split("\n").filter((line) => line.startsWith("MISMATCH"));
  return output.includes("DONE") ? bad : [...bad, `the bench did not finish: ${output.slice(-2000)}`];
}

export async function runIcarus(bench: Bench, dir: string): Promise<string[]> {
  const sources = await writeAll(bench, dir);
  await writeFile(join(dir, "clock.v"), CLOCK);
  await execa("iverilog", ["-g2005", "-s", "clock", "-o", "tb.vvp", "clock.v", ...sources], { cwd: dir });
  const { stdout } = await execa("vvp", ["-n", "tb.vvp"], { cwd: dir });
  return verdict(stdout);
}

/** Built without optimisation: compiling is what takes time here. */
export async function runVerilator(bench: Bench, dir: string): Promise<string[]> {
  const sources = await writeAll(bench, dir);
  await writeFile(join(dir, "main.cpp"), MAIN);
  await execa(
    "verilator",
    [
      "--cc",
      "--exe",
      "--build",
      "-O1",
      "--x-assign",
      "fast",
      "--x-initial",
      "fast",
      "-Wno-fatal",
      "-Wno-lint",
      "-Wno-style",
      "--top-module",
      "tb",
      "--prefix",
      "Vtb",
      "--Mdir",
      "obj",
      "-MAKEFLAGS",
      "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
      "-o",
      "tb",
      ...sources,
      "main.cpp",
    ],
    { cwd: dir },
  );
  const { stdout } = await execa(join(dir, "obj", "tb"), [], { cwd: dir });
  return verdict(stdout);
}
