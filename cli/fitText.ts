/** A fit check and a roofline as text: what estimate prints, and what export says when it refuses. */
import pc from "picocolors";
import { type EstimateError, KINDS } from "../generator/estimate/error.js";
import type { FitLine, Speed } from "../generator/estimate/fit.js";
import { lanes } from "../generator/isa/config.js";
import type { Board } from "../fpga-projects/boards/index.js";
import type { Placed } from "../fpga-projects/fit.js";

const count = (n: number): string => Math.round(n).toLocaleString("en-US");
const share = (line: FitLine): string =>
  line.has === null
    ? "?"
    : `${((100 * line.needs) / line.has).toFixed(line.needs < line.has / 100 ? 2 : 0)} %`;
const verdict = ({ fits, usable }: FitLine): string => {
  if (fits === null) return pc.yellow("cannot be said");
  return fits ? "fits" : pc.red(`does not fit (usable: ${Math.round(100 * usable)} %)`);
};

/** What is needed, of what there is. */
export const fitLines = (lines: readonly FitLine[]): string[] => {
  const rows = lines.map((l) => [
    l.what,
    count(l.needs),
    l.has === null ? "unknown" : count(l.has),
    share(l),
  ]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(...rows.map((r) => r[i]!.length)));
  return rows.map(
    ([what, needs, has, percent], i) =>
      `  ${what!.padEnd(widths[0]!)}  ${needs!.padStart(widths[1]!)} of ${has!.padStart(widths[2]!)}  ${percent!.padStart(widths[3]!)}  ${verdict(lines[i]!)}${lines[i]!.note === "" ? "" : pc.dim(`  ${lines[i]!.note}`)}`,
  );
};

const speedLine = (s: Speed): string => {
  const memory = s.memory === null ? "" : `, memory ${count(s.memory)}`;
  return `  ${String(s.live).padStart(6)} positions  ${count(s.cycles).padStart(11)} cycles  ${count(s.bytes).padStart(12)} bytes  ${pc.bold(count(s.tokensPerSecond).padStart(8))} tokens/s  (lanes ${count(s.compute)}${memory}: bound by the ${s.bound})`;
};

/** How good the counts are: against Yosys, over the configurations that were synthesised (npm run bench:estimate). */
const errorLine = (error: EstimateError | null): string => {
  if (error === null) return "  by counting; no design of this family has been compared with Yosys";
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const parts = KINDS.map((kind) => {
    const { mean, worst } = error.of[kind];
    return `${kind === "bram" ? "block RAM" : kind.toUpperCase()} ${percent(worst)} (mean ${percent(mean)})`;
  });
  const fitted = error.of.lut.heldOut === null ? "; the count was fitted to them" : "";
  return `  by counting; against Yosys, at most over ${error.configurations} configuration(s): ${parts.join(", ")}${fitted}`;
};

export const fitText = ({ config, positions, fit, error }: Placed): string[] => [
  `${lanes(config)} lanes (${config.rows} x ${config.cols}), ${positions} positions, ${fit.clockMHz} MHz`,
  "needs, of what there is:",
  ...fitLines(fit.lines),
  pc.dim(errorLine(error)),
  "a token, by counting:",
  ...fit.speeds.map(speedLine),
];

/** Why a model is refused on a board, with the nearest configuration that is not. */
export const refusal = (model: string, board: Board, placed: Placed, nearest: Placed | null): string =>
  [
    `${model} does not fit ${board.title}:`,
    ...fitText(placed),
    ...(nearest === null
      ? ["Nothing smaller of this model fits either; --force goes on all the same."]
      : [
          "The nearest that fits:",
          ...fitText(nearest),
          `Use --lanes ${lanes(nearest.config)} --positions ${nearest.positions}, or --force.`,
        ]),
  ].join("\n");
