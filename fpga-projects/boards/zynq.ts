/** Boards with a Zynq: the accelerator reads the processing system's DDR over its HP ports. */
import { figure } from "../../generator/estimate/device.js";
import type { Board } from "./board.js";

const GIB = 2 ** 30;
const REPORT = "Available column of Vivado reports in public repositories";
const STORE = "XilinxBoardStore 2025.2.1, board.xml and preset.xml";
const MEMORY = "from memory; not checked against a report";
const TARGET = "usual target, from memory";
const NO_PINS = "HP ports are not cache-coherent: the host driver flushes and invalidates buffers.";

export const kv260: Board = {
  name: "kv260",
  title: "AMD Kria KV260",
  device: {
    fabric: "xcup",
    part: "xck26-sfvc784-2LV-c",
    lut: figure(117_120, REPORT),
    ff: figure(234_240, REPORT),
    dsp: figure(1248, REPORT),
    bram: { name: "RAMB36", count: figure(144, REPORT), bitsEach: 36_864 },
    largeRam: { name: "URAM288", count: figure(64, REPORT), bitsEach: 294_912 },
    slrs: 1,
  },
  boardPart: { value: "xilinx.com:kv260_som:part0:1.4", source: STORE },
  flow: { kind: "zynqmp", hpBits: 128, hpPorts: 4 },
  memory: {
    name: "PS DDR4-2400 x64",
    bytes: figure(4 * GIB, STORE),
    bytesPerSecond: figure(19.2e9, STORE),
    channels: 4,
  },
  oscillatorMHz: figure(100, "pl_clk0 of the processing system"),
  clockMHz: figure(200, TARGET),
  pins: [],
  notes: [
    NO_PINS,
    "Without the board files the processing system has the wrong DDR and MIO settings: the script stops.",
  ],
};

export const zcu104: Board = {
  name: "zcu104",
  title: "AMD ZCU104",
  device: {
    fabric: "xcup",
    part: "xczu7ev-ffvc1156-2-e",
    lut: figure(230_400, MEMORY),
    ff: figure(460_800, REPORT),
    dsp: figure(1728, REPORT),
    bram: { name: "RAMB36", count: figure(312, REPORT), bitsEach: 36_864 },
    largeRam: { name: "URAM288", count: figure(96, MEMORY), bitsEach: 294_912 },
    slrs: 1,
  },
  boardPart: { value: "xilinx.com:zcu104:part0:1.1", source: STORE },
  flow: { kind: "zynqmp", hpBits: 128, hpPorts: 4 },
  memory: {
    name: "PS DDR4-2133 x64",
    bytes: figure(2 * GIB, STORE),
    bytesPerSecond: figure(17.1e9, STORE),
    channels: 4,
  },
  oscillatorMHz: figure(100, "pl_clk0 of the processing system"),
  clockMHz: figure(200, TARGET),
  pins: [],
  notes: [NO_PINS, "Some public files name the -2-i grade; the board carries -2-e."],
};

export const zcu102: Board = {
  name: "zcu102",
  title: "AMD ZCU102",
  device: {
    fabric: "xcup",
    part: "xczu9eg-ffvb1156-2-e",
    lut: figure(274_080, MEMORY),
    ff: figure(548_160, MEMORY),
    dsp: figure(2520, "FINN, util/platforms.py"),
    bram: { name: "RAMB36", count: figure(912, "FINN, util/platforms.py"), bitsEach: 36_864 },
    largeRam: null,
    slrs: 1,
  },
  boardPart: { value: "xilinx.com:zcu102:part0:3.4", source: STORE },
  flow: { kind: "zynqmp", hpBits: 128, hpPorts: 4 },
  memory: {
    name: "PS DDR4 x64",
    bytes: figure(4 * GIB, MEMORY),
    bytesPerSecond: figure(17.1e9, "as the ZCU104's DDR4-2133 x64; from memory"),
    channels: 4,
  },
  oscillatorMHz: figure(100, "pl_clk0 of the processing system"),
  clockMHz: figure(200, TARGET),
  pins: [],
  notes: [NO_PINS],
};

export const pynqZ2: Board = {
  name: "pynq-z2",
  title: "TUL PYNQ-Z2",
  device: {
    fabric: "xc7",
    part: "xc7z020clg400-1",
    lut: figure(53_200, REPORT),
    ff: figure(106_400, REPORT),
    dsp: figure(220, REPORT),
    bram: { name: "RAMB36", count: figure(140, REPORT), bitsEach: 36_864 },
    largeRam: null,
    slrs: 1,
  },
  boardPart: { value: "tul.com.tw:pynq-z2:part0:1.0", source: STORE },
  flow: { kind: "zynq7", hpBits: 64, hpPorts: 4 },
  memory: {
    name: "PS DDR3-1050 x16",
    bytes: figure(GIB / 2, STORE),
    bytesPerSecond: figure(2.1e9, STORE),
    channels: 4,
  },
  oscillatorMHz: figure(100, "FCLK_CLK0 of the processing system"),
  clockMHz: figure(100, TARGET),
  pins: [],
  notes: [NO_PINS, "HP ports see 32-bit addresses: the wrapper drops the upper half, which is 0."],
};
