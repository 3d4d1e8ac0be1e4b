/** README.md of an exported project: commands, estimates, files. */
import { SUSTAINED } from "../../generator/estimate/fit.js";
import { lanes } from "../../generator/isa/config.js";
import { projectReadme } from "../../rtl-templates/readme/project.js";
import type { Board } from "../boards/index.js";
import { AVED } from "./aved.js";
import { productsOf } from "./build.js";
import { type ExportInput, type ProjectFiles, VIVADO } from "./input.js";

const count = (n: number): string => Math.round(n).toLocaleString("en-US");
const gigabytes = (bytesPerSecond: number): string => (bytesPerSecond / 1e9).toPrecision(3);
const sh = (...lines: readonly string[]): string => ["```sh", ...lines, "```"].join("\n");

/** By path or folder, in the order of the table; a line appears where the project has such a file. */
const WHAT: readonly (readonly [RegExp, string, string])[] = [
  [/^rtl\//, "rtl/", "Verilog-2005, one module a file, each with a comment back to its TypeScript"],
  [/^card\//, "card/", "Verilog of the plain Vivado design alone"],
  [/^xdc\/timing\.xdc$/, "xdc/timing.xdc", "the oscillator's clock"],
  [/^xdc\/pins\.xdc$/, "xdc/pins.xdc", "pins"],
  [/^xdc\/ooc\.xdc$/, "xdc/ooc.xdc", "clock of the core alone, out of context"],
  [/^xdc\/floorplan\.xdc$/, "xdc/floorplan.xdc", "what stays beside HBM, in SLR0"],
  [/^xdc\/crossings\.xdc$/, "xdc/crossings.xdc", "paths between the clocks of core and PCIe"],
  [
    /^xdc\/card\.xdc$/,
    "xdc/card.xdc",
    "configuration memory, power budget, pins that the board file leaves open",
  ],
  [/^scripts\//, "scripts/", "Tcl of Vivado; `common.tcl` lists every source"],
  [/^scripts\/package\.tcl$/, "scripts/package.tcl", "the core as IP-XACT"],
  [/^scripts\/zynq\.tcl$/, "scripts/zynq.tcl", "project mode: block design to bitstream"],
  [/^scripts\/project\.tcl$/, "scripts/project.tcl", "project mode: everything to bitstream or device image"],
  [/^scripts\/nonproject\.tcl$/, "scripts/nonproject.tcl", "the same without a project on the disk"],
  [
    /^scripts\/batch\.tcl$/,
    "scripts/batch.tcl",
    "non-project batch; where the top level is a block design, of the core alone",
  ],
  [/^link\.cfg$/, "link.cfg", "how `v++` connects the kernel to HBM"],
  [/^build\.sh$/, "build.sh, build.bat, Makefile", "the steps in order"],
  [/^build-vivado\.sh$/, "build-vivado.sh, build-vivado.bat", "the same for plain Vivado; `make vivado`"],
  [/^host\//, "host/", "drivers and the data they need"],
  [
    /^host\/image\.bin$/,
    "host/image.bin, host/program.bin",
    "what the host loads: weights and constants, instructions",
  ],
  [/^docs\/registers\.md$/, "docs/registers.md", "the register map"],
  [/^docs\/link\.md$/, "docs/link.md", "the bytes on the wire"],
];

const buildText = (board: Board, name: string): string[] => {
  const [product, other] = productsOf(board, name);
  const build = sh("bash build.sh      # Linux; build.bat on Windows; or make");
  const ends = `It ends with \`${product}\`, or says what failed.`;
  const alone = [
    "For the core alone, its timing and its size, out of context:",
    sh("vivado -mode batch -nojournal -source scripts/batch.tcl"),
  ];
  const { flow } = board;
  switch (flow.kind) {
    case "fabric":
      return [
        `Vivado ${VIVADO} (other versions get a warning and usually work):`,
        build,
        ends,
        "The same without a project on the disk:",
        sh("vivado -mode batch -nojournal -source scripts/batch.tcl"),
      ];
    case "zynq7":
    case "zynqmp":
      return [
        `Vivado ${VIVADO} with the board files of ${board.title} (the script says how to get them):`,
        build,
        `${ends} \`build/${name}.bit\`, \`.hwh\` and \`.xsa\` lie side by side: PYNQ wants the first two under one name, Vitis and PetaLinux the third.`,
        ...alone,
      ];
    case "alveo":
      return [
        `**Vitis.** Vitis ${VIVADO} and the platform \`${flow.platform}\`:`,
        build,
        ends,
        `**Plain Vivado**, without the card's shell: PCIe DMA (XDMA), HBM and the core in a block design, by the Vivado of a Vitis installation (the packaging is the same). The card's board files go into \`board_files/\`; they are in ${flow.card.boardFiles}.`,
        sh(
          "bash build-vivado.sh      # build-vivado.bat on Windows; or make vivado",
          "vivado -mode batch -nojournal -source scripts/nonproject.tcl      # instead of its second step: no project on the disk",
        ),
        `It ends with \`${other}\`. Loaded over JTAG it takes the place of the shell until the next power cycle; the host needs a restart of the card's PCIe link and AMD's XDMA driver (github.com/Xilinx/dma_ip_drivers), not XRT.`,
        ...alone,
      ];
    case "versal":
      return [
        "The V80 is no `v++`/XRT/`xclbin` card, so there is no `.xo` and no XRT host here. **SLASH** (github.com/Xilinx/SLASH) links the core's IP-XACT folder to a `vrtbin`:",
        build,
        ends,
        `**Plain Vivado.** PCIe, clocks, power monitors and card management of a V80 are AMD's own base design, AVED, and must be as they are there. The script takes that design, puts the core beside it on the network on chip, and builds. Vivado ${AVED.vivado} for AVED ${AVED.release}:`,
        sh(
          `git clone --depth 1 ${AVED.repository} board_files/AVED`,
          "bash build-vivado.sh      # build-vivado.bat on Windows; or make vivado",
        ),
        `It ends with \`${other}\` and \`build/${name}.xsa\`. Before the card can boot it, AVED's firmware has to be built for this .xsa and joined with the image, by the steps behind \`vivado\` in AVED's \`build_all.sh\` (\`XSA=...\`).`,
        ...alone,
      ];
    case "open":
      throw new RangeError(`${board.name} is built by gateloom build`);
  }
};

const runText = (board: Board, name: string): string[] => {
  const prompt = '--prompt "Once upon a time"';
  const { flow } = board;
  switch (flow.kind) {
    case "fabric":
      return [
        "The model lies in the bitstream; tokens go over the USB UART. With the hardware manager or openFPGALoader, and pyserial:",
        sh(
          `openFPGALoader -b arty_a7_100t build/${name}.bit`,
          `cd host && python3 gateloom_serial.py --port /dev/ttyUSB1 ${prompt}`,
        ),
      ];
    case "zynq7":
    case "zynqmp":
      return [
        `On the board, under a PYNQ image, with \`host/\`, \`build/${name}.bit\` and \`build/${name}.hwh\` in one folder:`,
        sh(`sudo -E python3 gateloom.py --bit ${name}.bit ${prompt}`),
      ];
    case "alveo":
      return [
        "With XRT and the card's shell:",
        sh(
          "source /opt/xilinx/xrt/setup.sh",
          `cd host && make && ./gateloom_host --xclbin ../build/${name}.xclbin ${prompt}`,
        ),
        "For the plain Vivado design there is no program here: HBM lies from address 0 on behind `/dev/xdma0_h2c_0`, the registers from offset 0 on behind `/dev/xdma0_user`. What to write is in `docs/registers.md` and `host/model.json`; what channels hold, in `host/main.cpp`.",
      ];
    case "versal":
      return [
        `There is no program for this card here. Registers are in \`docs/registers.md\`, what to load in \`host/model.json\`. In the plain Vivado design they lie at ${AVED.controlOffset} behind BAR 0 of AVED's function 0, HBM at ${AVED.hbmBase}; under SLASH its VRT runtime says where.`,
      ];
    case "open":
      throw new RangeError(`${board.name} is built by gateloom build`);
  }
};

const bandwidthText = ({ memory }: Board): string => {
  if (memory === null) return "Weights and cache lie in block RAM.";
  const rate = memory.bytesPerSecond;
  return rate.value === null
    ? `What ${memory.name} gives is unknown (${rate.source}), so tokens/s are the lanes' alone.`
    : `${memory.name}: ${gigabytes(rate.value)} GB/s by name, of which ${Math.round(100 * SUSTAINED)} % are counted on.`;
};

/** What the figures leave out. */
const scopeText = ({ memory }: Board): string =>
  memory === null
    ? "The whole chip, counted from the netlist by gateloom, not by the vendor's tools."
    : "The core alone, counted from the netlist by gateloom, not by the vendor's tools; interconnect, DMA and memory controllers come on top.";

/** What was not tried, by kind of board. */
const unchecked = (board: Board): string[] => {
  const tcl = "The Tcl has run in tclsh against a stand-in of Vivado's commands, never in Vivado.";
  switch (board.flow.kind) {
    case "alveo":
      return [
        tcl,
        "Settings of XDMA, HBM and clocking IPs in scripts/design.tcl are named as in public projects of these cards (open-nic-shell, the MEEP shell, FK33 designs); a name that the IP in your Vivado has not is an error, a value that it changes a warning.",
      ];
    case "versal":
      return [
        tcl,
        `scripts/project.tcl expects the cells and addresses of AVED ${AVED.release}; it stops when they are not there.`,
      ];
    default:
      return [tcl];
  }
};

export const readmeOf = (input: ExportInput, files: ProjectFiles): string => {
  const { board, model, name, forced, clockMHz, fit } = input;
  return projectReadme({
    model,
    board: board.title,
    build: buildText(board, name),
    run: runText(board, name),
    scope: scopeText(board),
    forced,
    resources: fit.lines.map((l) => ({
      what: l.what,
      needs: count(l.needs),
      has: l.has === null ? "unknown" : count(l.has),
      verdict: l.fits === null ? "cannot be said" : l.fits ? "fits" : "**does not fit**",
    })),
    lanes: lanes(input.config),
    positions: input.positions,
    clockMHz,
    bandwidth: bandwidthText(board),
    speeds: fit.speeds.map((s) => ({
      live: s.live,
      cycles: count(s.cycles),
      bytes: count(s.bytes),
      gigabytes: gigabytes(s.bytes * s.tokensPerSecond),
      tokensPerSecond: count(s.tokensPerSecond),
      bound: s.bound,
    })),
    files: WHAT.filter(([pattern]) => [...files.keys()].some((f) => pattern.test(f))).map(([, n, what]) => ({
      name: n,
      what,
    })),
    notes: [...board.notes, ...unchecked(board)],
  });
};
