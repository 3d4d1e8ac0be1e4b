/** Tcl and XDC of Vivado projects. Lists of files are given; no script globs for its sources. */
import { render } from "../render.js";

export interface Common {
  readonly part: string;
  readonly verilog: readonly string[];
  readonly memories: readonly string[];
}
export const commonTcl = (context: Common): string => render("vivado/common.tcl", context);

export interface BoardFiles {
  readonly boardPart: string;
  /** Where to get them; in double quotes of Tcl. */
  readonly from: string;
  /** Without them the project would build something wrong: stop instead of going on. */
  readonly required: boolean;
}
export const boardTcl = (context: BoardFiles): string => render("vivado/board.tcl", context);

export interface Project {
  readonly title: string;
  readonly version: string;
  readonly name: string;
  readonly top: string;
  readonly memories: readonly string[];
  readonly constraints: readonly string[];
}
export const projectTcl = (context: Project): string => render("vivado/project.tcl", context);

export interface Batch extends Project {
  readonly outOfContext: boolean;
}
export const batchTcl = (context: Batch): string => render("vivado/batch.tcl", context);

export interface PackagedRegister {
  readonly name: string;
  readonly offset: string;
  readonly size: number;
  readonly access: "read-write" | "read-only" | "write-only";
  readonly doc: string;
  /** AXI master of a pointer; empty for others. */
  readonly port: string;
}
export interface Package {
  readonly title: string;
  readonly version: string;
  readonly name: string;
  readonly top: string;
  readonly library: string;
  readonly taxonomy: string;
  readonly kernel: boolean;
  readonly clock: string;
  readonly control: string;
  readonly masters: readonly { readonly name: string }[];
  readonly range: number;
  readonly registers: readonly PackagedRegister[];
}
export const packageTcl = (context: Package): string => render("vivado/package.tcl", context);

/** A memory port of the processing system, and the core's masters behind it. */
export interface MemoryPort {
  readonly index: number;
  /** Of the UltraScale+ configuration: S_AXI_GP2 is HP0. */
  readonly gp: number;
  readonly pin: string;
  readonly clockPin: string;
  readonly masters: readonly { readonly name: string; readonly slot: string }[];
  readonly count: number;
}
export interface Zynq {
  readonly title: string;
  readonly version: string;
  readonly name: string;
  readonly top: string;
  readonly library: string;
  readonly ultrascale: boolean;
  readonly clockMHz: number;
  readonly clock: string;
  readonly reset: string;
  readonly control: string;
  readonly clockPin: string;
  readonly resetPin: string;
  readonly interruptPin: string;
  readonly controlPin: string;
  readonly controlClockPin: string;
  readonly controlBase: string;
  readonly range: string;
  readonly ports: readonly MemoryPort[];
}
export const zynqTcl = (context: Zynq): string => render("vivado/zynq.tcl", context);

export const blocksTcl = (): string => render("vivado/blocks.tcl", {});

/** An HBM port of a card and the masters behind it. */
export interface HbmPort {
  /** Two digits, as the IP counts. */
  readonly index: string;
  readonly masters: readonly { readonly pin: string; readonly slot: string }[];
  readonly count: number;
  /** The host's DMA is among them, by a clock of its own. */
  readonly host: boolean;
  readonly clocks: number;
}
export interface Card {
  readonly title: string;
  readonly top: string;
  readonly library: string;
  readonly clockMHz: number;
  readonly clock: string;
  readonly reset: string;
  readonly control: string;
  /** Interface of the board file. */
  readonly oscillator: string;
  readonly oscillatorHz: number;
  readonly density: string;
  readonly range: string;
  readonly rangeKB: number;
  readonly ports: readonly HbmPort[];
  /** Two digits each. */
  readonly unused: readonly string[];
  readonly banks: number;
  readonly bankBytes: number;
  /** Module between the clocks of core and PCIe. */
  readonly synchroniser: string;
}
export const cardDesignTcl = (context: Card): string => render("vivado/card.design.tcl", context);

export interface CardBuild {
  readonly title: string;
  readonly version: string;
  readonly name: string;
  readonly constraints: readonly string[];
  readonly synchroniserFile: string;
}
export const cardProjectTcl = (context: CardBuild): string => render("vivado/card.project.tcl", context);
export const cardNonprojectTcl = (context: CardBuild): string =>
  render("vivado/card.nonproject.tcl", context);

/** A master of the core and its port on AVED's network on chip. */
export interface NocMaster {
  readonly index: number;
  readonly name: string;
  readonly port: string;
  /** As the network's property CONNECTIONS wants them. */
  readonly connections: string;
}
export interface Aved {
  readonly title: string;
  readonly version: string;
  readonly name: string;
  readonly top: string;
  readonly library: string;
  readonly release: string;
  readonly repository: string;
  readonly clockMHz: number;
  readonly clock: string;
  readonly reset: string;
  readonly control: string;
  readonly controlBase: string;
  readonly controlBytes: string;
  readonly range: string;
  readonly masterCount: number;
  readonly masters: readonly NocMaster[];
  readonly segments: readonly {
    readonly master: string;
    readonly port: string;
    readonly segment: string;
    readonly offset: string;
    readonly bytes: string;
  }[];
}
export const avedProjectTcl = (context: Aved): string => render("vivado/aved.project.tcl", context);

export interface CardConstraints extends Pins {
  readonly configRate: string;
  readonly powerW: number;
}
export const cardXdc = (context: CardConstraints): string => render("vivado/card.xdc", context);

export interface Crossings {
  readonly title: string;
  readonly crossings: readonly {
    /** Path of the instance, as far as it matters. */
    readonly cell: string;
    /** Registers on both sides. */
    readonly from: string;
    readonly to: string;
    /** ns */
    readonly delay: string;
  }[];
}
export const crossingsXdc = (context: Crossings): string => render("vivado/crossings.xdc", context);
export const levelSync = (context: { readonly name: string }): string =>
  render("vivado/level_sync.v", context);

export interface Timing {
  readonly title: string;
  readonly clock: string;
  readonly port: string;
  /** ns */
  readonly period: string;
}
export const timingXdc = (context: Timing): string => render("vivado/timing.xdc", context);

export interface Pins {
  readonly title: string;
  readonly pins: readonly { readonly port: string; readonly pin: string; readonly standard: string }[];
}
export const pinsXdc = (context: Pins): string => render("vivado/pins.xdc", context);

export interface Floorplan {
  readonly title: string;
  /** In words. */
  readonly what: string;
  readonly name: string;
  /** Instance whose cells it takes. */
  readonly cell: string;
}
export const floorplanXdc = (context: Floorplan): string => render("vivado/floorplan.xdc", context);
