/** README.md of an exported project: commands, estimates, files. */
import { projectReadme } from "../../rtl-templates/readme/project.js";
import type { Board } from "../boards/index.js";
import { productOf } from "./build.js";
import { type ExportInput, type ProjectFiles, VIVADO } from "./input.js";

const count = (n: number): string => Math.round(n).toLocaleString("en-US");

/** By path or folder, in the order of the table; a line appears where the project has such a file. */
const WHAT: readonly (readonly [RegExp, string, string])[] = [
  [/^rtl\//, "rtl/", "Verilog-2005, one module a file, each with a comment back to its TypeScript"],
  [/^xdc\//, "xdc/", "constraints: timing, pins, out of context, floorplan"],
  [/^scripts\//, "scripts/", "Tcl of Vivado; `common.tcl` lists every source"],
  [/^link\.cfg$/, "link.cfg", "how `v++` connects the kernel to HBM"],
  [
    /^build\.sh$/,
    "build.sh, build.bat, Makefile",
    "everything in order; they fail when a tool does or timing is missed",
  ],
  [/^host\//, "host/", "drivers and the data they need"],
  [/^docs\//, "docs/", "the register map"],
  [
    /^host\/image\.bin$/,
    "host/image.bin, host/program.bin",
    "what the host loads: weights and constants, instructions",
  ],
];

const buildText = (board: Board, name: string): string[] => {
  const sh = "```sh\nbash build.sh      # Linux; build.bat on Windows; or make\n```";
  const product = `It ends with \`${productOf(board, name)}\`, or says what failed.`;
  const { flow } = board;
  switch (flow.kind) {
    case "fabric":
      return [
        `Vivado ${VIVADO} (other versions get a warning and usually work):`,
        sh,
        product,
        "The model lies in the bitstream. Program it with the hardware manager or `openFPGALoader`; tokens go over the USB UART (`host/`).",
      ];
    case "zynq7":
    case "zynqmp":
      return [
        `Vivado ${VIVADO} with the board files of ${board.title} (the script says how to get them):`,
        sh,
        product,
        `\`build/${name}.bit\`, \`.hwh\` and \`.xsa\` lie side by side: PYNQ wants the first two under one name, Vitis and PetaLinux the third.`,
      ];
    case "alveo":
      return [
        `Vitis ${VIVADO} and the platform \`${flow.platform}\`:`,
        sh,
        product,
        "For the core alone, its timing and its size: `vivado -mode batch -nojournal -source scripts/batch.tcl`.",
      ];
    case "versal":
      return [
        "The V80 is no `v++`/XRT/`xclbin` card, so this project has no `.xo` and no XRT host. It packages the core as IP-XACT, which SLASH links to a `vrtbin` (github.com/Xilinx/SLASH), and which a plain Vivado block design takes too:",
        sh,
        product,
        "For the core alone, its timing and its size: `vivado -mode batch -nojournal -source scripts/batch.tcl`.",
      ];
    case "open":
      throw new RangeError(`${board.name} is built by gateloom build`);
  }
};

export const readmeOf = (input: ExportInput, files: ProjectFiles): string => {
  const { board, model, name, forced, clockMHz, fit } = input;
  return projectReadme({
    model,
    board: board.title,
    build: buildText(board, name),
    forced,
    resources: fit.lines.map((l) => ({
      what: l.what,
      needs: count(l.needs),
      has: l.has === null ? "unknown" : count(l.has),
      verdict: l.fits === null ? "cannot be said" : l.fits ? "fits" : "**does not fit**",
    })),
    clockMHz,
    speeds: fit.speeds.map((s) => ({
      live: s.live,
      cycles: count(s.cycles),
      bytes: count(s.bytes),
      tokensPerSecond: count(s.tokensPerSecond),
      bound: s.bound,
    })),
    files: WHAT.filter(([pattern]) => [...files.keys()].some((f) => pattern.test(f))).map(([, n, what]) => ({
      name: n,
      what,
    })),
    notes: board.notes,
  });
};
