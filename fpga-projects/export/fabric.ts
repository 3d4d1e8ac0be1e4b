/** Boards whose model lies in the FPGA's own RAM: a Vivado project that needs no processing system. */
import { uartTopXc7 } from "../../rtl-templates/boards/boards.js";
import { baudFor, CHIP, chipFiles } from "../standalone.js";
import type { ExportInput, ProjectFiles } from "./input.js";
import { fabricVivado, sourcesOf } from "./vivado.js";

const TOP = "top";
/** What an MMCM of the slowest grade runs at (DS181: 600 to 1,200 MHz). */
const MMCM_MHZ = 1000;

/** `words`: the memory image, a beat a word. */
export const fabricProject = (input: ExportInput, words: readonly bigint[]): ProjectFiles => {
  const { board, config, compiled, clockMHz, model } = input;
  const oscillatorMHz = board.oscillatorMHz.value!;
  const [multiply, divide] = [MMCM_MHZ / oscillatorMHz, MMCM_MHZ / clockMHz];
  if (!Number.isInteger(multiply) || !Number.isInteger(divide))
    throw new RangeError(
      `${clockMHz} MHz is no whole part of the MMCM's ${MMCM_MHZ} MHz; use a clock that divides it`,
    );
  const rtl = new Map<string, string>(
    [...chipFiles(config, compiled, words, clockMHz)].map(([name, text]) => [`rtl/${name}`, text]),
  );
  rtl.set(
    `rtl/${TOP}.v`,
    uartTopXc7({
      title: `${model} on ${board.title}`,
      top: TOP,
      core: CHIP,
      clockMHz,
      baud: baudFor(clockMHz),
      oscillatorMHz,
      period: (1000 / oscillatorMHz).toFixed(3),
      multiply,
      divide,
    }),
  );
  return new Map<string, string | Uint8Array>([...rtl, ...fabricVivado(input, sourcesOf(rtl), TOP)]);
};
