import { Command, Option } from "commander";
import pc from "picocolors";
import { hardware } from "../generator/config.js";
import { BOARDS, type Board } from "../fpga-projects/boards/index.js";
import { exportProject } from "../fpga-projects/export/export.js";
import { nearestFit, place } from "../fpga-projects/fit.js";
import { hostTokenizer } from "../fpga-projects/host/tokenizer.js";
import { boardOption } from "./boards.js";
import { loadConfig, withEngine, withLanes } from "./config.js";
import { UsageError } from "./failure.js";
import { fitText, refusal } from "./fitText.js";
import { loadForBoard, positionsOption } from "./model.js";
import { wholeNumber } from "./options.js";
import { checkFolder, writeFolder } from "./output.js";
import { type SystemOptions, systemOptions } from "./system.js";

interface ExportOptions extends SystemOptions {
  readonly board: string;
  readonly out: string;
  readonly name: string;
  readonly positions?: number;
  readonly clock?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

const vendorBoard = (name: string): Board => {
  const board = boardOption(name);
  if (board.flow.kind === "open")
    throw new UsageError(
      `--board ${name}: its tools are open; run gateloom build --board ${name}, which makes the bitstream`,
    );
  return board;
};

const identifier = (name: string): string => {
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(name))
    throw new UsageError(
      `--name ${name}: files, kernel and module get this name: lower-case letters, digits and _, a letter first, at most 31`,
    );
  return name;
};

export const exportCommand = (): Command => {
  const command = new Command("export")
    .description(
      "Writes a whole project for a board: Verilog, Vivado and Vitis scripts, constraints, host programs, README with estimates, manifest.",
    )
    .addOption(
      new Option(
        "--board <name>",
        `board: ${BOARDS.filter(({ flow }) => flow.kind !== "open")
          .map(({ name }) => name)
          .join(", ")}`,
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option("--out <folder>", "project folder; written whole or not at all").makeOptionMandatory(),
    )
    .addOption(new Option("--name <name>", "of top level, kernel and products").default("gateloom_npu"))
    .addOption(positionsOption())
    .addOption(
      new Option("--clock <MHz>", "core clock to ask for; default: the board's").argParser(
        wholeNumber(1, 1000),
      ),
    )
    .option("--force", "write the project though the fit check says no")
    .option("--json", "print the summary as JSON");
  for (const option of systemOptions()) command.addOption(option);
  return command.action(async (options: ExportOptions) => {
    const board = vendorBoard(options.board);
    const name = identifier(options.name);
    await checkFolder(options.out);
    const config = withEngine(
      withLanes(await loadConfig(options.config), options.lanes),
      options.engineKind,
      options.family,
    );
    const { loaded, positions } = await loadForBoard(options, config);
    const base = hardware(config);
    const clockMHz = options.clock ?? board.clockMHz.value ?? config.clockMHz;
    const placed = place(board, loaded.model, base, positions, clockMHz);
    if (!placed.fit.fits && !options.force)
      throw new UsageError(
        refusal(loaded.name, board, placed, nearestFit(board, loaded.model, base, positions, clockMHz)),
      );
    const files = exportProject({
      board,
      name,
      model: loaded.name,
      config: placed.config,
      compiled: placed.compiled,
      positions,
      clockMHz,
      fit: placed.fit,
      forced: !placed.fit.fits,
      tokenizer: hostTokenizer(loaded.tokenizer),
    });
    await writeFolder(options.out, files);
    if (options.json)
      return console.log(
        JSON.stringify(
          { board: board.name, model: loaded.name, out: options.out, files: files.size, fit: placed.fit },
          null,
          2,
        ),
      );
    console.log(pc.bold(`${loaded.name} on ${board.title}`));
    if (!placed.fit.fits) console.log(pc.red("does not fit; written all the same (--force)"));
    console.log(fitText(placed).join("\n"));
    console.log(`${files.size} files written to ${options.out}; README.md there has the commands`);
  });
};
