/** DSP48E1 of 7-series (UG479): instantiated as on UltraScale+, so that both families are one text and one proof. */
import { blackbox } from "../../hdl/index.js";
import {
  DSP48E1,
  type Dsp48Connections,
  type Dsp48Options,
  type Dsp48Outputs,
  dsp48Config,
  dsp48Connected,
  dsp48Inputs,
  dsp48Name,
  dsp48Outputs,
  dsp48Parameters,
} from "./dsp48.js";
import { dsp48Model } from "./dsp48.model.js";

/** The primitive with these options, once; `.inst` wants every port. */
export const dsp48e1Of = (options: Dsp48Options) => {
  const config = dsp48Config(DSP48E1, options);
  return blackbox({
    name: dsp48Name(config),
    primitive: "DSP48E1",
    in: dsp48Inputs(DSP48E1),
    out: dsp48Outputs,
    clock: "CLK",
    parameters: dsp48Parameters(config),
    model: dsp48Model(config),
  });
};

/** One slice; inputs not given are tied to 0. */
export const dsp48e1 = (name: string, options: Dsp48Options, inputs: Dsp48Connections): Dsp48Outputs =>
  dsp48e1Of(options).inst(name, dsp48Connected(inputs));
