/** A model on a board: the accelerator that it needs there, whether that fits, and the nearest that does. */
import { accelerator } from "../generator/accelerator/accelerator.js";
import { onchip } from "../generator/accelerator/onchip.js";
import { compile, type Compiled } from "../generator/compile/compile.js";
import { configFor } from "../generator/compile/configure.js";
import { checkFormats } from "../generator/engines/engine.js";
import { type EstimateError, estimateError } from "../generator/estimate/error.js";
import { checkFit, type Fit, targetOf } from "../generator/estimate/fit.js";
import { elaborate } from "../generator/hdl/index.js";
import type { Design } from "../generator/hdl/ir.js";
import { type AcceleratorConfig, powerOfTwo } from "../generator/isa/config.js";
import type { QuantisedModel } from "../golden/model/types.js";
import type { Board } from "./boards/index.js";

export interface Placed {
  readonly config: AcceleratorConfig;
  readonly compiled: Compiled;
  readonly positions: number;
  /** With its memory where that lies on the chip. */
  readonly design: Design;
  readonly fit: Fit;
  /** How far such counts of cells were from Yosys' for the same family; null: nobody has counted there. */
  readonly error: EstimateError | null;
}

/** Throws CompileError when no accelerator runs the model at all, HdlError when the engine cannot. */
export const place = (
  board: Board,
  model: QuantisedModel,
  base: AcceleratorConfig,
  positions: number,
  clockMHz: number,
): Placed => {
  const config = configFor(model, base, positions);
  const compiled = compile(model, config, { positions });
  checkFormats(config, compiled.formats);
  const design = elaborate(
    board.memory === null ? onchip(config, powerOfTwo(compiled.memoryBeats)) : accelerator(config),
  );
  return {
    config,
    compiled,
    positions,
    design,
    fit: checkFit({ device: board.device, memory: board.memory, clockMHz }, config, compiled, design),
    error: estimateError(targetOf(board.device)),
  };
};

const LEAST_ROWS = 2;
const LEAST_POSITIONS = 32;

/** The first that fits: fewer lanes, then fewer positions as well; null when even the smallest does not. */
export const nearestFit = (
  board: Board,
  model: QuantisedModel,
  base: AcceleratorConfig,
  positions: number,
  clockMHz: number,
): Placed | null => {
  // Where the smallest does not fit, a model of many layers would be laid out many times in vain.
  const least = Math.min(positions, LEAST_POSITIONS);
  if (!place(board, model, { ...base, rows: Math.min(base.rows, LEAST_ROWS) }, least, clockMHz).fit.fits)
    return null;
  for (let p = positions; p >= least; p = Math.floor(p / 2))
    for (let { rows } = base; rows >= LEAST_ROWS; rows /= 2) {
      const placed = place(board, model, { ...base, rows }, p, clockMHz);
      if (placed.fit.fits) return placed;
    }
  return null;
};
