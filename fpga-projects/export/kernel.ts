/** Projects whose accelerator sits behind AXI: Zynq block designs, Vitis kernels, IP-XACT for Versal. */
import { axiAccelerator } from "../../generator/accelerator/axiaccelerator.js";
import { CORE_CELL, emitKernel } from "../../generator/accelerator/axitop.js";
import { USABLE } from "../../generator/estimate/device.js";
import { elaborate } from "../../generator/hdl/index.js";
import { registerMap } from "../../generator/isa/registers.js";
import { linkCfg } from "../../rtl-templates/vitis/vitis.js";
import { floorplanXdc } from "../../rtl-templates/vivado/vivado.js";
import { avedProject } from "./aved.js";
import { cardProject } from "./card.js";
import type { AxiExport, ExportInput, ProjectFiles } from "./input.js";
import { masterPorts, mastersFor } from "./masters.js";
import { coreVivado, sourcesOf, zynqVivado } from "./vivado.js";

const OUTSTANDING = 8;
/** AXI3 ports (HBM, Zynq-7000) take 16 words; the rest would take 256, and 64 words of 512 bits are 4 KB. */
const BURST = 16;
/** The wrapper of the processing system cuts what a Zynq-7000 cannot address. */
const ADDRESS_BITS = 64;
const FLOORPLAN = "xdc/floorplan.xdc";

/** The top level behind AXI. Throws HdlError when it cannot be built. */
export const axiExport = (input: ExportInput): AxiExport => {
  const masters = mastersFor(input.board.flow, input.config);
  const design = elaborate(
    axiAccelerator(input.config, {
      ...masters,
      addressBits: ADDRESS_BITS,
      outstanding: OUTSTANDING,
      burst: BURST,
      clocks: 1,
    }),
  );
  return { ...input, masters, registers: registerMap(input.config, masters), design };
};

const rtlOf = ({ design, name }: AxiExport): Map<string, string> =>
  new Map([...emitKernel(design, name)].map(([file, text]) => [`rtl/${file}`, text]));

/** Banks in turn, as many for each master as there are. The cache's port reaches all of them. */
const banksOf = (masters: readonly string[], banks: number): { port: string; banks: string }[] => {
  const image = masters.filter((name) => name !== "m_axi_cache");
  const each = Math.max(1, Math.floor(banks / image.length));
  const span = (from: number, to: number): string => (from === to ? `${from}` : `${from}:${to}`);
  return masters.map((port) => {
    const i = image.indexOf(port);
    return { port, banks: i < 0 ? span(0, banks - 1) : span(i * each, (i + 1) * each - 1) };
  });
};

/** Instance in the core of everything that talks AXI to memory; FIFOs part it from the rest. */
const MEMORY_CELL = `${CORE_CELL}/u_memory`;

/** The whole core beside HBM where one die region holds it; else its memory side alone, and the tool places the rest. */
export const floorplanOf = ({ board, fit }: ExportInput, title: string): string => {
  const { lut, slrs } = board.device;
  const needs = fit.lines.find(({ what }) => what === "LUT")!.needs;
  const name = "pblock_hbm";
  return needs <= (USABLE.lut * lut.value!) / slrs
    ? floorplanXdc({ title, what: "the core", name, cell: CORE_CELL })
    : floorplanXdc({
        title,
        what: "what reads and writes memory (the whole core is larger than one region)",
        name,
        cell: MEMORY_CELL,
      });
};

/** What `input.board.flow` asks for. */
export const kernelProject = (input: AxiExport): ProjectFiles => {
  const { board, name, model, clockMHz } = input;
  const rtl = rtlOf(input);
  const sources = sourcesOf(rtl);
  const { flow } = board;
  const title = `${model} on ${board.title}`;
  switch (flow.kind) {
    case "zynq7":
    case "zynqmp":
      return new Map([
        ...rtl,
        ...coreVivado(input, sources, false),
        ...zynqVivado(input, flow.hpPorts, flow.kind),
      ]);
    case "alveo": {
      const ports = banksOf(masterPorts(input.masters), flow.hbmBanks);
      return new Map([
        ...rtl,
        ...coreVivado(input, sources, true),
        ["link.cfg", linkCfg({ title, name, clockMHz, ports })],
        [FLOORPLAN, floorplanOf(input, title)],
        ...cardProject(input, flow, FLOORPLAN),
      ]);
    }
    case "versal":
      return new Map([...rtl, ...coreVivado(input, sources, false), ...avedProject(input)]);
    case "fabric":
    case "open":
      throw new RangeError(`${board.name} has no AXI`);
  }
};
