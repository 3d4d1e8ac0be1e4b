/** QuantisedModel to program, memory image and host registers. The same model gives the same bytes. */
import type { QuantisedModel } from "../../golden/model/types.js";
import { beatBytes } from "../engines/formats/beats.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { Format } from "../isa/instruction.js";
import { assemble, type Instruction } from "./assemble.js";
import { REGISTERS } from "./builder.js";
import { fitProblems, shapeProblems } from "./check.js";
import { disassemble } from "./disassemble.js";
import { CompileError } from "./error.js";
import { packImage } from "./image.js";
import { formatsOf, type Layout, layOut, type Region, regionsOf } from "./layout.js";
import { padModel } from "./pad.js";
import { buildProgram } from "./program.js";
import { commonScales } from "./scales.js";

export interface CompileOptions {
  /** Positions that a run will use at most; the cache gets no more slots. What model and configuration allow, unless told. */
  readonly positions?: number;
  /** Refuse what does not fit a memory of this size. */
  readonly memoryBytes?: number;
}

export interface Compiled {
  /** Program memory, four words per instruction. */
  readonly program: BigUint64Array;
  readonly instructions: readonly Instruction[];
  readonly listing: string;
  /** Beats from address 0; the cache lies behind it and need only hold defined values. */
  readonly image: Uint8Array;
  readonly beatBytes: number;
  /** Beats of image and cache. */
  readonly memoryBeats: number;
  readonly regions: readonly Region[];
  readonly layout: Layout;
  /** Formats that the engine must multiply. */
  readonly formats: readonly Format[];
  /** Host registers that belong to the model; promptLength and total belong to the run. */
  readonly registers: { readonly epsilonSum: number; readonly sinks: number; readonly window: number };
  /** The most that `total` may be. */
  readonly positions: number;
  /** What the hardware computes: padded, with common scales; golden gives the same tokens on it as on the original. */
  readonly model: QuantisedModel;
}

const refuse = (problems: readonly string[]): void => {
  if (problems.length > 0) throw new CompileError(problems);
};

export const compile = (
  original: QuantisedModel,
  config: AcceleratorConfig,
  options: CompileOptions = {},
): Compiled => {
  const positions = Math.min(options.positions ?? config.context, config.context, original.shape.context);
  refuse(shapeProblems(original, config, positions));
  const model = commonScales(padModel(original));

  // A run shorter than the window never comes round the ring: any split of its slots computes the same.
  const slots = Math.min(model.sinks + model.window, positions);
  const sinks = Math.min(model.sinks, slots - 1);
  const layout = layOut(model, config, slots);
  refuse(fitProblems(model, config, layout, options.memoryBytes));

  const instructions = buildProgram(model, config, layout);
  refuse(
    instructions.length <= config.programInstructions
      ? []
      : [
          `the program has ${instructions.length} instructions, the configuration holds ${config.programInstructions}: ` +
            `set programInstructions: ${2 ** Math.ceil(Math.log2(instructions.length))}${unequalLayers(model)}`,
        ],
  );
  return {
    program: assemble(instructions),
    instructions,
    listing: disassemble(instructions, { registers: REGISTERS }),
    image: packImage(model, layout, config.rows),
    beatBytes: beatBytes(config.rows),
    memoryBeats: layout.memoryBeats,
    regions: regionsOf(layout),
    layout,
    formats: formatsOf(model, layout),
    registers: { epsilonSum: model.epsilonSum, sinks, window: slots - sinks },
    positions,
    model,
  };
};

/** Layers whose constants differ cannot share a loop. */
const unequalLayers = (model: QuantisedModel): string => {
  const first = model.layers[0]!.scale;
  const differ = Object.entries(first).filter(
    ([kind, k]) =>
      kind !== "knorm" && // is data of the layer, not of an instruction
      model.layers.some(({ scale }) => {
        const other = scale[kind as keyof typeof scale];
        return other.m !== k.m || other.e !== k.e;
      }),
  );
  return differ.length === 0
    ? ""
    : `, or quantise so that K of ${differ.map(([kind]) => kind).join(", ")} is the same in all layers`;
};
