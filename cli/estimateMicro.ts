/** `gateloom estimate` for boards that carry the micro machine: it is one size, so that the counts are measured ones. */
import pc from "picocolors";
import type { Board } from "../fpga-projects/boards/index.js";
import { microFor, type MicroOptions, simulated } from "./buildMicro.js";
import { count } from "./buildSteps.js";
import { fitLines } from "./fitText.js";

export const estimateMicro = async (
  board: Board,
  options: MicroOptions & { readonly json?: boolean },
): Promise<void> => {
  const { placed, loaded } = await microFor(board, options);
  const clockMHz = options.clock ?? board.clockMHz.value!;
  const fits = placed.lines.every((line) => line.fits !== false);
  const speed = await simulated(placed, loaded);
  const tokensPerSecond = (clockMHz * 1e6) / speed.cyclesPerToken;
  if (options.json) {
    const { positions, lines } = placed;
    const summary = {
      board: board.name,
      model: loaded.name,
      machine: "micro",
      positions,
      clockMHz,
      fits,
      lines,
    };
    console.log(JSON.stringify({ ...summary, ...speed, tokensPerSecond }, null, 2));
    return;
  }
  console.log(
    [
      pc.bold(`${loaded.name} on ${board.title}`),
      `micro machine, 8 lanes, ${placed.positions} positions, ${clockMHz} MHz`,
      "needs, of what there is:",
      ...fitLines(placed.lines),
      `speed, simulated: ${count(tokensPerSecond)} tokens/s (${count(speed.cyclesPerToken)} cycles a token, mean of ${speed.measured} positions)`,
    ].join("\n"),
  );
};
