/**
 * How far the cell estimate is from Yosys: by family and kind of cell, over the configurations that were counted. What the
 * estimate says of a user's own configuration is as good as the worst of these, no better.
 */
import { TARGETS, type Target } from "./cells.js";
import { CONFIGURATIONS } from "./configurations.js";
import { COUNTS, type Count, type Kinds } from "./counts.js";

export type Kind = keyof Kinds;
export const KINDS: readonly Kind[] = ["lut", "ff", "dsp", "bram"];

/** Shares of what Yosys counted; signs are lost. */
export interface ErrorOf {
  readonly mean: number;
  readonly worst: number;
  /** The worst of the configurations that no factor was fitted to; null where there is none. */
  readonly heldOut: number | null;
}

const off = ({ counted, estimated }: Count, kind: Kind): number =>
  Math.abs(estimated[kind] - counted[kind]) / Math.max(1, counted[kind]);

const heldOut = ({ configuration }: Count): boolean =>
  CONFIGURATIONS.some((c) => c.heldOut && c.name === configuration);

const errorOf = (counts: readonly Count[], kind: Kind): ErrorOf => {
  const all = counts.map((c) => off(c, kind));
  const held = counts.filter(heldOut).map((c) => off(c, kind));
  return {
    mean: all.reduce((a, b) => a + b, 0) / all.length,
    worst: Math.max(...all),
    heldOut: held.length === 0 ? null : Math.max(...held),
  };
};

/** Configurations of a family that were counted. */
export const countsOf = (target: Target, counts: readonly Count[] = COUNTS): readonly Count[] =>
  counts.filter((c) => c.target === target);

export const errorsOf = (
  target: Target,
  counts: readonly Count[] = COUNTS,
): Readonly<Record<Kind, ErrorOf>> => {
  const of = (kind: Kind): ErrorOf => errorOf(countsOf(target, counts), kind);
  return { lut: of("lut"), ff: of("ff"), dsp: of("dsp"), bram: of("bram") };
};

/** What an estimate says of itself. */
export interface EstimateError {
  readonly family: Target;
  /** Configurations that were counted. */
  readonly configurations: number;
  readonly of: Readonly<Record<Kind, ErrorOf>>;
}
/** Null for a family that nobody has counted. */
export const estimateError = (family: Target): EstimateError | null => {
  const configurations = countsOf(family).length;
  return configurations === 0 ? null : { family, configurations, of: errorsOf(family) };
};

/** Least tolerance, and that of a family without a configuration held out: what its factors were fitted to proves little. */
const [LEAST, UNPROVEN] = [0.05, 0.3];

/**
 * How far an estimate and a synthesis of one configuration may be apart before one of them is wrong: half as much again as
 * the worst that was seen. A share of what synthesis counts; small counts (tens) may be off by a few more.
 */
export const tolerance = (target: Target, kind: Kind): number => {
  const error = estimateError(target);
  return error === null || error.of[kind].heldOut === null
    ? UNPROVEN
    : Math.max(LEAST, 1.5 * error.of[kind].worst);
};

const percent = (share: number): string => `${share >= 0 ? "+" : ""}${(100 * share).toFixed(0)} %`;

/** The table as Markdown: a line for each configuration and family, and what they come to. */
export const errorTable = (counts: readonly Count[]): string => {
  const cell = (c: Count, kind: Kind): string =>
    `${c.estimated[kind]} / ${c.counted[kind]} (${percent(c.estimated[kind] / Math.max(1, c.counted[kind]) - 1)})`;
  const lines = counts.map(
    (c) =>
      `| ${c.target} | ${c.configuration}${heldOut(c) ? " (held out)" : ""} | ${KINDS.map((k) => cell(c, k)).join(" | ")} |`,
  );
  const sums = TARGETS.filter((t) => countsOf(t, counts).length > 0).map((t) => {
    const errors = errorsOf(t, counts);
    const text = ({ mean, worst }: ErrorOf): string =>
      `mean ${(100 * mean).toFixed(1)} %, worst ${(100 * worst).toFixed(1)} %`;
    return `| ${t} | all | ${KINDS.map((k) => text(errors[k])).join(" | ")} |`;
  });
  return [
    "| family | configuration | LUT estimated / Yosys | FF | DSP | BRAM |",
    "|---|---|---|---|---|---|",
    ...lines,
    ...sums,
  ].join("\n");
};
