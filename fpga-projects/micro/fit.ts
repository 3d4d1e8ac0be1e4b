/** A model on the micro machine: what it takes of the device, and of the machine's own memories. */
import type { FitLine } from "../../generator/estimate/fit.js";
import { MicroError } from "../../generator/micro/error.js";
import { PROGRAM, SPRAM_WORDS, VMEM_WORDS } from "../../generator/micro/machine.js";
import { type MicroProgram, microProgram } from "../../generator/micro/program/main.js";
import { TABLE_ROM } from "../../generator/micro/tables.js";
import type { MicroContents } from "../../generator/micro/rtl/micro.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import type { Board } from "../boards/index.js";

export interface MicroPlaced {
  readonly model: QuantisedModel;
  readonly program: MicroProgram;
  readonly contents: MicroContents;
  readonly positions: number;
  readonly lines: readonly FitLine[];
}

/**
 * What nextpnr packed for the demo model (gateloom build --board icebreaker). The microprogram is contents of block RAM, so that
 * another model moves this by a few cells: addresses of the loader.
 */
export const MEASURED = { lc: 3087, ebr: 30, spram: 4, mac16: 6 } as const;

const line = (what: string, needs: number, has: number | null, note: string): FitLine => ({
  ...{ what, needs, has, usable: 1, note },
  fits: has === null ? null : needs <= has,
});

/** Throws MicroError with everything that the machine does not have. */
export const placeMicro = (board: Board, whole: QuantisedModel, positions: number): MicroPlaced => {
  const slots = whole.sinks + whole.window;
  if (slots < positions)
    throw new MicroError([
      `${whole.name}: attention sees ${slots} of ${positions} positions; the micro machine sees all: ask for --positions ${slots}`,
    ]);
  // A slot for every position: nothing is ever written over, with sinks or without.
  const model = {
    ...whole,
    shape: { ...whole.shape, context: positions },
    sinks: 0,
    window: positions,
  };
  const program = microProgram(model);
  const { image, layout } = program;
  const { device } = board;
  const stream = image.cache + model.shape.layers * image.cacheWords.words;
  const measured = "measured by nextpnr with the demo model";
  return {
    model,
    program,
    contents: { program: program.program.words, tables: [...TABLE_ROM].map(BigInt) },
    positions,
    lines: [
      line("logic cells", MEASURED.lc, device.lut.value, measured),
      line("EBR", MEASURED.ebr, device.bram.count.value, measured),
      line("SPRAM", MEASURED.spram, device.largeRam?.count.value ?? 0, "weights, keys and values"),
      line("SB_MAC16", MEASURED.mac16, device.dsp.value, measured),
      line(
        "words of the stream",
        stream,
        SPRAM_WORDS,
        `64 bits; ${stream - image.cache} of them keys and values`,
      ),
      line("words of VMEM", layout.words, VMEM_WORDS, "32 bits"),
      line("microinstructions", program.program.words.length, PROGRAM, ""),
    ],
  };
};
