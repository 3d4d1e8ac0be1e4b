/** The codes that each kind of levels may use (contract section 4), and the nearest of them. */
import type { WeightFormat } from "../../model/types.js";
import type { Levels, MatrixSpec } from "../recipe.js";

/** Codes of one sign by magnitude: first, first + step, ... `count` of them. */
export interface Side {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** What a weight of a group may become. */
export interface CodeSet {
  readonly positive: Side;
  readonly negative: Side;
}

/** Every integer from -negative to positive. */
function integers(negative: number, positive: number): CodeSet {
  return {
    positive: { first: 0, step: 1, count: positive + 1 },
    negative: { first: 0, step: 1, count: negative + 1 },
  };
}

const FOUR_LEVELS: CodeSet = {
  positive: { first: 1, step: 2, count: 2 },
  negative: { first: 1, step: 2, count: 2 },
};

/** The sets among which each group chooses: one, but for Z2, where the zero point (0..3, as in GPTQ files) makes four. */
export function codeSets(levels: Levels): readonly CodeSet[] {
  switch (levels) {
    case "W2":
      return [FOUR_LEVELS];
    case "Z2":
      return [0, 1, 2, 3].map((zero) => integers(zero, 3 - zero));
    case "TERNARY":
      return [integers(1, 1)];
    case "W3":
      return [integers(4, 3)];
    case "W4":
      return [integers(8, 7)];
    case "W8":
      return [integers(119, 119)];
  }
}

/** What the codes are stored as. */
export function storedFormat({ levels, pruning }: Pick<MatrixSpec, "levels" | "pruning">): WeightFormat {
  switch (levels) {
    case "W2":
      return pruning === null ? "W2" : "N24";
    case "Z2":
    case "W3":
    case "W4":
      return "W4";
    case "TERNARY":
      return "TERNARY";
    case "W8":
      return "W8";
  }
}

/** The code of the set nearest to v, which is in units of the scale. */
export function nearestCode(set: CodeSet, v: number): number {
  const { first, step, count } = v < 0 ? set.negative : set.positive;
  const n = Math.floor((Math.abs(v) - first) / step + 0.5);
  const magnitude = first + step * Math.min(Math.max(n, 0), count - 1);
  return v < 0 && magnitude > 0 ? -magnitude : magnitude;
}

/** The largest magnitude of any code of these sets. */
export function largestCode(sets: readonly CodeSet[]): number {
  const largest = ({ first, step, count }: Side) => first + step * (count - 1);
  return Math.max(...sets.flatMap(({ positive, negative }) => [largest(positive), largest(negative)]));
}
