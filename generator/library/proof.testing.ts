/**
 * For tests: proofs about a module with one stream in and one stream out that keeps words in order. A scoreboard of plain
 * registers is the specification; two solvers judge, z3 up to a depth and PDR for all time. No stimulus, no sampling.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elaborate, emitVerilog, type ModuleDef } from "../hdl/index.js";
import { runTool, ToolFailure } from "../tools/process.js";

export interface Buffer {
  readonly def: ModuleDef | Parameters<typeof elaborate>[0];
  readonly module: string;
  readonly width: number;
  readonly input: string;
  readonly output: string;
  /** Words it holds. */
  readonly capacity: number;
  /** Output that counts the words, if there is one. */
  readonly count?: string;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * Reset is high in the first cycle, everything else is free: registers without reset and the contents of memories too.
 * Nothing is assumed of the producer (it may withdraw offers) or the consumer (it may stall for ever).
 */
const harness = ({ module, width, input, output, capacity, count }: Buffer): string => {
  const levelBits = Math.ceil(Math.log2(capacity + 2)) + 1;
  return `
module proof(input clk, input in_valid, input [${width - 1}:0] in_data, input out_ready);
  reg started = 0;
  always @(posedge clk) started <= 1;
  wire in_ready, out_valid;
  wire [${width - 1}:0] out_data;
  ${count === undefined ? "" : `wire [${Math.ceil(Math.log2(capacity + 1)) - 1}:0] count;`}
  ${module} dut(.clk(clk), .rst(!started), .${input}_valid(in_valid), .${input}_data(in_data), .${input}_ready(in_ready),
    .${output}_valid(out_valid), .${output}_data(out_data), .${output}_ready(out_ready)${count === undefined ? "" : `, .${count}(count)`});

  // the words inside, the oldest first
  reg [${levelBits - 1}:0] level = 0;
  ${range(capacity)
    .map((i) => `reg [${width - 1}:0] word_${i};`)
    .join(" ")}
  wire push = started && in_valid && in_ready;
  wire pop = started && out_valid && out_ready;
  wire [${levelBits - 1}:0] kept = level - pop;
  always @(posedge clk) begin
    level <= kept + push;
    ${range(capacity)
      .map(
        (i) =>
          `word_${i} <= push && kept == ${i} ? in_data : pop ? ${i + 1 < capacity ? `word_${i + 1}` : `${width}'d0`} : word_${i};`,
      )
      .join("\n    ")}
  end

  reg held = 0;
  reg [${width - 1}:0] held_data;
  always @(posedge clk) begin
    held <= started && out_valid && !out_ready;
    held_data <= out_data;
  end
  always @* if (started) begin
    a_offer: assert (out_valid == (level != 0));             // no loss: what is inside is offered; nothing else is
    if (out_valid) a_order: assert (out_data == word_0);     // in order, unchanged, once
    a_capacity: assert (level <= ${capacity});               // no overflow
    a_room: assert (in_ready == (level != ${capacity}));     // takes words whenever there is room, and only then
    if (held) a_hold: assert (out_valid && out_data == held_data);
    ${count === undefined ? "" : "a_count: assert (count == level);"}
  end
endmodule
`;
};

export interface Verdict {
  readonly bounded: boolean;
  /** Absent where it was not asked for. */
  readonly unbounded?: boolean;
}

/** `mutate` changes the emitted Verilog of the module: a proof that cannot fail proves nothing. */
export const prove = (
  buffer: Buffer,
  depth: number,
  mutate?: (verilog: string) => string,
): Promise<Verdict> => proveWith({ ...buffer, harness: harness(buffer), unbounded: true }, depth, mutate);

/** A harness of one's own: module `proof`, whose assertions are about an instance of `module`. */
export interface Proof extends Pick<Buffer, "def" | "module"> {
  readonly harness: string;
  /** By PDR too, which wide arithmetic keeps from converging. */
  readonly unbounded: boolean;
}

export const proveWith = async (
  { def, module, harness: proof, unbounded: forAllTime }: Proof,
  depth: number,
  mutate?: (verilog: string) => string,
): Promise<Verdict> => {
  const cwd = await mkdtemp(join(tmpdir(), "gateloom-proof-"));
  try {
    const files = [...emitVerilog(elaborate(def))].filter(([name]) => name.endsWith(".v"));
    for (const [name, text] of files) {
      const changed = mutate === undefined || name !== `${module}.v` ? text : mutate(text);
      if (mutate !== undefined && name === `${module}.v` && changed === text)
        throw new Error("the mutation changes nothing");
      await writeFile(join(cwd, name), changed);
    }
    await writeFile(join(cwd, "proof.v"), proof);
    const read = `read_verilog -formal proof.v ${files.map(([name]) => name).join(" ")}; prep -flatten -top proof; memory_map; opt; async2sync; dffunmap`;
    await runTool("yosys", ["-q", "-p", `${read}; write_smt2 -wires proof.smt2`], { cwd });
    // --unroll: z3 takes 15 times as long with the state as an uninterpreted sort
    const bounded = await holds(
      "yosys-smtbmc",
      ["-s", "z3", "--unroll", "-t", `${depth}`, "proof.smt2"],
      cwd,
      /Status: PASSED/,
      /Status: FAILED/,
    );
    if (!forAllTime) return { bounded };
    await runTool(
      "yosys",
      [
        "-q",
        "-p",
        `${read}; setundef -undriven -anyseq; techmap; opt_clean; dffunmap; abc -g AND -fast; opt_clean; write_aiger -zinit proof.aig`,
      ],
      { cwd },
    );
    const unbounded = await holds(
      "yosys-abc",
      ["-c", "read_aiger proof.aig; fold; strash; pdr"],
      cwd,
      /Property proved/,
      /Output \d+ .*was asserted in frame/,
    );
    return { bounded, unbounded };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
};

/** A solver must say yes or no; anything else is an error, never a pass. */
const holds = async (
  command: string,
  args: readonly string[],
  cwd: string,
  yes: RegExp,
  no: RegExp,
): Promise<boolean> => {
  const output = await runTool(command, args, { cwd }).catch((e: unknown) => {
    if (e instanceof ToolFailure) return e.output;
    throw e;
  });
  if (yes.test(output) === no.test(output)) throw new Error(`${command} gives no verdict:\n${output}`);
  return yes.test(output);
};
