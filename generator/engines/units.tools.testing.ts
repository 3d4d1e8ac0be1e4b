/**
 * For tests of units with streams: lints the emitted Verilog in three tools, and runs one trace in Icarus and Verilator
 * beside the embedded engine. Payloads are compared where their stream is valid; else they may be unknown.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Design, elaborate, emitVerilog, type ModuleDef } from "../hdl/index.js";
import { type Item, type Random, randomFrom } from "../library/testing.js";
import { simulate } from "../simulate/index.js";
import { runIcarus, runVerilator } from "../simulate/toolcheck.js";
import { lint } from "../tools/lint.js";

/** Values of inputs in one cycle; those not named keep theirs. `rst` is not among them. */
export type Stimulus = (random: Random, cycle: number) => Item;
type Def = ModuleDef | Parameters<typeof elaborate>[0];

interface Port {
  readonly name: string;
  readonly width: number;
}
const side = (values: readonly bigint[], ports: readonly Port[]): string =>
  ports
    .reduceRight((word, p, i) => (word << BigInt(p.width)) | BigInt.asUintN(p.width, values[i]!), 0n)
    .toString(16);
const widthOf = (ports: readonly Port[]): number => ports.reduce((n, p) => n + p.width, 0);
const pins = (ports: readonly Port[], bus: string): string[] => {
  let at = 0;
  return ports.map((p) => {
    at += p.width;
    return `.${p.name}(${bus}[${at - 1}:${at - p.width}])`;
  });
};

/** The trace as a test bench: inputs, outputs and which bits of them count, a word a cycle each. */
const traceOf = (design: Design, stimulus: Stimulus, cycles: number): Map<string, string> => {
  const top = design.modules.get(design.top)!;
  const inputs = top.inputs.filter((p) => p.name !== "clk");
  const { outputs } = top;
  const streamOf = (port: string): string | undefined =>
    outputs.find((o) => o.name.endsWith("_valid") && port.startsWith(o.name.slice(0, -"valid".length)))?.name;
  const sim = simulate(design, { seed: 1 });
  const random = randomFrom(1);
  const now = new Map<string, bigint>(inputs.map((p) => [p.name, 0n]));
  const lines: Record<"stimulus" | "expected" | "counts", string[]> = {
    stimulus: [],
    expected: [],
    counts: [],
  };
  let seen = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    now.set("rst", cycle < 2 ? 1n : 0n);
    if (cycle >= 2) for (const [k, v] of Object.entries(stimulus(random, cycle))) now.set(k, BigInt(v));
    for (const { name } of inputs) sim.poke(name, now.get(name)!);
    const known = outputs.map(({ name }) => {
      if (cycle < 2) return false;
      const valid = streamOf(name);
      return valid === undefined || valid === name || sim.peekBits(valid) === 1n;
    });
    if (outputs.some((o, i) => known[i]! && streamOf(o.name) !== undefined && streamOf(o.name) !== o.name))
      seen++;
    lines.stimulus.push(
      side(
        inputs.map((p) => now.get(p.name)!),
        inputs,
      ),
    );
    lines.expected.push(
      side(
        outputs.map((p) => sim.peekBits(p.name)),
        outputs,
      ),
    );
    lines.counts.push(
      side(
        known.map((k) => (k ? -1n : 0n)),
        outputs,
      ),
    );
    sim.step();
  }
  assert.ok(seen >= 8, `the trace of ${design.top} offers results in ${seen} cycles only`);
  const words = (name: string, ports: readonly Port[]) =>
    `  reg [${widthOf(ports) - 1}:0] ${name} [0:${cycles - 1}];\n  initial $readmemh("${name}.hex", ${name});`;
  const bench = `module tb (input wire clk);
${words("stimulus", inputs)}
${words("expected", outputs)}
${words("counts", outputs)}
  integer cycle = 0;
  wire [${widthOf(inputs) - 1}:0] in = stimulus[cycle];
  wire [${widthOf(outputs) - 1}:0] want = expected[cycle];
  wire [${widthOf(outputs) - 1}:0] mask = counts[cycle];
  wire [${widthOf(outputs) - 1}:0] out;
  ${design.top} dut (.clk(clk), ${[...pins(inputs, "in"), ...pins(outputs, "out")].join(", ")});
  always @(posedge clk) begin
    if (((out ^ want) & mask) !== 0) $display("MISMATCH ${design.top} cycle %0d got %h want %h", cycle, out & mask, want & mask);
    if (cycle == ${cycles - 1}) begin $display("DONE"); $finish; end
    else cycle <= cycle + 1;
  end
endmodule
`;
  return new Map([
    ["tb.v", bench],
    ...Object.entries(lines).map(([name, l]): [string, string] => [`${name}.hex`, `${l.join("\n")}\n`]),
  ]);
};

/** Fails on a lint warning, and where a simulator differs from the embedded engine. */
export const checkInTools = async (def: Def, stimulus: Stimulus, cycles = 200): Promise<void> => {
  const design = elaborate(def);
  const verilog = emitVerilog(design, { models: true });
  for (const { tool, clean, output } of await lint(verilog, design.top))
    assert.ok(clean, `${tool} on ${design.top}:\n${output}`);
  const bench = {
    designs: [design],
    cycles,
    files: new Map([...verilog, ...traceOf(design, stimulus, cycles)]),
  };
  const dir = await mkdtemp(join(tmpdir(), "gateloom-unit-"));
  try {
    assert.deepEqual(await runIcarus(bench, join(dir, "icarus")), []);
    assert.deepEqual(await runVerilator(bench, join(dir, "verilator")), []);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
