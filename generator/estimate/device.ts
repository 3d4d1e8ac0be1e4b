/** What a device has, as data: the yardstick of fit checks and rooflines. */

/** A figure and where it is from; null when nobody could say: what depends on it says so. */
export interface Figure {
  readonly value: number | null;
  readonly source: string;
}
export const figure = (value: number, source: string): Figure => ({ value, source });
export const unknown = (tried: string): Figure => ({ value: null, source: tried });

/** Families of fabric; `versal` has no target in Yosys that is worth counting with. */
export type Fabric = "xcup" | "xc7" | "versal" | "ice40" | "ecp5";

/** Block RAM of one size. */
export interface RamBlocks {
  /** The vendor's word for it. */
  readonly name: string;
  readonly count: Figure;
  readonly bitsEach: number;
}

export interface Device {
  readonly fabric: Fabric;
  /** The vendor's part number, as its tools take it. */
  readonly part: string;
  /** Look-up tables (of six inputs in Xilinx devices, of four in Lattice's). */
  readonly lut: Figure;
  readonly ff: Figure;
  readonly dsp: Figure;
  /** Block RAM that synthesis infers, and larger RAM beside it (UltraRAM, SPRAM). */
  readonly bram: RamBlocks;
  readonly largeRam: RamBlocks | null;
  /** Super logic regions; 1 for a single die. */
  readonly slrs: number;
}

/** Shares of a device that a design may use before routing suffers (FINN's figures: util/platforms.py). */
export const USABLE = { lut: 0.7, ff: 0.5, dsp: 0.8, bram: 0.8 } as const;

/** Memory outside the fabric that a board's accelerator reads. */
export interface ExternalMemory {
  readonly name: string;
  readonly bytes: Figure;
  /** Of the data sheet, bytes per second; what is sustained is less. */
  readonly bytesPerSecond: Figure;
  /** Pseudo-channels or ports that may be read side by side. */
  readonly channels: number;
}
