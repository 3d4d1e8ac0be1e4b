/** Interim entry by the lead (generator/hdl/lead) until the core of the hdl helper arrives and replaces it. */
export type { BlackBox, BlackBoxModel, Design, Loc, Module } from "./ir.js";
export * from "./types.js";
export * from "./errors.js";
export * from "./lead/signal.js";
export * from "./lead/state.js";
export { source, Stream } from "./lead/stream.js";
export * from "./lead/module.js";
export * from "./lead/verilog.js";
