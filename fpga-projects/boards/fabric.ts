/** Boards whose model lies inside the FPGA, with a UART to the host. */
import { figure } from "../../generator/estimate/device.js";
import type { Board } from "./board.js";

const NEXTPNR = "nextpnr's device utilisation";

export const artyA7: Board = {
  name: "arty-a7-100",
  title: "Digilent Arty A7-100",
  device: {
    fabric: "xc7",
    part: "xc7a100tcsg324-1",
    lut: figure(63_400, "Available column of Vivado reports in public repositories"),
    ff: figure(126_800, "Available column of Vivado reports in public repositories"),
    dsp: figure(240, "from memory; not checked against a report"),
    bram: {
      name: "RAMB36",
      count: figure(135, "from memory; not checked against a report"),
      bitsEach: 36_864,
    },
    largeRam: null,
    slrs: 1,
  },
  boardPart: {
    value: "digilentinc.com:arty-a7-100:part0:1.1",
    source: "XilinxBoardStore 2025.2.1, board.xml",
  },
  flow: { kind: "fabric" },
  memory: null,
  oscillatorMHz: figure(100, "digilent-xdc, Arty-A7-100-Master.xdc"),
  clockMHz: figure(50, "half the oscillator; nothing faster has been tried on this part"),
  pins: [
    { port: "clk", pin: "E3", standard: "LVCMOS33" },
    { port: "reset_n", pin: "C2", standard: "LVCMOS33" },
    { port: "rx", pin: "A9", standard: "LVCMOS33" },
    { port: "tx", pin: "D10", standard: "LVCMOS33" },
    { port: "led", pin: "H5", standard: "LVCMOS33" },
  ],
  notes: ["The board's DDR3L needs a memory controller (MIG) and is not used: models lie in block RAM."],
};

export const icebreaker: Board = {
  name: "icebreaker",
  title: "1BitSquared iCEBreaker (iCE40 UP5K)",
  device: {
    fabric: "ice40",
    part: "iCE40UP5K-SG48",
    lut: figure(5280, NEXTPNR),
    ff: figure(5280, NEXTPNR),
    dsp: figure(8, NEXTPNR),
    bram: { name: "EBR", count: figure(30, NEXTPNR), bitsEach: 4096 },
    largeRam: { name: "SPRAM", count: figure(4, NEXTPNR), bitsEach: 262_144 },
    slrs: 1,
  },
  boardPart: null,
  flow: {
    kind: "open",
    nextpnr: ["--up5k", "--package", "sg48"],
    flash: {
      offset: 0x100000,
      pins: [
        { port: "flash_sck", pin: "15", standard: "LVCMOS33" },
        { port: "flash_select_n", pin: "16", standard: "LVCMOS33" },
        { port: "flash_mosi", pin: "14", standard: "LVCMOS33" },
        { port: "flash_miso", pin: "17", standard: "LVCMOS33" },
        { port: "failed", pin: "11", standard: "LVCMOS33" },
      ],
      source: "icebreaker-fpga/icebreaker-verilog-examples, icebreaker.pcf",
    },
  },
  memory: null,
  oscillatorMHz: figure(12, "icestorm, examples/icebreaker"),
  clockMHz: figure(19.875, "what both nextpnr and icetime pass with the micro machine; divides into 1 Mbaud"),
  pins: [
    { port: "clk", pin: "35", standard: "LVCMOS33" },
    { port: "reset_n", pin: "10", standard: "LVCMOS33" },
    { port: "rx", pin: "6", standard: "LVCMOS33" },
    { port: "tx", pin: "9", standard: "LVCMOS33" },
    { port: "led", pin: "37", standard: "LVCMOS33" },
  ],
  notes: [
    "SPRAM cannot be initialised by the bitstream: weights come from the flash.",
    "Both LEDs shine at 0: green while a run lasts, red when the flash holds no model for this bitstream.",
  ],
};

export const ulx3s: Board = {
  name: "ulx3s",
  title: "Radiona ULX3S-85F (Lattice ECP5)",
  device: {
    fabric: "ecp5",
    part: "LFE5U-85F-6BG381C",
    lut: figure(83_640, NEXTPNR),
    ff: figure(83_640, NEXTPNR),
    dsp: figure(156, NEXTPNR),
    bram: { name: "DP16KD", count: figure(208, NEXTPNR), bitsEach: 18_432 },
    largeRam: null,
    slrs: 1,
  },
  boardPart: null,
  flow: { kind: "open", nextpnr: ["--85k", "--package", "CABGA381", "--speed", "6"] },
  memory: null,
  oscillatorMHz: figure(25, "emard/ulx3s, doc/constraints/ulx3s_v20.lpf"),
  clockMHz: figure(40, "a PLL; nextpnr-ecp5 routed the demo to 44.0 MHz"),
  pins: [
    { port: "clk", pin: "G2", standard: "LVCMOS33" },
    { port: "reset_n", pin: "D6", standard: "LVCMOS33" },
    { port: "rx", pin: "M1", standard: "LVCMOS33" },
    { port: "tx", pin: "L4", standard: "LVCMOS33" },
    { port: "led", pin: "B2", standard: "LVCMOS33" },
  ],
  notes: [
    "reset_n is the PWR button, which pulls low.",
    "The 32 MB SDRAM is not used: models lie in block RAM.",
  ],
};
