import { Command } from "commander";
import pc from "picocolors";
import type { Figure } from "../generator/estimate/device.js";
import { BOARDS, type Board, boardNames, boardOf, nearestBoard } from "../fpga-projects/boards/index.js";
import { UsageError } from "./failure.js";

/** The board of an option, or a UsageError that lists what there is. */
export const boardOption = (name: string): Board => {
  const board = boardOf(name);
  if (board !== undefined) return board;
  const near = nearestBoard(name);
  const meant = near === undefined ? "" : ` Did you mean ${near.name}?`;
  throw new UsageError(`--board ${name}: no such board.${meant} There are ${boardNames().join(", ")}`);
};

const number = ({ value }: Figure): string => (value === null ? "unknown" : value.toLocaleString("en-US"));
const size = ({ value }: Figure): string => {
  if (value === null) return "unknown";
  const gib = value / 2 ** 30;
  return gib >= 1 ? `${gib} GiB` : `${value / 2 ** 20} MiB`;
};
const rate = ({ value }: Figure): string => (value === null ? "unknown" : `${(value / 1e9).toFixed(1)} GB/s`);
const memory = ({ memory: m, device }: Board): string =>
  m === null ? `inside (${device.bram.name})` : `${size(m.bytes)} ${m.name}, ${rate(m.bytesPerSecond)}`;

const HEAD = ["board", "part", "LUT", "DSP", "block RAM", "memory", "flow"];
const row = (board: Board): string[] => [
  board.name,
  board.device.part,
  number(board.device.lut),
  number(board.device.dsp),
  number(board.device.bram.count),
  memory(board),
  board.flow.kind,
];

const table = (): string => {
  const rows = [HEAD, ...BOARDS.map(row)];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)));
  const right = (i: number): boolean => i >= 2 && i <= 4;
  const lines = rows.map((r) =>
    r
      .map((text, i) => (right(i) ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
  return [pc.bold(lines[0]!), ...lines.slice(1)].join("\n");
};

/** One board with the source of each figure. */
const details = (board: Board): string => {
  const { device } = board;
  const lines: (readonly [string, string, string])[] = [
    ["part", device.part, ""],
    ["board part", board.boardPart?.value ?? "none", board.boardPart?.source ?? ""],
    ["LUT", number(device.lut), device.lut.source],
    ["FF", number(device.ff), device.ff.source],
    ["DSP", number(device.dsp), device.dsp.source],
    [device.bram.name, number(device.bram.count), device.bram.count.source],
    ...(device.largeRam === null
      ? []
      : [[device.largeRam.name, number(device.largeRam.count), device.largeRam.count.source] as const]),
    ...(board.memory === null
      ? []
      : [
          [board.memory.name, size(board.memory.bytes), board.memory.bytes.source] as const,
          ["bandwidth", rate(board.memory.bytesPerSecond), board.memory.bytesPerSecond.source] as const,
        ]),
    ["oscillator", `${number(board.oscillatorMHz)} MHz`, board.oscillatorMHz.source],
    ["core clock", `${number(board.clockMHz)} MHz`, board.clockMHz.source],
  ];
  const [a, b] = [0, 1].map((i) => Math.max(...lines.map((l) => l[i]!.length)));
  return [
    pc.bold(`${board.name}: ${board.title} (${board.flow.kind})`),
    ...lines.map(([what, value, source]) =>
      `  ${what.padEnd(a!)}  ${value.padEnd(b!)}  ${pc.dim(source)}`.trimEnd(),
    ),
    ...board.notes.map((note) => `  ${note}`),
  ].join("\n");
};

export const boardsCommand = (): Command =>
  new Command("boards")
    .description(
      "Lists the boards that export and build know, or one of them with the source of each figure.",
    )
    .argument("[board]", "one board in full")
    .option("--json", "print the data as JSON")
    .action((name: string | undefined, options: { json?: boolean }) => {
      const chosen = name === undefined ? BOARDS : [boardOption(name)];
      if (options.json) console.log(JSON.stringify(chosen, null, 2));
      else console.log(name === undefined ? table() : details(chosen[0]!));
    });
