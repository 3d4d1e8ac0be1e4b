/** The micro machine with a model in the flash of its board, as a project of the open flow. */
import { elaborate, emitVerilog } from "../../generator/hdl/index.js";
import { microChip } from "../../generator/micro/board/chip.js";
import { flashContents, programIdentity } from "../../generator/micro/board/flash.js";
import type { MicroContents } from "../../generator/micro/rtl/micro.js";
import { flashTopIce40 } from "../../rtl-templates/boards/boards.js";
import { microReadme } from "../../rtl-templates/readme/micro.js";
import type { ModelFlash } from "../boards/board.js";
import type { Board } from "../boards/index.js";
import type { ProjectFiles } from "../export/input.js";
import { serialFiles } from "../host/host.js";
import { FlowError } from "../open/failure.js";
import { flowProject, type OpenProject } from "../open/project.js";
import { baudFor } from "../standalone.js";
import { ice40Clocks, ice40Pll, PLL_MHZ } from "./pll.js";

export interface MicroInput {
  readonly board: Board;
  /** Of the model, for file names, and as people know it. */
  readonly name: string;
  readonly model: string;
  readonly contents: MicroContents;
  /** Of the stream, without keys and values. */
  readonly words: readonly bigint[];
  readonly positions: number;
  readonly vocab: number;
  readonly clockMHz: number;
  /** Tokenizer and chat template as files that host programs read. */
  readonly tokenizer: ReadonlyMap<string, string>;
}

export interface MicroProject {
  /** What the tools work on. */
  readonly flow: OpenProject;
  /** What goes with it: image of the flash, host programs, README. */
  readonly files: ProjectFiles;
  /** What the chip answers when it is asked who is there. */
  readonly id: number;
}

const CORE = "micro_chip";
const TOP = "top";
const IMAGE = "model.bin";
/** Of the placer: chance is worth some MHz. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
/** Clocks that are named where one cannot be made. */
const NAMED = 4;

/** The flash of a board that can carry the micro machine; null where the board has none. */
export const modelFlash = ({ flow }: Board): ModelFlash | null =>
  flow.kind === "open" && flow.flash !== undefined ? flow.flash : null;

/** Throws FlowError for a clock that the PLL cannot make, and for boards without a flash that holds models. */
export const microProject = (input: MicroInput): MicroProject => {
  const { board, model, contents, words, positions, clockMHz } = input;
  const flash = modelFlash(board);
  if (flash === null) throw new FlowError(`${board.title} has no flash that the design can read`);
  const oscillatorMHz = board.oscillatorMHz.value!;
  const pll = ice40Pll(oscillatorMHz, clockMHz);
  if (pll === null)
    throw new FlowError(
      `${board.title}: the PLL cannot make ${clockMHz} MHz of ${oscillatorMHz} MHz; it can make, for example, ${near(oscillatorMHz, clockMHz)} MHz`,
    );
  const baud = baudFor(clockMHz);
  const chip = microChip({
    ...contents,
    positions,
    divider: Math.round((clockMHz * 1e6) / baud),
    flash: { words: words.length, offset: flash.offset, program: programIdentity(contents) },
  });
  const title = `${model} on ${board.title}`;
  const flow = flowProject(board, {
    rtl: emitVerilog(elaborate(chip)),
    top: flashTopIce40({ title, top: TOP, core: CORE, clockMHz, baud, oscillatorMHz, pll }),
    pins: [...board.pins, ...flash.pins],
    clockMHz,
    baud,
    seeds: SEEDS,
  });
  const { bytes, id } = flashContents(contents, words);
  const offset = `0x${flash.offset.toString(16)}`;
  return {
    flow,
    id,
    files: new Map<string, string | Uint8Array>([
      [IMAGE, bytes],
      ...serialFiles({ ...input, baud, id }),
      [
        "README.md",
        microReadme({
          ...{ title, bitstream: flow.bitstream, image: IMAGE, offset, clockMHz, baud, positions },
          bytes: bytes.length.toLocaleString("en-US"),
          id: `0x${id.toString(16).padStart(8, "0")}`,
          notes: board.notes,
        }),
      ],
    ]),
  };
};

/** Clocks around one that cannot be made. */
const near = (oscillatorMHz: number, wanted: number): string => {
  const [low, high] = PLL_MHZ;
  return ice40Clocks(oscillatorMHz, low, Math.min(high, 64))
    .sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))
    .slice(0, NAMED)
    .sort((a, b) => a - b)
    .join(", ");
};
