import { Command, Option } from "commander";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pc from "picocolors";
import { BOARDS, type Board } from "../fpga-projects/boards/index.js";
import { openProject, type OpenProject } from "../fpga-projects/open/project.js";
import type { Routed } from "../fpga-projects/open/report.js";
import { buildOpen, type Progress } from "../fpga-projects/open/run.js";
import { runSession } from "../testbenches/harness/session.js";
import { cycleLimit } from "../testbenches/harness/system.js";
import { imageWords } from "../generator/compile/words.js";
import { boardOption } from "./boards.js";
import { UsageError } from "./failure.js";
import { sha256 } from "./files.js";
import { encodePrompt } from "./model.js";
import { checkFolder, type Files, writeFolder } from "./output.js";
import { prepare, type Prepared, type SystemOptions, systemOptions } from "./system.js";

interface BuildOptions extends SystemOptions {
  readonly board: string;
  readonly out?: string;
  readonly json?: boolean;
}

const OPEN = BOARDS.filter(({ flow }) => flow.kind === "open").map(({ name }) => name);

const openBoard = (name: string): Board => {
  const board = boardOption(name);
  if (board.flow.kind !== "open")
    throw new UsageError(
      `--board ${name}: its tools are the vendor's; build makes bitstreams for ${OPEN.join(", ")}`,
    );
  return board;
};

/** Tokens of the run whose cycles are measured: far enough for attention to count. */
const MEASURED = 64;

/** Cycles a token of the simulated hardware, which must also write golden's tokens. */
const cyclesPerToken = async (prepared: Prepared): Promise<number> => {
  const prompt = encodePrompt(prepared.tokenizer, "Once upon a time");
  const total = Math.min(prompt.length + MEASURED - 1, prepared.system.compiled.positions);
  const result = await runSession(
    prepared.system,
    { prompt, total, seed: 1, maxCycles: cycleLimit(prepared.system, total) },
    "embedded",
    prepared.config.clockMHz,
    { token: () => {}, progress: () => {} },
  );
  if (result.mismatches.length > 0)
    throw new Error(`simulation differs from golden: ${result.mismatches[0]}`);
  return result.end.cycles / total;
};

const narrator = (): Progress => ({
  begin: (what) => process.stderr.write(process.stderr.isTTY ? pc.dim(`${what} ...`) : `${what} ...\n`),
  end: (what, seconds) =>
    process.stderr.write(`${process.stderr.isTTY ? "\r\x1b[2K" : ""}${what}: ${seconds.toFixed(0)} s\n`),
});

/** Everything in a folder, by relative path. */
const readFolder = async (folder: string): Promise<Map<string, Uint8Array>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Uint8Array>();
  for (const entry of entries)
    if (entry.isFile()) {
      const file = path.join(entry.parentPath, entry.name);
      files.set(path.relative(folder, file).split(path.sep).join("/"), await readFile(file));
    }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
};

interface Summary {
  readonly board: string;
  readonly model: string;
  readonly out: string;
  readonly clockMHz: number;
  readonly fmaxMHz: number;
  readonly cyclesPerToken: number;
  /** At the clock that the board runs at. */
  readonly tokensPerSecond: number;
  readonly baud: number;
  readonly cells: Routed["cells"];
  readonly bitstream: string;
}

const show = (s: Summary): string =>
  [
    pc.bold(`${s.model} on ${s.board}`),
    `clock       ${s.clockMHz} MHz; the routed design reaches ${s.fmaxMHz.toFixed(1)} MHz`,
    `speed       ${Math.round(s.tokensPerSecond).toLocaleString("en-US")} tokens/s (${Math.round(s.cyclesPerToken).toLocaleString("en-US")} cycles a token, mean of ${MEASURED})`,
    ...s.cells.map(
      ({ kind, used, available }, i) =>
        `${i === 0 ? "cells" : ""}`.padEnd(12) +
        `${kind.padEnd(14)} ${String(used).padStart(7)} of ${available} (${((100 * used) / available).toFixed(0)} %)`,
    ),
    `bitstream   ${path.join(s.out, s.bitstream)}`,
  ].join("\n");

const build = async (board: Board, prepared: Prepared, out: string): Promise<Summary> => {
  const { system, config, name } = prepared;
  const project: OpenProject = openProject(
    board,
    system.config,
    system.compiled,
    imageWords(system.compiled),
  );
  const cycles = await cyclesPerToken(prepared);
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-build-"));
  const discard = (): void => void rm(work, { recursive: true, force: true });
  process.once("exit", discard);
  try {
    const routed = await buildOpen(project, work, narrator());
    const summary: Summary = {
      board: board.name,
      model: name,
      out,
      clockMHz: project.clockMHz,
      fmaxMHz: routed.fmaxMHz,
      cyclesPerToken: cycles,
      tokensPerSecond: (project.clockMHz * 1e6) / cycles,
      baud: project.baud,
      cells: routed.cells,
      bitstream: project.bitstream,
    };
    const files: Map<string, string | Uint8Array> = await readFolder(work);
    const manifest = {
      generator: "gateloom",
      ...summary,
      out: undefined,
      configuration: config,
      files: Object.fromEntries([...files].map(([file, content]) => [file, sha256(content)])),
    };
    files.set("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
    await writeFolder(out, files satisfies Files);
    return summary;
  } finally {
    await rm(work, { recursive: true, force: true });
    process.off("exit", discard);
  }
};

export const buildCommand = (): Command => {
  const command = new Command("build")
    .description(
      "Builds a bitstream with open tools: Yosys (built in), nextpnr and a packer. The model lies inside the FPGA; a UART carries tokens.",
    )
    .addOption(new Option("--board <name>", "board").choices(OPEN).makeOptionMandatory())
    .addOption(
      new Option("--out <folder>", "output folder; written whole or not at all; default: build/<board>"),
    )
    .option("--json", "print the summary as JSON");
  for (const option of systemOptions()) command.addOption(option);
  return command.action(async (options: BuildOptions) => {
    const board = openBoard(options.board);
    const out = options.out ?? path.join("build", board.name);
    await checkFolder(out);
    const summary = await build(board, await prepare(options), out);
    console.log(options.json ? JSON.stringify(summary, null, 2) : show(summary));
  });
};
