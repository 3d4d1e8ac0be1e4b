/** What nextpnr says in its JSON report (`--report`): reached clocks and used cells. */
import { z } from "zod";

const Report = z.object({
  fmax: z.record(z.string(), z.object({ achieved: z.number(), constraint: z.number() })),
  utilization: z.record(z.string(), z.object({ available: z.number(), used: z.number() })),
});

export interface Routed {
  /** The slowest clock. */
  readonly fmaxMHz: number;
  readonly wantedMHz: number;
  /** Kinds of cells that are used at all. */
  readonly cells: readonly { readonly kind: string; readonly used: number; readonly available: number }[];
}

/** Throws when the text is no such report: a tool that changed its format must not look like a result. */
export const readReport = (text: string): Routed => {
  const { fmax, utilization } = Report.parse(JSON.parse(text));
  const clocks = Object.values(fmax).sort((a, b) => a.achieved / a.constraint - b.achieved / b.constraint);
  if (clocks.length === 0) throw new Error("nextpnr's report names no clock");
  return {
    fmaxMHz: clocks[0]!.achieved,
    wantedMHz: clocks[0]!.constraint,
    cells: Object.entries(utilization)
      .filter(([, { used }]) => used > 0)
      .map(([kind, { used, available }]) => ({ kind, used, available })),
  };
};
