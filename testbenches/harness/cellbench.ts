/** ECP5 netlists behind synthesis in Icarus, with models of the cells: a module against its description, a board over its UART. */
import { execa } from "execa";
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

/** `heard` gets what the bench prints, line by line as it comes. */
const runBench = async (
  netlist: string,
  bench: string,
  data: ReadonlyMap<string, string>,
  heard: (line: string) => void,
): Promise<void> => {
  await requireTools(["iverilog", "vvp"], "a netlist runs in Icarus Verilog");
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-netlist-"));
  try {
    const files = new Map([
      ...(await cellModels()),
      ["netlist.v", netlist] as const,
      ["bench.v", bench] as const,
      ...data,
    ]);
    for (const [name, text] of files) await writeFile(path.join(work, name), text);
    const verilog = [...files.keys()].filter((name) => name.endsWith(".v"));
    await runTool("iverilog", ["-g2005", "-s", "bench", "-o", "bench.vvp", ...verilog], { cwd: work });
    const child = execa("vvp", ["-n", "bench.vvp"], { cwd: work, buffer: false, stdin: "ignore" });
    for await (const line of child.iterable()) heard(line as string);
    await child;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const memoryFile = (words: readonly bigint[]): string => words.map((w) => `${w.toString(16)}\n`).join("");

/** An output and the output that says when it counts; without one it always does. */
export interface Watched {
  readonly name: string;
  readonly valid?: string;
}

/** Cycles of reset before anything counts. */
const RESET = 2;

/** Cycles in which a module's netlist differs from the module, with random inputs in every cycle. */
export const differences = async (
  netlist: string,
  design: Design,
  watched: readonly Watched[],
  cycles: number,
  seed: number,
): Promise<number> => {
  const top = design.modules.get(design.top)!;
  const sim = simulate(design);
  const random = mulberry32(seed);
  const inputs = fields(top.inputs.filter(({ name }) => name !== "clk"));
  const outputs = fields(top.outputs);
  const [given, wanted, counts] = [[] as bigint[], [] as bigint[], [] as bigint[]];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const values = inputs.map((f) => (f.name === "rst" ? BigInt(cycle < RESET ? 1 : 0) : drawn(random, f)));
    for (const [i, { name }] of inputs.entries()) sim.poke(name, values[i]!);
    given.push(packed(inputs, values));
    wanted.push(
      packed(
        outputs,
        outputs.map(({ name }) => BigInt(sim.peek(name))),
      ),
    );
    const counting = watched
      .filter(({ valid }) => cycle >= RESET && (valid === undefined || BigInt(sim.peek(valid)) === 1n))
      .map(({ name }) => name);
    counts.push(
      packed(
        outputs,
        outputs.map(({ name }) => (counting.includes(name) ? -1n : 0n)),
      ),
    );
    sim.step();
  }
  let wrong: number | null = null;
  const bench = pieceBench({ top: design.top, inputs, outputs, cycles });
  const data = new Map([
    ["given.mem", memoryFile(given)],
    ["wanted.mem", memoryFile(wanted)],
    ["counts.mem", memoryFile(counts)],
  ]);
  const heard: string[] = [];
  await runBench(netlist, bench, data, (line) => {
    heard.push(line);
    const said = /^differences (\d+)/.exec(line);
    if (said !== null) wrong = Number(said[1]);
  });
  if (wrong === null) throw new ToolFailure("the bench of the netlist", heard.join("\n"));
  return wrong;
};

const fields = (ports: readonly { readonly name: string; readonly width: number }[]): Field[] => {
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
  /** NaN: bits that are unknown (x). */
  readonly received: readonly number[];
  /** Clock cycles from the start to the last byte; null when patience ended first. */
  readonly cycles: number | null;
}

/** Sends bytes to a board's netlist and listens for answers. */
export const talk = async (
  netlist: string,
  bench: Omit<SerialBench, "sent">,
  sent: readonly number[],
): Promise<SerialRun> => {
  const received: number[] = [];
  let cycles: number | null = null;
  const data = new Map([["sent.mem", memoryFile(sent.map(BigInt))]]);
  await runBench(netlist, serialBench({ ...bench, sent: sent.length }), data, (line) => {
    const [word, value] = line.split(" ");
    if (word === "byte") received.push(/[xz]/.test(value!) ? Number.NaN : Number.parseInt(value!, 16));
    if (word === "end") cycles = Number(value);
  });
  return { received, cycles };
};
