/** U280 and U55C in plain Vivado: PCIe DMA, HBM and core in a block design, without the vendor's shell. */
import { CLOCK, RESET } from "../../generator/accelerator/axitop.js";
import { CACHE_PORT, CONTROL_PORT } from "../../generator/isa/registers.js";
import {
  blocksTcl,
  cardDesignTcl,
  cardNonprojectTcl,
  cardProjectTcl,
  cardXdc,
  crossingsXdc,
  type HbmPort,
  levelSync,
} from "../../rtl-templates/vivado/vivado.js";
import type { Flow } from "../boards/board.js";
import { type AxiExport, type ProjectFiles, VIVADO } from "./input.js";
import { masterPorts } from "./masters.js";
import { boardFiles } from "./vivado.js";

/** Clock of the DMA's AXI side at Gen3 x16 with 512 bits (PG195). */
const PCIE_MHZ = 250;
const SYNCHRONISER = "gateloom_level_sync";
const SYNCHRONISER_FILE = `card/${SYNCHRONISER}.v`;
/** Of the HBM IP's ports: the host's DMA and the cache's master share the second stack's first, which clocks that stack. */
const HOST_PORT = 16;
const PORTS = 32;
const MOST_SLOTS = 16;

const two = (n: number): string => String(n).padStart(2, "0");

/** Masters over HBM ports: the image's spread over all others, the first on port 0, which clocks its stack. */
export const hbmPorts = (masters: readonly string[]): HbmPort[] => {
  const behind = new Map<number, string[]>([[HOST_PORT, ["pcie/M_AXI", `core/${CACHE_PORT}`]]]);
  const image = masters.filter((name) => name !== CACHE_PORT);
  const free = Array.from({ length: PORTS }, (_, p) => p).filter((p) => p !== HOST_PORT);
  for (const [i, name] of image.entries()) {
    const port = free[Math.floor((i * free.length) / image.length)]!;
    behind.set(port, [...(behind.get(port) ?? []), `core/${name}`]);
  }
  return [...behind]
    .sort(([a], [b]) => a - b)
    .map(([port, pins]) => {
      if (pins.length > MOST_SLOTS) throw new RangeError(`${pins.length} masters on HBM port ${port}`);
      const host = port === HOST_PORT;
      return {
        index: two(port),
        masters: pins.map((pin, slot) => ({ pin, slot: `S${two(slot)}_AXI` })),
        count: pins.length,
        host,
        clocks: host ? 2 : 1,
      };
    });
};

/** `floorplan`: constraints that the kernel has too. */
export const cardProject = (
  input: AxiExport,
  flow: Flow & { readonly kind: "alveo" },
  floorplan: string,
): ProjectFiles => {
  const { board, name, model, clockMHz, registers } = input;
  const { card } = flow;
  const title = `${model} on ${board.title}`;
  const ports = hbmPorts(masterPorts(input.masters));
  const used = new Set(ports.map(({ index }) => index));
  const build = {
    ...{ title, version: VIVADO, name, synchroniserFile: SYNCHRONISER_FILE },
    constraints: ["xdc/card.xdc", "xdc/crossings.xdc", floorplan],
  };
  return new Map([
    ["scripts/board.tcl", boardFiles(board, true)],
    ["scripts/blocks.tcl", blocksTcl()],
    [
      "scripts/design.tcl",
      cardDesignTcl({
        ...{ title, top: name, library: "kernel", clockMHz },
        ...{ clock: CLOCK, reset: RESET, control: CONTROL_PORT },
        oscillator: card.oscillator,
        oscillatorHz: board.oscillatorMHz.value! * 1e6,
        density: card.hbmDensity,
        range: `${registers.bytes / 1024}K`,
        rangeKB: registers.bytes / 1024,
        ports,
        unused: Array.from({ length: PORTS }, (_, p) => two(p)).filter((index) => !used.has(index)),
        banks: flow.hbmBanks,
        bankBytes: flow.hbmBankBytes,
        synchroniser: SYNCHRONISER,
      }),
    ],
    ["scripts/project.tcl", cardProjectTcl(build)],
    ["scripts/nonproject.tcl", cardNonprojectTcl(build)],
    [SYNCHRONISER_FILE, levelSync({ name: SYNCHRONISER })],
    ["xdc/card.xdc", cardXdc({ title, pins: board.pins, configRate: card.configRate, powerW: card.powerW })],
    [
      "xdc/crossings.xdc",
      crossingsXdc({
        title,
        crossings: [
          {
            ...{ cell: "irq/inst", from: "held_reg", to: "first_reg" },
            delay: (1000 / Math.max(PCIE_MHZ, clockMHz)).toFixed(3),
          },
        ],
      }),
    ],
  ]);
};
