/**
 * For tests of kernels: the emitted Verilog lints clean, and in Icarus and in Verilator gives the exact group sums on
 * random beats with stalls on both sides. `checkKernel` does more beats in the embedded engine; here other tools judge.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Design, elaborate, emitVerilog } from "../hdl/index.js";
import { type BeatCode, beatCode } from "../isa/codes.js";
import { type AcceleratorConfig, beatBits } from "../isa/config.js";
import { between, randomBits, randomFrom } from "../library/testing.js";
import { lint } from "../tools/lint.js";
import { runTool } from "../tools/process.js";
import type { Family, Kernel } from "./kernel.js";
import { actOf, beatOf, groupSumsOf, type Style } from "./kernel.testing.js";
import { GROUP } from "./port.js";

interface Port {
  readonly name: string;
  readonly width: number;
}
interface Sample {
  readonly code: BeatCode;
  readonly weights: bigint;
  readonly act: readonly number[];
  /** Every payload port of the beat, as bits. */
  readonly inputs: ReadonlyMap<string, bigint>;
}

const BEATS = 30;
const STYLES: readonly Style[] = ["zeros", "ones", "extremes", "random", "random", "random"];
const SIMULATORS = ["icarus", "verilator"] as const;
export type Simulator = (typeof SIMULATORS)[number];

const payload = (ports: readonly Port[], stream: string): Port[] =>
  ports.filter(
    (p) => p.name.startsWith(`${stream}_`) && p.name !== `${stream}_valid` && p.name !== `${stream}_ready`,
  );

/** Beats of all codes, each for all tokens in turn; what only travels along is random. */
const samplesOf = (
  codes: readonly BeatCode[],
  c: AcceleratorConfig,
  ports: readonly Port[],
  seed: number,
): Sample[] => {
  const random = randomFrom(seed);
  const possible = codes.filter((k) => k !== "w4" || c.rows % 2 === 0);
  const style = () => STYLES[between(random, 0, STYLES.length - 1)]!;
  const samples: Sample[] = [];
  for (let i = 0; i < BEATS; i++) {
    const tok = i % c.tokens;
    const code = possible[Math.floor(i / c.tokens) % possible.length]!;
    const weights = tok === 0 ? beatOf(c, code, random, style()) : samples.at(-1)!.weights;
    const act = actOf(random, style());
    const known = new Map<string, bigint>([
      ["beat_weights", weights],
      ["beat_code", BigInt(beatCode(code))],
      ["beat_tag_tok", BigInt(tok)],
      ["beat_tag_lastTok", tok === c.tokens - 1 || i === BEATS - 1 ? 1n : 0n],
      ...act.map((a, k): [string, bigint] => [`beat_act_${k}`, BigInt.asUintN(8, BigInt(a))]),
    ]);
    const inputs = new Map(ports.map((p) => [p.name, known.get(p.name) ?? randomBits(random, p.width)]));
    samples.push({ code, weights, act, inputs });
  }
  return samples;
};

/** Values side by side, the first port at the bottom. */
const packed = (ports: readonly Port[], values: ReadonlyMap<string, bigint>): bigint =>
  ports.reduceRight((word, p) => (word << BigInt(p.width)) | values.get(p.name)!, 0n);

/** Connections of ports to slices of one wide net. */
const pins = (ports: readonly Port[], net: string): { text: string; width: number } => {
  let at = 0;
  const text = ports
    .map(({ name, width }) => {
      at += width;
      return `.${name}(${net}[${at - 1}:${at - width}])`;
    })
    .join(", ");
  return { text, width: at };
};

/** Offers beats and takes sums at random, at full rate for the first third; a beat not offered is x. */
const benchText = (top: string, inputs: readonly Port[], outputs: readonly Port[]): string => {
  const beat = pins(inputs, "beat");
  const groups = pins(outputs, "groups");
  return `module tb (input wire clk);
  reg [${beat.width - 1}:0] beats [0:${BEATS - 1}];
  initial $readmemh("beats.hex", beats);
  reg rst = 1'b1, offered = 1'b0, take = 1'b0;
  reg [31:0] random = 32'd1;
  integer cycle = 0, sent = 0, got = 0;
  wire [${beat.width - 1}:0] beat = offered ? beats[sent] : {${beat.width}{1'bx}};
  wire [${groups.width - 1}:0] groups;
  wire ready, valid;
  ${top} dut (.clk(clk), .rst(rst), .beat_valid(offered), .beat_ready(ready), .groups_valid(valid), .groups_ready(take),
    ${beat.text},
    ${groups.text});
  wire quick = got < ${Math.floor(BEATS / 3)};
  wire accepted = offered & ready;
  always @(posedge clk) begin
    cycle <= cycle + 1;
    random <= {random[30:0], random[31] ^ random[21] ^ random[1] ^ random[0]};
    if (cycle == 4) rst <= 1'b0;
    if (cycle > 4 && !rst) begin
      take <= quick | random[7];
      offered <= offered & ~accepted ? 1'b1 : (sent + accepted < ${BEATS}) & (quick | random[13] | random[17]);
      if (accepted) sent <= sent + 1;
      if (valid & take) begin
        $display("GROUPS %h", groups);
        got <= got + 1;
        if (got == ${BEATS - 1}) $finish;
      end
      if (cycle == 10000) begin $display("HANG after %0d beats and %0d sums", sent, got); $finish; end
    end
  end
endmodule
`;
};

const CLOCK = "module clock; reg clk = 0; always #5 clk = ~clk; tb bench (.clk(clk)); endmodule\n";
const MAIN = `#include "Vtb.h"
#include "verilated.h"
double sc_time_stamp() { return 0; }
int main() {
  Vtb tb;
  while (!Verilated::gotFinish()) { tb.clk = 0; tb.eval(); tb.clk = 1; tb.eval(); }
}
`;
const VERILATOR = ["--cc", "--exe", "--build", "-O1", "--x-assign", "fast", "--x-initial", "fast"];
const QUICK_BUILD = "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0";

const simulated = async (simulator: Simulator, files: ReadonlyMap<string, string>): Promise<string> => {
  const cwd = await mkdtemp(join(tmpdir(), "gateloom-kernel-"));
  try {
    for (const [name, text] of files) await writeFile(join(cwd, name), text);
    const verilog = [...files.keys()].filter((name) => name.endsWith(".v"));
    if (simulator === "icarus") {
      await writeFile(join(cwd, "clock.v"), CLOCK);
      await runTool("iverilog", ["-g2005", "-s", "clock", "-o", "tb.vvp", "clock.v", ...verilog], { cwd });
      return await runTool("vvp", ["-n", "tb.vvp"], { cwd });
    }
    await writeFile(join(cwd, "main.cpp"), MAIN);
    const flags = [...VERILATOR, "-Wno-fatal", "-Wno-lint", "-Wno-style", "--top-module", "tb"];
    const out = ["--prefix", "Vtb", "--Mdir", "obj", "-MAKEFLAGS", QUICK_BUILD, "-o", "tb"];
    await runTool("verilator", [...flags, ...out, ...verilog, "main.cpp"], { cwd });
    return await runTool(join(cwd, "obj", "tb"), [], { cwd });
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
};

/** What came out, port by port: every sum that counts, and what travels along. */
const compare = (
  simulator: Simulator,
  output: string,
  samples: readonly Sample[],
  rows: number,
  outputs: readonly Port[],
): void => {
  const words = output.split("\n").flatMap((line) => /^GROUPS ([0-9a-fxz]+)/i.exec(line)?.[1] ?? []);
  assert.equal(
    words.length,
    samples.length,
    `${simulator}: sums of all beats; it printed ${output.slice(-500)}`,
  );
  for (const [i, { code, weights, act, inputs }] of samples.entries()) {
    const word = words[i]!;
    assert.match(word, /^[0-9a-f]+$/, `${simulator}: unknown bits in the sums of beat ${i}, code ${code}`);
    const sums = groupSumsOf(rows, code, weights, act);
    const step = rows / sums.length; // w4: even entries count
    let rest = BigInt(`0x${word}`);
    for (const { name, width } of outputs) {
      const value = BigInt.asUintN(width, rest);
      rest >>= BigInt(width);
      const row = /^groups_groups_(\d+)$/.exec(name)?.[1] ?? /^groups_(\d+)$/.exec(name)?.[1];
      if (row === undefined)
        assert.equal(
          value,
          inputs.get(name.replace(/^groups_/, "beat_")),
          `${simulator}: ${name} of beat ${i}`,
        );
      else if (Number(row) % step === 0)
        assert.equal(
          BigInt.asIntN(width, value),
          BigInt(sums[Number(row) / step]!),
          `${simulator}: group sum ${row} of beat ${i}, code ${code}`,
        );
    }
  }
};

const checkLint = async (design: Design): Promise<void> => {
  for (const { tool, clean, output } of await lint(emitVerilog(design, { models: true }), design.top))
    assert.ok(clean, `${tool} about ${design.top}:\n${output}`);
};

/** 30 beats of all codes of the kernel in each simulator, and lint. */
export const checkKernelInTools = async (
  kernel: Kernel,
  family: Family,
  c: AcceleratorConfig,
  o: { readonly simulators?: readonly Simulator[]; readonly lint?: boolean; readonly seed?: number } = {},
): Promise<void> => {
  const design = elaborate(kernel.build(c, family));
  const top = design.modules.get(design.top)!;
  const inputs = payload(top.inputs, "beat");
  const outputs = payload(top.outputs, "groups");
  assert.equal(inputs.find((p) => p.name === "beat_weights")?.width, beatBits(c));
  assert.equal(inputs.filter((p) => p.name.startsWith("beat_act_")).length, GROUP);
  const samples = samplesOf(kernel.codes, c, inputs, o.seed ?? 1);
  const files = new Map(emitVerilog(design, { models: true }));
  files.set("tb.v", benchText(design.top, inputs, outputs));
  files.set("beats.hex", `${samples.map((s) => packed(inputs, s.inputs).toString(16)).join("\n")}\n`);
  if (o.lint !== false) await checkLint(design);
  for (const simulator of o.simulators ?? SIMULATORS)
    compare(simulator, await simulated(simulator, files), samples, c.rows, outputs);
};
