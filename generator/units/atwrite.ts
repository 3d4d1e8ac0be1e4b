/** Results of the epilogue at the end of its pipeline, EPILOGUE_LATENCY cycles after they were taken. */
import { mux } from "../hdl/index.js";
import { EPILOGUE_LATENCY } from "./epilogueports.js";
import { RESIDUAL_LATENCY } from "./residual.js";
import { type Bits, type Bool, type Int, past, type Past, pasts, pastValid } from "./signals.js";
import type { Taken } from "./takeresult.js";

/** What a write needs of its result and job. */
export interface Context {
  readonly kind: Bits;
  readonly row: Bits;
  readonly tok: Bits;
  readonly relative: Bits;
  readonly dst: Bits;
  readonly dstStride: Bits;
  readonly slot: Bits;
  readonly slotInit: Bool;
}
/** Outputs of the units that the results went through. */
export interface Processed {
  readonly rotated: { readonly even: Bool; readonly odd: Bool; readonly value: Int };
  readonly gated: { readonly valid: Bool; readonly value: Int };
  readonly y: Int;
}
export interface AtWrite extends Processed {
  /** A result was taken EPILOGUE_LATENCY cycles ago; the job's last one. */
  readonly valid: Bool;
  readonly ends: Bool;
  /** Its context, at any age. */
  readonly context: Past<Context>;
  /** An even rotated row is written now: one cycle before its partner, so its context is that of the cycle after. */
  readonly early: Bool;
  /** Context of what is written now. */
  readonly now: Context;
  /** The value itself, in VALUE_BITS. */
  readonly plain: Int;
}

export const atWrite = (
  { taken, jobEnds, job, result, relative, narrow }: Taken,
  units: Processed,
): AtWrite => {
  const context = pasts({
    kind: job.epilogue,
    row: result.row,
    tok: result.tok,
    relative,
    dst: job.dst,
    dstStride: job.dstStride,
    slot: job.slot,
    slotInit: job.slotInit,
  });
  const partner = context(EPILOGUE_LATENCY - 1);
  const early = units.rotated.even.as("rotated_even");
  const now = mux(early, { ...partner, row: partner.row.subMod(1) }, context(EPILOGUE_LATENCY));
  return {
    ...units,
    y: past(units.y, "y")(EPILOGUE_LATENCY - RESIDUAL_LATENCY),
    valid: pastValid(taken, "out")(EPILOGUE_LATENCY),
    ends: pastValid(jobEnds, "out_last")(EPILOGUE_LATENCY),
    context,
    early,
    now: { ...now, row: now.row.as("write_row") },
    plain: past(narrow, "plain")(EPILOGUE_LATENCY),
  };
};
