import { Command, InvalidArgumentError, Option } from "commander";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pc from "picocolors";
import { BOARDS, type Board } from "../fpga-projects/boards/index.js";
import { nearestFit, type Placed, place } from "../fpga-projects/fit.js";
import { modelFlash } from "../fpga-projects/micro/project.js";
import { openManifest } from "../fpga-projects/open/manifest.js";
import { openProject, type OpenProject } from "../fpga-projects/open/project.js";
import type { Routed } from "../fpga-projects/open/report.js";
import { buildOpen } from "../fpga-projects/open/run.js";
import { imageWords } from "../generator/compile/words.js";
import { hardware } from "../generator/config.js";
import { lanes, powerOfTwo } from "../generator/isa/config.js";
import { runSession } from "../testbenches/harness/session.js";
import { cycleLimit, type System } from "../testbenches/harness/system.js";
import { boardOption } from "./boards.js";
import { buildMicro, showMicro } from "./buildMicro.js";
import { cellLines, count, MEASURED, narrator, readFolder } from "./buildSteps.js";
import { loadConfig, withEngine, withLanes } from "./config.js";
import { ComparisonError, UsageError } from "./failure.js";
import { refusal } from "./fitText.js";
import { encodePrompt, type Loaded, loadForBoard, positionsOption } from "./model.js";
import { checkFolder, type Files, writeFolder } from "./output.js";
import { type SystemOptions, systemOptions } from "./system.js";

interface BuildOptions extends SystemOptions {
  readonly board: string;
  readonly out?: string;
  readonly positions?: number;
  readonly clock?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

const positiveNumber = (text: string): number => {
  const value = Number(text);
  if (!(value >= 1 && value <= 1000)) throw new InvalidArgumentError("a number from 1 to 1000 is needed.");
  return value;
};

const OPEN = BOARDS.filter(({ flow }) => flow.kind === "open").map(({ name }) => name);

const openBoard = (name: string): Board => {
  const board = boardOption(name);
  if (board.flow.kind !== "open")
    throw new UsageError(
      `--board ${name}: its tools are the vendor's; build makes bitstreams for ${OPEN.join(", ")}`,
    );
  return board;
};

interface Chip {
  readonly placed: Placed;
  readonly loaded: Loaded;
  readonly clockMHz: number;
}

/** Cycles a token of the simulated hardware, which must also write golden's tokens. */
const cyclesPerToken = async ({ placed, loaded, clockMHz }: Chip): Promise<number> => {
  const { config, compiled, design, positions } = placed;
  const system: System = { config, compiled, design, memoryBeats: powerOfTwo(compiled.memoryBeats) };
  const prompt = encodePrompt(loaded.tokenizer, "Once upon a time");
  const total = Math.min(prompt.length + MEASURED - 1, positions);
  const result = await runSession(
    system,
    { prompt, total, seed: 1, maxCycles: cycleLimit(system, total) },
    "embedded",
    clockMHz,
    { token: () => {}, progress: () => {} },
  );
  if (result.mismatches.length > 0)
    throw new ComparisonError(`simulation differs from golden: ${result.mismatches[0]}`);
  return result.end.cycles / total;
};

interface Summary {
  readonly board: string;
  readonly model: string;
  /** The fit check said no, and --force built it all the same. */
  readonly forced: boolean;
  readonly lanes: number;
  readonly positions: number;
  readonly out: string;
  readonly clockMHz: number;
  readonly fmaxMHz: number;
  readonly cyclesPerToken: number;
  /** At the clock that the board runs at. */
  readonly tokensPerSecond: number;
  /** At the clock that the routed design reaches. */
  readonly tokensPerSecondAtFmax: number;
  readonly baud: number;
  readonly cells: Routed["cells"];
  readonly bitstream: string;
}

const show = (s: Summary): string =>
  [
    pc.bold(`${s.model} on ${s.board}`),
    ...(s.forced ? [pc.red("the fit check said no; built all the same (--force)")] : []),
    `core        ${s.lanes} lanes, ${s.positions} positions`,
    `clock       ${s.clockMHz} MHz; the routed design reaches ${s.fmaxMHz.toFixed(1)} MHz`,
    `speed       ${count(s.tokensPerSecond)} tokens/s (${count(s.cyclesPerToken)} cycles a token, mean of ${MEASURED}); ${count(s.tokensPerSecondAtFmax)} at the reached clock`,
    ...cellLines(s.cells),
    `bitstream   ${path.join(s.out, s.bitstream)}`,
  ].join("\n");

const build = async (board: Board, chip: Chip, out: string): Promise<Summary> => {
  const { placed, loaded, clockMHz } = chip;
  const project: OpenProject = openProject(
    board,
    placed.config,
    placed.compiled,
    imageWords(placed.compiled),
    clockMHz,
  );
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-build-"));
  const discard = (): void => rmSync(work, { recursive: true, force: true });
  process.once("exit", discard);
  try {
    const progress = narrator();
    const started = performance.now();
    progress.begin("simulation");
    const cycles = await cyclesPerToken(chip);
    progress.end("simulation, equal to golden", (performance.now() - started) / 1000);
    const routed = await buildOpen(project, work, progress);
    const summary: Summary = {
      board: board.name,
      model: loaded.name,
      forced: !placed.fit.fits,
      lanes: lanes(placed.config),
      positions: placed.positions,
      out,
      clockMHz,
      fmaxMHz: routed.fmaxMHz,
      cyclesPerToken: cycles,
      tokensPerSecond: (clockMHz * 1e6) / cycles,
      tokensPerSecondAtFmax: (routed.fmaxMHz * 1e6) / cycles,
      baud: project.baud,
      cells: routed.cells,
      bitstream: project.bitstream,
    };
    const files: Map<string, string | Uint8Array> = await readFolder(work);
    const { out: _, ...results } = summary;
    files.set(
      "manifest.json",
      openManifest(
        { board, name: loaded.name, clockMHz, fit: placed.fit, configuration: placed.config, files },
        results,
      ),
    );
    await writeFolder(out, files satisfies Files);
    return summary;
  } finally {
    await rm(work, { recursive: true, force: true });
    process.off("exit", discard);
  }
};

/** The model placed on the board; throws UsageError when it does not fit and nobody forces it. */
const chipFor = async (board: Board, options: BuildOptions): Promise<Chip> => {
  const config = withEngine(
    withLanes(await loadConfig(options.config), options.lanes),
    options.engineKind,
    options.family,
  );
  const { loaded, positions } = await loadForBoard(options, config);
  const base = hardware(config);
  const clockMHz = options.clock ?? board.clockMHz.value!;
  const placed = place(board, loaded.model, base, positions, clockMHz);
  if (!placed.fit.fits && !options.force)
    throw new UsageError(
      refusal(loaded.name, board, placed, nearestFit(board, loaded.model, base, positions, clockMHz)),
    );
  return { placed, loaded, clockMHz };
};

export const buildCommand = (): Command => {
  const command = new Command("build")
    .description(
      "Builds a bitstream with open tools: Yosys (built in), nextpnr and a packer. The model lies inside the FPGA, or in its flash (icebreaker); a UART carries tokens.",
    )
    .addOption(new Option("--board <name>", "board").choices(OPEN).makeOptionMandatory())
    .addOption(
      new Option("--out <folder>", "output folder; written whole or not at all; default: build/<board>"),
    )
    .addOption(positionsOption())
    .addOption(new Option("--clock <MHz>", "core clock; default: the board's").argParser(positiveNumber))
    .option("--force", "build though the fit check says no")
    .option("--json", "print the summary as JSON");
  for (const option of systemOptions()) command.addOption(option);
  return command.action(async (options: BuildOptions) => {
    const board = openBoard(options.board);
    const out = options.out ?? path.join("build", board.name);
    await checkFolder(out);
    if (modelFlash(board) !== null) {
      const summary = await buildMicro(board, options, out);
      console.log(options.json ? JSON.stringify(summary, null, 2) : showMicro(summary));
      return;
    }
    const summary = await build(board, await chipFor(board, options), out);
    console.log(options.json ? JSON.stringify(summary, null, 2) : show(summary));
  });
};
