/** The eDSL: see README.md. */
export { type BlackBoxOptions, blackbox } from "./core/blackbox.js";
export { Fixed, fixed, type Range, type Rounding } from "./core/fixed.js";
export { type CrossingOptions, crossing } from "./core/crossing.js";
export { elaborate } from "./core/elaborate.js";
export {
  defineModule,
  type Given,
  type InstanceOptions,
  type Interface,
  ModuleDef,
} from "./core/module.js";
export { pipeline } from "./core/pipeline.js";
export type { Cut, Stages } from "./core/staged.js";
export * from "./core/signal.js";
export * from "./core/state.js";
export { source, Stream } from "./core/stream.js";
export { emitChecks } from "./emit/checks.js";
export { type EmitOptions, emitVerilog, nameMap } from "./emit/verilog.js";
export * from "./errors.js";
export type { BlackBox, BlackBoxModel, Design, Loc, Module } from "./ir.js";
export * from "./types.js";
