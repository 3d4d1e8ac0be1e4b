/** What lint runs projects against: a stand-in for Vivado, benches around exported Verilog. */
import { render } from "../render.js";

/** What Vivado does in one run of the scripts. Lists are lists of Tcl: names without spaces or in braces. */
export interface TclScenario {
  readonly name: string;
  /** The one script that it is about; none: all of them. */
  readonly only: string;
  /** Every command is recorded; otherwise how scripts end and what they print. */
  readonly full: 0 | 1;
  readonly version: string;
  /** PROGRESS of the runs. */
  readonly synthesis: string;
  readonly implementation: string;
  /** Worst slacks, ns; and whether there is a constrained path at all. */
  readonly setup: number;
  readonly hold: number;
  readonly paths: 0 | 1;
  readonly boardFiles: 0 | 1;
  /** Names of files that the command which should write them does not. */
  readonly absent: string;
  /** Files of the project that are not there. */
  readonly hidden: string;
  /** Commands that fail. */
  readonly failing: string;
  /** Files that an earlier script has written. */
  readonly present: string;
}
export interface Stub {
  /** What a vendor's base design, which is not here, is made for. */
  readonly part: string;
  readonly plays: readonly { readonly mode: "tcl" | "xdc"; readonly file: string }[];
  readonly scenarios: readonly TclScenario[];
}
/** Runs in the project's folder. */
export const stubTcl = (context: Stub): string =>
  render("lint/stub.tcl", { ...context, commands: render("lint/commands.tcl", {}) });

export interface KernelBench {
  readonly top: string;
  /** Name of the AXI4-Lite port, and its address bits. */
  readonly control: string;
  readonly addressBits: number;
  readonly masters: readonly {
    readonly name: string;
    readonly addressBits: number;
    readonly dataBits: number;
  }[];
  /** What the host does, one after the other. */
  readonly operations: readonly (
    | { readonly kind: "write"; readonly offset: number; readonly value: number }
    | { readonly kind: "read"; readonly offset: number }
    /** Until the interrupt, for so many cycles at most. */
    | { readonly kind: "watch"; readonly cycles: number }
  )[];
  /** Behind the masters: `memory.hex` has it, a word a line. null: everything reads as 0. */
  readonly memory: BenchMemory | null;
}
export interface BenchMemory {
  /** Where channel 0 begins; each further one lies 4 GB behind. */
  readonly base: bigint;
  readonly channels: number;
  /** Of each channel. */
  readonly words: number;
  readonly dataBits: number;
}
type BenchOperation = KernelBench["operations"][number];
const operationText = (o: BenchOperation, addressBits: number): string => {
  switch (o.kind) {
    case "read":
      return `read(${addressBits}'h${o.offset.toString(16)});`;
    case "write":
      return `write(${addressBits}'h${o.offset.toString(16)}, 32'h${(o.value >>> 0).toString(16)});`;
    case "watch":
      return `watch(${o.cycles});`;
  }
};
/** Verilog around an exported top level: module `bench`. */
export const kernelBench = (context: KernelBench): string =>
  render("lint/kernel_bench.v", {
    ...context,
    masters: context.masters.map((m, index) => ({ ...m, index })),
    operations: context.operations.map((o) => operationText(o, context.addressBits)),
    ...(context.memory === null
      ? { words: 0 }
      : { ...context.memory, base: context.memory.base.toString(16) }),
  });

/** Verilog of the vendor's cells that exported top levels use: ports only. */
export const cells = (): string => render("lint/cells.v", {});
