/** What an exported project is made from: one accelerator, one model, one board. Every part of the exporter takes this. */
import type { Compiled } from "../../generator/compile/compile.js";
import type { Fit } from "../../generator/estimate/fit.js";
import type * as ir from "../../generator/hdl/ir.js";
import type { AcceleratorConfig } from "../../generator/isa/config.js";
import type { Masters, RegisterMap } from "../../generator/isa/registers.js";
import type { Board } from "../boards/index.js";

export interface ExportInput {
  readonly board: Board;
  /** Of files, modules and kernels: a Verilog identifier. */
  readonly name: string;
  /** As people know it. */
  readonly model: string;
  readonly config: AcceleratorConfig;
  readonly compiled: Compiled;
  readonly positions: number;
  readonly clockMHz: number;
  readonly fit: Fit;
  /** The user overrode a fit check that said no. */
  readonly forced: boolean;
  /** Tokenizer and chat template as files that host programs read: name -> text. */
  readonly tokenizer: ReadonlyMap<string, string>;
}

/** The same with the top level behind AXI. */
export interface AxiExport extends ExportInput {
  readonly masters: Masters;
  readonly registers: RegisterMap;
  /** Ports ap_clk, ap_rst_n, interrupt, s_axi_control_*, m_axi_*. */
  readonly design: ir.Design;
}

/** Version of Vivado and Vitis that the scripts were written for; others get a warning. */
export const VIVADO = "2024.2";

/** Files by path in the project. */
export type ProjectFiles = ReadonlyMap<string, string | Uint8Array>;
