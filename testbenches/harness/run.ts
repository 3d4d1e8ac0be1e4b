/**
 * One run description executes on every engine: a top, the tables it is loaded with, the inputs held during the run,
 * and the trace points to report. What is expected is the comparer's business, not the engine's.
 */
import type { Design, Module } from "../../generator/hdl/ir.js";
import type { SecondClock } from "../../rtl-templates/testbench/testbench.js";
import { TRACE_POINTS, type TracePoint } from "../../generator/isa/trace.js";

/** Words written one a cycle through a port group before the start. */
export interface Load {
  readonly enable: string;
  readonly address: string;
  readonly data: string;
  readonly words: readonly bigint[];
}

export interface RunDescription {
  readonly design: Design;
  /** What Icarus and Verilator read, where it is not the design's own Verilog. */
  readonly verilog?: ReadonlyMap<string, string>;
  /** Clocks beside `clk`, in Icarus and Verilator. */
  readonly clocks?: readonly SecondClock[];
  readonly loads: readonly Load[];
  readonly held: Readonly<Record<string, bigint>>;
  readonly start: string;
  readonly done: string;
  readonly points: readonly TracePoint[];
  /** Outputs read when the run ends (counters, flags). */
  readonly finals: readonly string[];
  /** A run that takes longer is stopped and reported as a hang. */
  readonly maxCycles: number;
  /** Seed of initial register values (embedded engine). */
  readonly seed: number;
}

/** One valid trace point in one cycle; fields in the order of TRACE_POINTS, sign applied. */
export interface TraceRecord {
  readonly point: TracePoint;
  readonly cycle: number;
  readonly fields: readonly number[];
}

export interface Sink {
  record(record: TraceRecord): void;
  /** Called every few thousand cycles. */
  progress(cycle: number): void;
  /** True when the run may stop early (enough mismatches, interrupt). */
  stopped(): boolean;
}

export interface RunEnd {
  readonly outcome: "done" | "limit" | "stopped";
  /** Cycles from start to the end. */
  readonly cycles: number;
  readonly finals: ReadonlyMap<string, bigint>;
  /** Seconds that building the model took, and simulating it. */
  readonly buildSeconds: number;
  readonly runSeconds: number;
}

export const ENGINES = ["embedded", "verilator", "icarus"] as const;
export type EngineName = (typeof ENGINES)[number];
export type RunEngine = (run: RunDescription, sink: Sink) => Promise<RunEnd>;

export const topOf = (design: Design): Module => {
  const top = design.modules.get(design.top);
  if (top === undefined) throw new Error(`design has no module '${design.top}'`);
  return top;
};
export const inputWidth = (design: Design, name: string): number => {
  const port = topOf(design).inputs.find((p) => p.name === name);
  if (port === undefined) throw new Error(`${design.top} has no input '${name}'`);
  return port.width;
};
export const outputWidth = (design: Design, name: string): number => {
  const port = topOf(design).outputs.find((p) => p.name === name);
  if (port === undefined) throw new Error(`${design.top} has no output '${name}'`);
  return port.width;
};
export const validPort = (point: TracePoint): string => `trace_${point}_valid`;
export const fieldPorts = (point: TracePoint): string[] =>
  TRACE_POINTS[point].map((f) => `trace_${point}_${f.name}`);

/** A raw field to the number it means. */
export const signedField = (point: TracePoint, index: number, raw: number): number => {
  const field = TRACE_POINTS[point][index];
  if (field === undefined || !field.signed) return raw;
  return raw >= 2 ** (field.width - 1) ? raw - 2 ** field.width : raw;
};
