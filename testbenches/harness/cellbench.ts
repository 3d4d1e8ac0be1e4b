/** ECP5 netlists behind synthesis, with models of the cells: a module against its description, a board over its UART. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { cellModels } from "./ecp5netlist.js";
import type { Design } from "../../generator/hdl/ir.js";
import { mulberry32, type Prng } from "../../generator/simulate/prng.js";
import { simulate } from "../../generator/simulate/index.js";
import { runTool, ToolFailure } from "../../generator/tools/process.js";
import { requireTools } from "../../generator/tools/tool.js";
import { type Field, pieceBench, serialBench, type SerialBench } from "../../rtl-templates/cells/cells.js";

/** A bench that is built: runs it, with the fault of that number awake (0: none), and hands its lines back. */
interface Built {
  run(fault: number): Promise<readonly string[]>;
  discard(): Promise<void>;
}

const build = async (
  files: ReadonlyMap<string, string>,
  compile: (
    verilog: readonly string[],
    cwd: string,
  ) => Promise<readonly [command: string, ...args: string[]]>,
): Promise<Built> => {
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-netlist-"));
  const discard = (): Promise<void> => rm(work, { recursive: true, force: true });
  try {
    const all = new Map([...(await cellModels()), ...files]);
    for (const [name, text] of all) await writeFile(path.join(work, name), text);
    const [command, ...args] = await compile(
      [...all.keys()].filter((name) => name.endsWith(".v")),
      work,
    );
    return {
      run: async (fault) => (await runTool(command, [...args, `+fault=${fault}`], { cwd: work })).split("\n"),
      discard,
    };
  } catch (error) {
    await discard();
    throw error;
  }
};

/** Four-state and quickly built, but a whole chip of cells runs at five cycles a second. */
const inIcarus = async (verilog: readonly string[], cwd: string): Promise<readonly [string, ...string[]]> => {
  await requireTools(["iverilog", "vvp"], "a netlist runs in Icarus Verilog");
  await runTool("iverilog", ["-g2005", "-s", "bench", "-o", "bench.vvp", ...verilog], { cwd });
  return ["vvp", "-n", "bench.vvp"];
};

/** Minutes to build a chip; then thousands of cycles a second. */
const inVerilator = async (
  verilog: readonly string[],
  cwd: string,
): Promise<readonly [string, ...string[]]> => {
  await requireTools(["verilator"], "the netlist of a whole chip runs in Verilator");
  const options = ["--binary", "--timing", "-O3", "--x-assign", "fast", "-Wno-fatal", "-Wno-lint"];
  const sizes = ["-CFLAGS", "-O1", "--output-split", "20000"];
  await runTool("verilator", [...options, ...sizes, "--top-module", "bench", "-o", "bench", ...verilog], {
    cwd,
  });
  return [path.join(cwd, "obj_dir", "bench")];
};

const memoryFile = (words: readonly bigint[]): string => words.map((w) => `${w.toString(16)}\n`).join("");

/** An output and the output that says when it counts; without one it always does. */
export interface Watched {
  readonly name: string;
  readonly valid?: string;
}

/** Cycles of reset before anything counts. */
const RESET = 2;

/** Cycles in which a module's netlist differs from the module, with random inputs in every cycle: with each fault awake. */
export const differences = async (
  netlist: string,
  design: Design,
  watched: readonly Watched[],
  cycles: number,
  faults: readonly number[],
): Promise<readonly number[]> => {
  const { fields, data } = recorded(design, watched, cycles);
  const bench = pieceBench({ top: design.top, ...fields, cycles });
  const built = await build(new Map([["netlist.v", netlist], ["bench.v", bench], ...data]), inIcarus);
  try {
    const wrong: number[] = [];
    for (const fault of faults) {
      const lines = await built.run(fault);
      const said = lines.map((line) => /^differences (\d+)/.exec(line)).find((m) => m !== null);
      if (said === undefined) throw new ToolFailure("the bench of the netlist", lines.join("\n"));
      wrong.push(Number(said![1]));
    }
    return wrong;
  } finally {
    await built.discard();
  }
};

/** Random inputs of every cycle, the outputs that the module answers with, and which of them count. */
const recorded = (
  design: Design,
  watched: readonly Watched[],
  cycles: number,
): {
  readonly fields: { readonly inputs: readonly Field[]; readonly outputs: readonly Field[] };
  readonly data: ReadonlyMap<string, string>;
} => {
  const top = design.modules.get(design.top)!;
  const sim = simulate(design);
  const random = mulberry32(1);
  const inputs = fieldsOf(top.inputs.filter(({ name }) => name !== "clk"));
  const outputs = fieldsOf(top.outputs);
  const [given, wanted, counts] = [[] as bigint[], [] as bigint[], [] as bigint[]];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const values = inputs.map((f) => (f.name === "rst" ? BigInt(cycle < RESET ? 1 : 0) : drawn(random, f)));
    for (const [i, { name }] of inputs.entries()) sim.poke(name, values[i]!);
    const answers = outputs.map(({ name }) => BigInt(sim.peek(name)));
    const counting = outputs.map(({ name }) =>
      watched.some(
        (w) =>
          cycle >= RESET && w.name === name && (w.valid === undefined || BigInt(sim.peek(w.valid)) === 1n),
      ),
    );
    given.push(packed(inputs, values));
    wanted.push(packed(outputs, answers));
    counts.push(
      packed(
        outputs,
        counting.map((does) => (does ? -1n : 0n)),
      ),
    );
    sim.step();
  }
  return {
    fields: { inputs, outputs },
    data: new Map([
      ["given.mem", memoryFile(given)],
      ["wanted.mem", memoryFile(wanted)],
      ["counts.mem", memoryFile(counts)],
    ]),
  };
};

const fieldsOf = (ports: readonly { readonly name: string; readonly width: number }[]): Field[] => {
  let at = 0;
  return ports.map(({ name, width }) => {
    const lo = at;
    at += width;
    return { name, hi: at - 1, lo };
  });
};

/** Values side by side; of negative ones the bits that fit. */
const packed = (places: readonly Field[], values: readonly bigint[]): bigint =>
  places.reduce((word, { hi, lo }, i) => word | (BigInt.asUintN(hi - lo + 1, values[i]!) << BigInt(lo)), 0n);

const drawn = (random: Prng, { hi, lo }: Field): bigint => {
  let value = 0n;
  for (let at = lo; at <= hi; at += 16) value = (value << 16n) | BigInt(random.below(2 ** 16));
  return BigInt.asUintN(hi - lo + 1, value);
};

export interface SerialRun {
  readonly received: readonly number[];
  /** Clock cycles from the start to the last byte; null when patience ended first. */
  readonly cycles: number | null;
}

/** Sends bytes to a board's netlist and listens for answers: once for each fault. */
export const talk = async (
  netlist: string,
  bench: Omit<SerialBench, "sent">,
  sent: readonly number[],
  faults: readonly number[],
): Promise<readonly SerialRun[]> => {
  const files = [
    ["netlist.v", netlist],
    ["bench.v", serialBench({ ...bench, sent: sent.length })],
    ["sent.mem", memoryFile(sent.map(BigInt))],
  ] as const;
  const built = await build(new Map(files), inVerilator);
  try {
    const runs: SerialRun[] = [];
    for (const fault of faults) {
      const words = (await built.run(fault)).map((line) => line.split(" "));
      const end = words.find(([word]) => word === "end");
      runs.push({
        received: words.filter(([word]) => word === "byte").map(([, hex]) => Number.parseInt(hex!, 16)),
        cycles: end === undefined ? null : Number(end[1]),
      });
    }
    return runs;
  } finally {
    await built.discard();
  }
};
