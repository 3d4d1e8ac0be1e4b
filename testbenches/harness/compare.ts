import type { TensorName } from "../../golden/model/types.js";
import type { TracePoint } from "../../generator/isa/trace.js";
import type { TraceRecord } from "./run.js";

/** One trace record that must come, in the order of its point. */
export interface Expectation {
  readonly tensor: TensorName;
  readonly layer: number;
  readonly position: number;
  /** Element of the tensor (the first one, where a record carries several). */
  readonly index: number;
  readonly fields: readonly number[];
}

/** Expectations of each point, in order; computes them as late as it can. undefined: nothing more is expected. */
export interface ExpectationSource {
  next(point: TracePoint): Expectation | undefined;
}

export interface Mismatch {
  readonly point: TracePoint;
  readonly cycle: number;
  readonly expected: Expectation | undefined;
  readonly got: readonly number[];
}

/** Compares every record with what golden says; keeps the first mismatches and counts everything. */
export class Comparer {
  compared = 0;
  readonly comparedPer = new Map<TracePoint, number>();
  readonly mismatches: Mismatch[] = [];
  constructor(
    private readonly source: ExpectationSource,
    private readonly keep = 8,
  ) {}

  record({ point, cycle, fields }: TraceRecord): void {
    const expected = this.source.next(point);
    this.compared += fields.length;
    this.comparedPer.set(point, (this.comparedPer.get(point) ?? 0) + 1);
    const equal =
      expected !== undefined &&
      expected.fields.length === fields.length &&
      expected.fields.every((v, i) => v === fields[i]);
    if (!equal && this.mismatches.length < this.keep)
      this.mismatches.push({ point, cycle, expected, got: fields });
  }

  /** Enough is known: going on would only repeat the first fault's consequences. */
  get full(): boolean {
    return this.mismatches.length >= this.keep;
  }
}

const where = (e: Expectation): string => {
  const layer = e.layer < 0 ? "" : `layer ${e.layer} `;
  return `${layer}${e.tensor}[${e.index}] of the token at position ${e.position}`;
};

/** One line per mismatch: tensor, element, cycle, expected and got. */
export const describeMismatch = (m: Mismatch): string =>
  m.expected === undefined
    ? `cycle ${m.cycle}: trace point '${m.point}' gave ${m.got.join(", ")} where golden expects nothing more`
    : `cycle ${m.cycle}: ${where(m.expected)}: expected ${m.expected.fields.join(", ")}, got ${m.got.join(", ")} (trace point '${m.point}')`;

/** What is still expected when the run ended; null when everything came. */
export const firstMissing = (source: ExpectationSource, points: readonly TracePoint[]): string | null => {
  for (const point of points) {
    const e = source.next(point);
    if (e !== undefined) return `${where(e)} never came (trace point '${point}')`;
  }
  return null;
};
