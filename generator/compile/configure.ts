/** The smallest accelerator that a model fits: capacities from its shape, optional hardware only where it needs some. */
import type { QuantisedModel } from "../../golden/model/types.js";
import { beatBytes } from "../engines/formats/beats.js";
import { constantBeats } from "../engines/formats/constants.js";
import { type AcceleratorConfig, type Features, powerOfTwo } from "../isa/config.js";
import { featureNeeds, fitProblems, shapeProblems } from "./check.js";
import { CompileError } from "./error.js";
import { layOut, matricesOf } from "./layout.js";
import { padModel } from "./pad.js";
import { buildProgram } from "./program.js";
import { commonScales } from "./scales.js";

/** Most rows of a beat that an accelerator can have. */
const MOST_ROWS = 64;
const LEAST_CONTEXT = 32;
const LEAST_MATRIX_ROWS = 2 ** 16;
const LEAST_MATRIX_BEATS = 2 ** 20;

export const featuresOf = (model: QuantisedModel): Features =>
  Object.fromEntries(
    featureNeeds(model).map(({ feature, needed }) => [feature, needed]),
  ) as unknown as Features;

/** Capacities for a model that is padded and has common scales. */
const capacities = (
  model: QuantisedModel,
  base: AcceleratorConfig,
  rows: number,
  positions: number,
): AcceleratorConfig => {
  const { dim, hidden, heads, kvHeads, headDim } = model.shape;
  /** Entries of a constant RAM: whole beats. */
  const entries = (count: number, bytes: number): number =>
    powerOfTwo((constantBeats(count, bytes, rows) * beatBytes(rows)) / bytes);
  const features = featuresOf(model);
  const context = powerOfTwo(Math.max(positions, LEAST_CONTEXT));
  const lanes = { ...base, rows, context };
  const layout = layOut(model, lanes, Math.min(model.sinks + model.window, positions));
  const matrices = matricesOf(layout);
  const most = (of: (matrix: (typeof matrices)[number]) => number): number => Math.max(...matrices.map(of));
  return {
    ...lanes,
    actWords: powerOfTwo(layout.chip.act.words),
    vectorElements: powerOfTwo(layout.chip.vector.elements),
    residualElements: powerOfTwo(base.tokens * dim),
    gainEntries: entries(dim, 2),
    kmeanEntries: entries(kvHeads * headDim, 4),
    ropeEntries: entries(headDim / 2, 4),
    ...(features.subNorms ? { subGainEntries: entries(Math.max(heads * headDim, hidden), 2) } : {}),
    ...(features.bias ? { biasEntries: entries((heads + 2 * kvHeads) * headDim, 4) } : {}),
    headDim,
    slots: powerOfTwo(3 + heads),
    programInstructions: powerOfTwo(buildProgram(model, lanes, layout).length),
    matrixRows: Math.max(LEAST_MATRIX_ROWS, powerOfTwo(1 + most((m) => Math.max(m.rows, m.rowBlocks)))),
    matrixBeats: Math.max(LEAST_MATRIX_BEATS, powerOfTwo(1 + most((m) => m.beats))),
    features,
  };
};

/**
 * `base` with the capacities and features that a model needs for so many positions (all that it was trained for, unless told).
 * Engine, family and tokens stay; rows grow only where an instruction could not address the model otherwise. Throws a
 * CompileError for models that no accelerator computes; whether they fit in the end is the compiler's to say.
 */
export const configFor = (
  original: QuantisedModel,
  base: AcceleratorConfig,
  positions = original.shape.context,
): AcceleratorConfig => {
  const problems = shapeProblems(original, { ...base, features: featuresOf(original) }, positions);
  if (problems.length > 0) throw new CompileError(problems);
  const model = commonScales(padModel(original));
  const slots = Math.min(model.sinks + model.window, positions);
  let config = capacities(model, base, base.rows, positions);
  while (
    config.rows < MOST_ROWS &&
    fitProblems(model, config, layOut(model, config, slots), undefined).length > 0
  )
    config = capacities(model, base, 2 * config.rows, positions);
  return config;
};
