/**
 * V80 in plain Vivado: the core put into AVED, AMD's base design of the card (github.com/Xilinx/AVED). The settings of processing
 * system, PCIe, power monitors and card management are hundreds, belong together with AMD's firmware, and are taken as they are there.
 */
import { CLOCK, RESET } from "../../generator/accelerator/axitop.js";
import { CACHE_PORT, CONTROL_PORT } from "../../generator/isa/registers.js";
import { avedProjectTcl, blocksTcl, type NocMaster } from "../../rtl-templates/vivado/vivado.js";
import type { AxiExport, ProjectFiles } from "./input.js";
import { masterPorts } from "./masters.js";

const GIB = 2n ** 30n;
const HBM = 0x40_0000_0000n;
/** What AVED's release has, in its create_bd_design.tcl. */
export const AVED = {
  repository: "https://github.com/Xilinx/AVED",
  release: "amd_v80_gen5x8_25.1",
  vivado: "2025.1",
  /** Where its host sees HBM: 32 pseudo-channels of 1 GiB. */
  hbmBase: `0x${HBM.toString(16)}`,
  pseudoChannels: 32,
  /** Free space behind BAR 0, between its own registers and its DDR window; and as the host sees it. */
  controlBase: "0x20104000000",
  controlBytes: "0x01000000",
  controlOffset: "0x4000000",
} as const;

/** MB/s that a master's connections ask for together: AVED's own, of its two PCIe ports. */
const ASKED = 8000;

interface Span {
  readonly from: number;
  readonly count: number;
}

/** Two pseudo-channels to a controller, two ports to each of them; neighbouring masters take different ones. */
const portOf = (channel: number, master: number): string =>
  `HBM${channel >> 1}_PORT${(channel & 1) * 2 + (master & 1)}`;
const segmentOf = (channel: number): string => `HBM${channel >> 1}_PC${channel & 1}`;

/** Image masters have pseudo-channels of their own; the cache's master reaches all of those. */
const spansOf = (masters: readonly string[]): Span[] => {
  const image = masters.filter((name) => name !== CACHE_PORT).length;
  const count = Math.floor(AVED.pseudoChannels / image);
  return masters.map((name, m) =>
    name === CACHE_PORT ? { from: 0, count: count * image } : { from: m * count, count },
  );
};
const channelsOf = ({ from, count }: Span): number[] => Array.from({ length: count }, (_, c) => from + c);

export const avedProject = (input: AxiExport): ProjectFiles => {
  const { board, name, model, clockMHz, registers } = input;
  const names = masterPorts(input.masters);
  const spans = spansOf(names);
  const port = (m: number): string => `HBM${String(m).padStart(2, "0")}_AXI`;
  const masters = names.map((master, m): NocMaster => {
    const channels = channelsOf(spans[m]!);
    const share = Math.floor(ASKED / channels.length);
    const traffic = `{read_bw {${share}} write_bw {${master === CACHE_PORT ? share : 5}} read_avg_burst {4} write_avg_burst {4}}`;
    const connections = channels.map((c) => `${portOf(c, m)} ${traffic}`).join(" ");
    return { index: m, name: master, port: port(m), connections };
  });
  const segments = names.flatMap((master, m) =>
    channelsOf(spans[m]!).map((c) => ({
      ...{ master, port: port(m), segment: segmentOf(c) },
      offset: `0x${(HBM + GIB * BigInt(c)).toString(16)}`,
      bytes: `0x${GIB.toString(16)}`,
    })),
  );
  return new Map([
    ["scripts/blocks.tcl", blocksTcl()],
    [
      "scripts/project.tcl",
      avedProjectTcl({
        ...{ title: `${model} on ${board.title}`, version: AVED.vivado, name, top: name, library: "user" },
        ...{ release: AVED.release, repository: AVED.repository, clockMHz },
        ...{ clock: CLOCK, reset: RESET, control: CONTROL_PORT },
        ...{ controlBase: AVED.controlBase, controlBytes: AVED.controlBytes },
        range: `${registers.bytes / 1024}K`,
        ...{ masterCount: names.length, masters, segments },
      }),
    ],
  ]);
};
