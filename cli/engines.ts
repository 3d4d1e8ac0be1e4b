import { Command, InvalidArgumentError, Option } from "commander";
import { KERNELS, kernelNames, kernelOf } from "../generator/engines/kernels.js";
import { UNITS } from "../generator/engines/units.js";
import { TARGETS, type Target } from "../generator/estimate/cells.js";
import { engineTable, type Peer, type Unit } from "../generator/estimate/engines.js";
import { defaultConfig } from "../generator/isa/config.js";
import { naivePeer } from "../rtl-templates/report/naive.js";
import { enginePage } from "./enginePage.js";
import { renderTable } from "./engineText.js";
import { ComparisonError, UsageError } from "./failure.js";
import { type Files, writeFolder } from "./output.js";

const COLUMNS = 32;
const MOST_ROWS = 64;

interface EnginesOptions {
  readonly lanes: number;
  readonly tokens: number;
  readonly family: Target;
  readonly engineKind?: string;
  readonly json?: boolean;
  readonly out: string;
}

const lanesOption = (text: string): number => {
  const lanes = Number(text);
  if (!Number.isInteger(lanes) || lanes % COLUMNS !== 0 || lanes < COLUMNS || lanes > COLUMNS * MOST_ROWS)
    throw new InvalidArgumentError(
      `lanes are rows of ${COLUMNS} columns: a multiple of ${COLUMNS} from ${COLUMNS} to ${COLUMNS * MOST_ROWS} is needed.`,
    );
  return lanes;
};

const unitOf = ({ name, title, source, size, build }: (typeof UNITS)[number]): Unit => ({
  name,
  title: `${title} (${Object.entries(size)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ")})`,
  source,
  design: () => build(),
});

const peerOf = (rows: number): Peer => {
  const { top, text, latency } = naivePeer(rows, COLUMNS);
  return {
    name: "naive",
    title: "plain Verilog, a * w",
    source: "what a user would write",
    top,
    latency,
    files: new Map([[`${top}.v`, text]]),
  };
};

export const enginesCommand = (): Command =>
  new Command("engines")
    .description(
      "Compares the engines side by side: what each costs by Yosys, how fast it is by simulation, and how deep its sums are exact.",
    )
    .addOption(
      new Option("--lanes <n>", "multiplier lanes: rows of 32 columns (32, 64, 96, ...)")
        .default(96)
        .argParser(lanesOption),
    )
    .addOption(new Option("--family <name>", "FPGA family to map to").choices([...TARGETS]).default("xcup"))
    .addOption(
      new Option("--tokens <n>", "tokens that an engine can serve with one weight beat")
        .choices(["1", "2", "4", "8"])
        .default("2"),
    )
    .option("--engine-kind <name>", "only this engine, and the naive peer")
    .option("--json", "print the table as JSON")
    .addOption(
      new Option("--out <folder>", "output folder; written whole or not at all").default("build/engines"),
    )
    .addHelpText(
      "after",
      `
Nothing has to be installed: Yosys comes as a package, in WebAssembly. Each kernel is mapped once; the counts
are kept in the cache folder (GATELOOM_CACHE, else ~/.cache/gateloom), so a second run takes seconds.

What is in the folder:
  engines.html       the table and a chart, one file without scripts
  engines.json       the same as data, as --json prints it
  verilog/<engine>/  what was mapped; 'naive' is the peer, plain Verilog with '*'
  manifest.json      options and versions

How to read the table:
  MAC/cycle          products per cycle, of the code named behind (w2: two bits, four levels)
  MAC/DSP            of the DSPs in the dot product; the rescale's have their own column
  exact depth        products added in one field before it is extracted, proven exact
  busy               useful products over the stated rate, on one 4096 x 4096 matrix; simulated, see the last lines

Exit code 1: the sums of an engine are not those of whole-number arithmetic; the table says which.
Add an engine: generator/engines/README.md`,
    )
    .action(async (options: EnginesOptions) => {
      const only = options.engineKind === undefined ? undefined : kernelOf(options.engineKind);
      if (options.engineKind !== undefined && only === undefined)
        throw new UsageError(
          `--engine-kind ${options.engineKind}: there is no such engine; there are ${kernelNames().join(", ")}`,
        );
      const rows = options.lanes / COLUMNS;
      const { table, verilog } = await engineTable({
        config: { ...defaultConfig, rows, tokens: Number(options.tokens) },
        target: options.family,
        kernels: only === undefined ? KERNELS : [only],
        units: options.engineKind === undefined ? UNITS.map(unitOf) : [],
        peer: peerOf(rows),
        progress: (line) => process.stderr.write(`${line}\n`),
      });
      const json = `${JSON.stringify(table, null, 2)}\n`;
      const manifest = {
        generator: "gateloom",
        command: "engines",
        lanes: options.lanes,
        tokens: table.tokens,
        family: table.family,
        yosys: table.yosys,
      };
      const files: Files = new Map([
        ["engines.json", json],
        ["engines.html", enginePage(table)],
        ...[...verilog].map(([name, text]) => [`verilog/${name}`, text] as const),
        ["manifest.json", `${JSON.stringify(manifest, null, 2)}\n`],
      ]);
      await writeFolder(options.out, files);
      if (options.json) console.log(json.trimEnd());
      else
        console.log(
          `${renderTable(table)}\n\nwritten to ${options.out}: engines.html, engines.json, verilog/`,
        );
      const wrong = table.engines.flatMap((e) =>
        e.result.status === "wrong" ? [`engine '${e.name}': ${e.result.reason}`] : [],
      );
      if (wrong.length > 0) throw new ComparisonError(wrong.join("\n"));
    });
