/** For tests of DSP models: ours gives what the primitive's own Verilog gives, cycle by cycle. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as ir from "../../hdl/ir.js";
import { defineModule, elaborate, emitVerilog, type ModuleDef, type Ty } from "../../hdl/index.js";
import { type Random, randomBits, randomFrom } from "../../library/testing.js";
import { simulate } from "../../simulate/index.js";
import { runTool } from "../../tools/process.js";

/** Values of some inputs in a cycle; the others are random, or 0 where they are tied. */
export type Drive = (random: Random, cycle: number) => Readonly<Record<string, bigint>>;
export interface Reference {
  /** Verilog files that hold the primitive. */
  readonly files: readonly string[];
  /** Further tops, and arguments of iverilog. */
  readonly args?: readonly string[];
}

type Pins = Readonly<Record<string, Ty>>;
/** A module that is nothing but one instance, all its pins outside. */
const probeOf = <I extends Pins, O extends Pins>(def: ModuleDef<I, O>) =>
  defineModule("probe", { in: def.io.in, out: def.io.out }, (pins) => def.inst("u_dut", pins));

const hex = (values: readonly (readonly [bigint, number])[]): string => {
  let word = 0n;
  for (const [value, width] of values) word = (word << BigInt(width)) | value;
  return word.toString(16);
};
const total = (ports: readonly ir.Port[]): number => ports.reduce((n, p) => n + p.width, 0);
/** Pins of an instance on slices of a vector, the first port at the top. */
const pins = (ports: readonly ir.Port[], vector: string): string[] => {
  let at = total(ports);
  return ports.map((p) => {
    at -= p.width;
    return `.${p.name}(${vector}[${at + p.width - 1}:${at}])`;
  });
};

/** Cycles before the outputs count: the drive may load the registers in them, which start unknown here. */
export const WARM_UP = 8;

/** Lines of what differs between the model, in the embedded engine, and the Verilog of a reference, in Icarus. */
export const differences = async <I extends Pins, O extends Pins>(
  def: ModuleDef<I, O>,
  reference: Reference,
  drive: Drive,
  cycles: number,
  seed = 1,
): Promise<string[]> => {
  const design = elaborate(probeOf(def));
  const top = design.modules.get(design.top)!;
  const random = randomFrom(seed);
  const sim = simulate(design, { seed });
  const clock = top.domains[0]?.clock;
  const inputs = top.inputs.filter((p) => p.name !== clock);
  const stimulus: string[] = [];
  const expected: string[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const driven = drive(random, cycle);
    const values = inputs.map((p): [bigint, number] => [
      driven[p.name] ?? cornered(random, p.width),
      p.width,
    ]);
    for (const [i, p] of inputs.entries()) sim.poke(p.name, values[i]![0]);
    stimulus.push(hex(values));
    expected.push(hex(top.outputs.map((p) => [sim.peekBits(p.name), p.width])));
    sim.step();
  }
  const dir = await mkdtemp(join(tmpdir(), "gateloom-dsp-"));
  try {
    const files = new Map(emitVerilog(design));
    files.set("bench.v", benchText(inputs, top.outputs, clock, cycles));
    files.set("stimulus.hex", `${stimulus.join("\n")}\n`);
    files.set("expected.hex", `${expected.join("\n")}\n`);
    for (const [name, text] of files) await writeFile(join(dir, name), text);
    const verilog = [...files.keys()].filter((name) => name.endsWith(".v"));
    const { files: given, args = [] } = reference;
    await runTool("iverilog", ["-g2012", "-s", "bench", ...args, "-o", "bench.vvp", ...verilog, ...given], {
      cwd: dir,
    });
    const output = (await runTool("vvp", ["-n", "bench.vvp"], { cwd: dir })).split("\n");
    const bad = output.filter((line) => /MISMATCH|DRC|rror|arning/.test(line)).slice(0, 5);
    return output.includes("DONE") ? bad : [...bad, "the bench did not finish", ...output.slice(0, 5)];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

const benchText = (
  inputs: readonly ir.Port[],
  outputs: readonly ir.Port[],
  clock: string | undefined,
  cycles: number,
): string => `\`timescale 1 ns / 1 ps
module bench;
  reg clk = 0;
  reg [${total(inputs) - 1}:0] stimulus [0:${cycles - 1}];
  reg [${total(outputs) - 1}:0] expected [0:${cycles - 1}];
  reg [${total(inputs) - 1}:0] in; // changes once at the start, or \`always @*\` of a model never runs for pins that stay
  wire [${total(outputs) - 1}:0] out;
  probe dut (${[
    ...(clock === undefined ? [] : [`.${clock}(clk)`]),
    ...pins(inputs, "in"),
    ...pins(outputs, "out"),
  ].join(", ")});
  integer cycle;
  initial begin
    $readmemh("stimulus.hex", stimulus);
    $readmemh("expected.hex", expected);
    #1 in = 0;
    #199; // after the vendor's global reset
    for (cycle = 0; cycle < ${cycles}; cycle = cycle + 1) begin
      in = stimulus[cycle];
      #4;
      if (cycle >= ${WARM_UP} && out !== expected[cycle])
        $display("MISMATCH cycle %0d got %h want %h of %h", cycle, out, expected[cycle], in);
      #1 clk = 1;
      #5 clk = 0;
    end
    $display("DONE");
    $finish;
  end
endmodule
`;

/** Extremes often: the carries of a wide sum are seldom met by chance. */
const cornered = (random: Random, width: number): bigint => {
  const ones = (1n << BigInt(width)) - 1n;
  const r = random();
  if (r < 0.04) return 0n;
  if (r < 0.08) return ones;
  if (r < 0.12) return 1n << BigInt(width - 1);
  if (r < 0.16) return ones >> 1n;
  return width === 1 ? BigInt(random() < 0.75 ? 1 : 0) : randomBits(random, width);
};
