/** A board as data. A new board is one file of this type and a line in index.ts. */
import type { Device, ExternalMemory, Figure } from "../../generator/estimate/device.js";

/** A pin of the package. */
export interface Pin {
  readonly port: string;
  readonly pin: string;
  /** The vendor's word: LVCMOS33, LVDS ... */
  readonly standard: string;
}

/** What a card needs in plain Vivado beside its board file, which has the pins of PCIe and clocks. */
export interface Card {
  /** Interface of the board file: a free-running clock of `oscillatorMHz` that enters in SLR0, where HBM hangs. */
  readonly oscillator: string;
  /** As the HBM IP calls it. */
  readonly hbmDensity: string;
  /** MHz of the configuration memory. */
  readonly configRate: string;
  readonly powerW: number;
  /** Where these, and `pins`, are from. */
  readonly source: string;
  /** Where the board files are, which Vivado's store does not have. */
  readonly boardFiles: string;
}

/** How a bitstream comes about, and with it what `export` writes. */
export type Flow =
  /** Vivado block design around the processing system of a Zynq-7000. */
  | { readonly kind: "zynq7"; readonly hpBits: 64; readonly hpPorts: number }
  /** The same for a Zynq UltraScale+. */
  | { readonly kind: "zynqmp"; readonly hpBits: 128; readonly hpPorts: number }
  /** Vitis RTL kernel on a data-centre card with HBM, and the same card in plain Vivado. */
  | {
      readonly kind: "alveo";
      readonly platform: string;
      readonly hbmBanks: number;
      readonly hbmBankBytes: number;
      readonly card: Card;
    }
  /** Versal card: plain Vivado with the network on chip; no v++ platform. */
  | { readonly kind: "versal"; readonly hbmBanks: number }
  /** Vivado with the model in the fabric, or a memory controller, and a UART. */
  | { readonly kind: "fabric" }
  /** Yosys, nextpnr, packer: `gateloom build`. With a flash that the design may read, the model lies there. */
  | { readonly kind: "open"; readonly nextpnr: readonly string[]; readonly flash?: ModelFlash };

/** The configuration flash once the FPGA runs. */
export interface ModelFlash {
  /** Where the model lies, in bytes: behind every bitstream. */
  readonly offset: number;
  /** Of the flash, and of a light that says that it holds no model. */
  readonly pins: readonly Pin[];
  readonly source: string;
}

export interface Board {
  /** What `--board` takes. */
  readonly name: string;
  readonly title: string;
  readonly device: Device;
  /** Vivado's board_part, where there is one. */
  readonly boardPart: { readonly value: string; readonly source: string } | null;
  readonly flow: Flow;
  /** Where weights and cache lie; null when inside the FPGA. */
  readonly memory: ExternalMemory | null;
  /** Oscillator that reaches the fabric. */
  readonly oscillatorMHz: Figure;
  /** Core clock that exported projects ask for. */
  readonly clockMHz: Figure;
  /** Pins that constraints place: where the fabric owns clock, reset and UART; on cards those that the board file leaves open. */
  readonly pins: readonly Pin[];
  /** What a user must know that no other field says. */
  readonly notes: readonly string[];
}
