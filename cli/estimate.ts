import { Command, Option } from "commander";
import pc from "picocolors";
import { hardware } from "../generator/config.js";
import { boardNames } from "../fpga-projects/boards/index.js";
import { nearestFit, place } from "../fpga-projects/fit.js";
import { modelFlash } from "../fpga-projects/micro/project.js";
import { boardOption } from "./boards.js";
import { estimateMicro } from "./estimateMicro.js";
import { loadConfig, withEngine, withLanes } from "./config.js";
import { fitText } from "./fitText.js";
import { loadForBoard, positionsOption } from "./model.js";
import { wholeNumber } from "./options.js";
import { type SystemOptions, systemOptions } from "./system.js";

interface EstimateOptions extends SystemOptions {
  readonly board: string;
  readonly positions?: number;
  readonly clock?: number;
  readonly json?: boolean;
}

export const estimateCommand = (): Command => {
  const command = new Command("estimate")
    .description(
      "Counts what a model needs on a board, before any synthesis: resources from the netlist, bytes of memory, tokens/s with the roofline.",
    )
    .addOption(new Option("--board <name>", `board: ${boardNames().join(", ")}`).makeOptionMandatory())
    .addOption(positionsOption())
    .addOption(
      new Option("--clock <MHz>", "core clock; default: what the board's projects ask for").argParser(
        wholeNumber(1, 1000),
      ),
    )
    .option("--json", "print the figures as JSON");
  for (const option of systemOptions()) command.addOption(option);
  return command.action(async (options: EstimateOptions) => {
    const board = boardOption(options.board);
    if (modelFlash(board) !== null) return estimateMicro(board, options);
    const config = withEngine(
      withLanes(await loadConfig(options.config), options.lanes),
      options.engineKind,
      options.family,
    );
    const { loaded, positions } = await loadForBoard(options, config);
    const { model, name } = loaded;
    const clockMHz = options.clock ?? board.clockMHz.value ?? config.clockMHz;
    const placed = place(board, model, hardware(config), positions, clockMHz);
    const nearest = placed.fit.fits ? null : nearestFit(board, model, hardware(config), positions, clockMHz);
    if (options.json) {
      const plain = (p: typeof placed) => ({
        rows: p.config.rows,
        columns: p.config.cols,
        positions: p.positions,
        imageBytes: p.compiled.image.length,
        ...p.fit,
        error: p.error,
      });
      console.log(
        JSON.stringify(
          {
            board: board.name,
            model: name,
            ...plain(placed),
            nearest: nearest === null ? null : plain(nearest),
          },
          null,
          2,
        ),
      );
      return;
    }
    console.log(pc.bold(`${name} on ${board.title}`));
    console.log(fitText(placed).join("\n"));
    if (placed.fit.fits) return;
    console.log(
      nearest === null
        ? pc.red("nothing smaller of this model fits either")
        : `\n${pc.bold("the nearest that fits:")} ${fitText(nearest).join("\n")}`,
    );
  });
};
