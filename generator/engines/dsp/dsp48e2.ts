/** DSP48E2 of UltraScale+ (UG579): instantiated, since Yosys infers only its bare multiplier there. */
import { DSP48E2, type Dsp48Options } from "./dsp48.js";
import { dsp48Of, dsp48Slice } from "./dsp48slice.js";

export const dsp48e2Of = (options: Dsp48Options) => dsp48Of(DSP48E2, options);
export const dsp48e2 = dsp48Slice(DSP48E2);
