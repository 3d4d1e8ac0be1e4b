/** Vivado's part of a project: scripts and constraints by kind of board. */
import { CLOCK, RESET } from "../../generator/accelerator/axitop.js";
import { CONTROL_PORT, type Register } from "../../generator/isa/registers.js";
import {
  batchTcl,
  boardTcl,
  commonTcl,
  type MemoryPort,
  type PackagedRegister,
  packageTcl,
  pinsXdc,
  projectTcl,
  timingXdc,
  zynqTcl,
} from "../../rtl-templates/vivado/vivado.js";
import type { Board } from "../boards/index.js";
import { type AxiExport, type ExportInput, type ProjectFiles, VIVADO } from "./input.js";
import { masterPorts } from "./masters.js";

/** Sources as the scripts list them: sorted, by path in the project. */
export interface Sources {
  readonly verilog: readonly string[];
  readonly memories: readonly string[];
}
export const sourcesOf = (files: ProjectFiles): Sources => {
  const under = (ending: string): string[] =>
    [...files.keys()].filter((f) => f.startsWith("rtl/") && f.endsWith(ending)).sort();
  return { verilog: under(".v"), memories: under(".mem") };
};

export const period = (clockMHz: number): string => (1000 / clockMHz).toFixed(3);

export const boardFiles = (board: Board, required: boolean): string => {
  const boardPart = board.boardPart!.value;
  const boardName = boardPart.split(":")[1]!;
  const from =
    board.flow.kind === "alveo"
      ? `Put them into the folder board_files; they are in ${board.flow.card.boardFiles}`
      : `In Vivado: xhub::install \\[xhub::get_xitems *${boardName}*\\]`;
  return boardTcl({ boardPart, required, from });
};

/** The chip with the model inside, for a board whose pins are the fabric's. `oscillator` is the clock at the pad. */
export const fabricVivado = (input: ExportInput, sources: Sources, top: string): ProjectFiles => {
  const { board, name, model } = input;
  const title = `${model} on ${board.title}`;
  const constraints = ["xdc/timing.xdc", "xdc/pins.xdc"];
  const shared = { title, version: VIVADO, name, top, memories: sources.memories, constraints };
  return new Map([
    ["scripts/common.tcl", commonTcl({ part: board.device.part, ...sources })],
    ["scripts/board.tcl", boardFiles(board, false)],
    ["scripts/project.tcl", projectTcl(shared)],
    ["scripts/batch.tcl", batchTcl({ ...shared, outOfContext: false })],
    [
      "xdc/timing.xdc",
      timingXdc({ title, clock: "clk", port: "clk", period: period(board.oscillatorMHz.value!) }),
    ],
    ["xdc/pins.xdc", pinsXdc({ title, pins: board.pins })],
  ]);
};

/** As Vitis' packager knows the control registers; anything else would be an argument of the kernel to it. */
export const PACKAGED_CONTROL: Readonly<Record<string, string>> = {
  ap_ctrl: "CTRL",
  gie: "GIER",
  ier: "IP_IER",
  isr: "IP_ISR",
};
const accessOf = (register: Register): PackagedRegister["access"] => {
  switch (register.kind) {
    case "pointer":
    case "scalar":
      return "read-write";
    case "constant":
    case "state":
    case "counter":
      return "read-only";
    case "flags": {
      const accesses = register.fields.map(({ access }) => access);
      if (accesses.every((a) => a === "read" || a === "clearOnRead")) return "read-only";
      return accesses.every((a) => a === "command") ? "write-only" : "read-write";
    }
  }
};
const packaged = (register: Register): PackagedRegister => ({
  name: PACKAGED_CONTROL[register.name] ?? register.name,
  offset: `0x${register.offset.toString(16).padStart(3, "0")}`,
  size: register.width,
  access: accessOf(register),
  doc: register.doc,
  port: register.kind === "pointer" ? register.port : "",
});

/** IP-XACT packaging, with the Vitis kernel where the board takes one, and the core out of context. */
export const coreVivado = (input: AxiExport, sources: Sources, kernel: boolean): ProjectFiles => {
  const { board, name, model, registers } = input;
  const title = `${model} on ${board.title}`;
  const masters = masterPorts(input.masters).map((port) => ({ name: port }));
  return new Map([
    ["scripts/common.tcl", commonTcl({ part: board.device.part, ...sources })],
    [
      "scripts/package.tcl",
      packageTcl({
        title,
        version: VIVADO,
        name,
        top: name,
        library: kernel ? "kernel" : "user",
        taxonomy: kernel ? "/KernelIP" : "/UserIP",
        kernel,
        clock: CLOCK,
        control: CONTROL_PORT,
        masters,
        range: registers.bytes,
        registers: registers.registers.map(packaged),
      }),
    ],
    [
      "scripts/batch.tcl",
      batchTcl({
        ...{ title, version: VIVADO, name, top: name, memories: sources.memories },
        constraints: ["xdc/ooc.xdc", ...(kernel ? ["xdc/floorplan.xdc"] : [])],
        outOfContext: true,
      }),
    ],
    ["xdc/ooc.xdc", timingXdc({ title, clock: CLOCK, port: CLOCK, period: period(input.clockMHz) })],
  ]);
};

/** Most masters that a SmartConnect takes. */
const MOST_SLOTS = 16;

/** Masters over the HP ports in turn, the cache's among them. */
const hpPorts = (masters: readonly string[], count: number, ultrascale: boolean): MemoryPort[] => {
  const used = Math.min(count, masters.length);
  return Array.from({ length: used }, (_, index) => {
    const behind = masters.filter((_, m) => m % used === index);
    if (behind.length > MOST_SLOTS)
      throw new RangeError(`${behind.length} masters on one HP port; a SmartConnect takes ${MOST_SLOTS}`);
    return {
      index,
      gp: 2 + index,
      pin: ultrascale ? `S_AXI_HP${index}_FPD` : `S_AXI_HP${index}`,
      clockPin: ultrascale ? `saxihp${index}_fpd_aclk` : `S_AXI_HP${index}_ACLK`,
      masters: behind.map((name, i) => ({ name, slot: `S${String(i).padStart(2, "0")}_AXI` })),
      count: behind.length,
    };
  });
};

const PINS = {
  zynqmp: {
    clockPin: "pl_clk0",
    resetPin: "pl_resetn0",
    interruptPin: "pl_ps_irq0",
    controlPin: "M_AXI_HPM0_FPD",
    controlClockPin: "maxihpm0_fpd_aclk",
    controlBase: "0xA0000000",
  },
  zynq7: {
    clockPin: "FCLK_CLK0",
    resetPin: "FCLK_RESET0_N",
    interruptPin: "IRQ_F2P",
    controlPin: "M_AXI_GP0",
    controlClockPin: "M_AXI_GP0_ACLK",
    controlBase: "0x40000000",
  },
} as const;

/** The block design around the processing system. */
export const zynqVivado = (input: AxiExport, ports: number, kind: "zynq7" | "zynqmp"): ProjectFiles => {
  const { board, name, model, registers, clockMHz } = input;
  const ultrascale = kind === "zynqmp";
  return new Map([
    ["scripts/board.tcl", boardFiles(board, true)],
    [
      "scripts/zynq.tcl",
      zynqTcl({
        title: `${model} on ${board.title}`,
        version: VIVADO,
        name,
        top: name,
        library: "user",
        ultrascale,
        clockMHz,
        clock: CLOCK,
        reset: RESET,
        control: CONTROL_PORT,
        ...PINS[kind],
        range: `${registers.bytes / 1024}K`,
        ports: hpPorts(masterPorts(input.masters), ports, ultrascale),
      }),
    ],
  ]);
};
