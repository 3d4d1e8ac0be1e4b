/** A slice of either generation as a typed black box with its model. */
import { blackbox } from "../../hdl/index.js";
import {
  type Dsp48Connections,
  type Dsp48Options,
  type Dsp48Outputs,
  dsp48Config,
  dsp48Connected,
  dsp48Inputs,
  dsp48Name,
  dsp48Outputs,
  dsp48Parameters,
  type Generation,
} from "./dsp48.js";
import { dsp48Model } from "./dsp48.model.js";

/** The primitive with these options, once; `.inst` wants every port. */
export const dsp48Of = (generation: Generation, options: Dsp48Options) => {
  const config = dsp48Config(generation, options);
  return blackbox({
    name: dsp48Name(config),
    primitive: generation.primitive,
    in: dsp48Inputs(generation),
    out: dsp48Outputs,
    clock: "CLK",
    parameters: dsp48Parameters(config),
    model: dsp48Model(config),
  });
};

/** One slice; inputs not given are tied to 0. */
export const dsp48Slice =
  (generation: Generation) =>
  (name: string, options: Dsp48Options, inputs: Dsp48Connections): Dsp48Outputs =>
    dsp48Of(generation, options).inst(name, dsp48Connected(inputs));
