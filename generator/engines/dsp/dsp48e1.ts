/** DSP48E1 of 7-series (UG479): instantiated as on UltraScale+, so that both families are one text and one proof. */
import { DSP48E1, type Dsp48Options } from "./dsp48.js";
import { dsp48Of, dsp48Slice } from "./dsp48slice.js";

export const dsp48e1Of = (options: Dsp48Options) => dsp48Of(DSP48E1, options);
export const dsp48e1 = dsp48Slice(DSP48E1);
