/** AMD Alveo cards with HBM: Vitis RTL kernels, or plain Vivado. */
import { type Device, figure, unknown } from "../../generator/estimate/device.js";
import type { Board } from "./board.js";

const GIB = 2 ** 30;
const SAME_DIE = "from memory: the U280's die; not checked against a report";

const u280Device: Device = {
  fabric: "xcup",
  part: "xcu280-fsvh2892-2L-e",
  lut: figure(1_303_680, "Available column of Vivado reports in public repositories"),
  ff: figure(2_607_360, "Available column of Vivado reports in public repositories"),
  dsp: figure(9024, "Available column of Vivado reports in public repositories"),
  bram: {
    name: "RAMB36",
    count: figure(2016, "Available column of Vivado reports in public repositories"),
    bitsEach: 36_864,
  },
  largeRam: {
    name: "URAM288",
    count: figure(960, "Available column of Vivado reports in public repositories"),
    bitsEach: 294_912,
  },
  slrs: 3,
};

const BOARD_FILES = "board_files/Xilinx of github.com/Xilinx/open-nic-shell, or AMD's page of the card";

/** Both cards read HBM over 32 pseudo-channels of 14.375 GB/s. */
const hbm = (gib: number) => ({
  name: "HBM2",
  bytes: figure(gib * GIB, "UG1393, HBM Configuration and Use"),
  bytesPerSecond: figure(460e9, "UG1393, HBM Configuration and Use"),
  channels: 32,
});

export const u280: Board = {
  name: "u280",
  title: "AMD Alveo U280",
  device: u280Device,
  boardPart: {
    value: "xilinx.com:au280:part0:1.1",
    source: "open-nic-shell, script/board_settings/au280.tcl",
  },
  flow: {
    kind: "alveo",
    platform: "xilinx_u280_gen3x16_xdma_1_202211_1",
    hbmBanks: 32,
    hbmBankBytes: 256 * 2 ** 20,
    card: {
      oscillator: "sysclk0",
      hbmDensity: "8GB",
      configRate: "85.0",
      powerW: 160,
      source: "open-nic-shell, constr/au280 and board_files/Xilinx/au280/production/1.1",
      boardFiles: BOARD_FILES,
    },
  },
  memory: hbm(8),
  oscillatorMHz: figure(100, "open-nic-shell, constr/au280"),
  clockMHz: figure(300, "usual target of Vitis kernels on this card, from memory"),
  pins: [{ port: "hbm_cattrip", pin: "D32", standard: "LVCMOS18" }],
  notes: [
    "HBM hangs off SLR0: masters belong there.",
    "The two DDR4 modules are not used: HBM is faster and nearer.",
    "Some public files name the -es1 part; the production card is -2L-e.",
  ],
};

export const u55c: Board = {
  name: "u55c",
  title: "AMD Alveo U55C",
  device: {
    ...u280Device,
    part: "xcu55c-fsvh2892-2L-e",
    lut: figure(1_303_680, `${SAME_DIE}; 1,131,000 are usable beside the shell (UG1120)`),
    ff: figure(2_607_360, SAME_DIE),
    dsp: figure(9024, `${SAME_DIE}; 8,304 are usable beside the shell (UG1120)`),
    bram: { ...u280Device.bram, count: figure(2016, SAME_DIE) },
    largeRam: {
      name: "URAM288",
      count: figure(960, "FINN, util/platforms.py, after UG1120"),
      bitsEach: 294_912,
    },
  },
  boardPart: {
    value: "xilinx.com:au55c:part0:1.0",
    source: "open-nic-shell, script/board_settings/au55c.tcl",
  },
  flow: {
    kind: "alveo",
    platform: "xilinx_u55c_gen3x16_xdma_3_202210_1",
    hbmBanks: 32,
    hbmBankBytes: 512 * 2 ** 20,
    card: {
      oscillator: "slr0_freerun_clk",
      hbmDensity: "16GB",
      configRate: "63.8",
      powerW: 100,
      source: "open-nic-shell, constr/au55c and board_files/Xilinx/au55c",
      boardFiles: BOARD_FILES,
    },
  },
  memory: hbm(16),
  oscillatorMHz: figure(100, "open-nic-shell, constr/au55c"),
  clockMHz: figure(300, "usual target of Vitis kernels on this card, from memory"),
  pins: [{ port: "hbm_cattrip", pin: "BE45", standard: "LVCMOS18" }],
  notes: ["HBM hangs off SLR0: masters belong there.", "Power budget 100 W (open-nic-shell)."],
};

const DISAGREE = "public pages disagree or are silent";

export const v80: Board = {
  name: "v80",
  title: "AMD Alveo V80",
  device: {
    fabric: "versal",
    part: "xcv80-lsva4737-2MHP-e-S",
    lut: figure(2_574_208, "from memory; no report was found"),
    ff: unknown(DISAGREE),
    dsp: figure(10_848, "DSP58, from memory; no report was found"),
    bram: { name: "RAMB36", count: unknown(DISAGREE), bitsEach: 36_864 },
    largeRam: { name: "URAM288", count: unknown(DISAGREE), bitsEach: 294_912 },
    slrs: 3,
  },
  boardPart: { value: "xilinx.com:v80:part0:1.0", source: "XilinxBoardStore 2025.2.1, board.xml" },
  flow: { kind: "versal", hbmBanks: 64 },
  memory: {
    name: "HBM2e",
    bytes: figure(32 * GIB, "XilinxBoardStore 2025.2.1, board.xml"),
    bytesPerSecond: unknown("AMD's pages say about 819 GB/s and 'approaching 460'"),
    channels: 64,
  },
  oscillatorMHz: unknown("the network on chip and the CIPS make the clocks"),
  clockMHz: figure(300, "usual target, from memory"),
  pins: [],
  notes: ["Not a v++/XRT/xclbin card: SLASH (vrtbin) or a plain Vivado project."],
};
