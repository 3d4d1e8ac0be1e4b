import { render } from "../render.js";

/** A table written into the design before the run, one word a cycle, through a port group. */
export interface LoadPort {
  readonly enable: string;
  readonly address: string;
  readonly addressBits: number;
  readonly data: string;
  readonly dataBits: number;
  /** Words, and the hex file (one word a line) that holds them. */
  readonly count: number;
  readonly file: string;
}
export interface TracePort {
  readonly index: number;
  readonly valid: string;
  readonly fields: readonly { readonly port: string; readonly width: number }[];
}
export interface InputPort {
  readonly port: string;
  readonly width: number;
}
export interface HeldInput extends InputPort {
  readonly value: number;
}

/** A clock beside `clk`, whose half period is 5. */
export interface SecondClock {
  readonly clock: string;
  readonly reset: string;
  readonly halfPeriod: number;
}

/** Everything a testbench text needs; the same record renders the C++ and the Verilog bench. */
export interface TestbenchContext {
  readonly top: string;
  readonly clocks: readonly SecondClock[];
  readonly loads: readonly LoadPort[];
  /** Inputs held at one value during the run. */
  readonly held: readonly HeldInput[];
  readonly start: string;
  readonly done: string;
  readonly traces: readonly TracePort[];
  /** Outputs printed when the run ends. */
  readonly finals: readonly InputPort[];
  readonly maxCycles: number;
}

const msb = (width: number): number => width - 1;

/** Verilog bench for Icarus: prints `T <point> <cycle> <hex fields>` per trace record, `F <hex>` per final, `E done|limit <cycle>` last. */
export const icarusBench = (context: TestbenchContext): string =>
  render("testbench/icarus.v", {
    ...context,
    loads: context.loads.map((l, i) => ({
      ...l,
      table: `table_${i}`,
      dataMsb: msb(l.dataBits),
      addressMsb: msb(l.addressBits),
      last: l.count - 1,
    })),
    held: context.held.map((h) => ({ ...h, msb: msb(h.width) })),
    traces: context.traces.map((t) => ({ ...t, fields: t.fields.map((f) => ({ ...f, msb: msb(f.width) })) })),
    finals: context.finals.map((f) => ({ ...f, msb: msb(f.width) })),
  });

/** C++ main for Verilator: writes binary records to stdout: u8 kind ('T','F','E'), then as `readVerilatorRecords` reads them. */
export const verilatorMain = (context: TestbenchContext): string =>
  render("testbench/verilator_main.cpp", {
    ...context,
    loads: context.loads.map((l) => ({ ...l, wide: l.dataBits > 64, words: Math.ceil(l.dataBits / 32) })),
  });
