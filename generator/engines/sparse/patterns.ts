/** N:M patterns of a chain: how its multipliers are shared out among rows, and which cannot be. */
import { fail } from "../../hdl/index.js";

/** N of every M columns are kept; 1:1 is dense. */
export interface Pattern {
  readonly n: number;
  readonly m: number;
}
export const DENSE: Pattern = { n: 1, m: 1 };
export const patternName = (p: Pattern): string => (p.m === 1 ? "dense" : `${p.n}:${p.m}`);

/** Multipliers of a DSP group (DG): FlightLLM's cascades are fixed inside a pair and configurable between pairs. */
export const GROUP_OF_MULTIPLIERS = 2;

/** Multipliers of a row: its kept columns. */
export const segment = (columns: number, p: Pattern): number => (columns * p.n) / p.m;

const isPower = (x: number): boolean => Number.isInteger(x) && x >= 1 && Math.log2(x) % 1 === 0;

/** Throws when a chain of so many columns cannot do the patterns, and says what would work. */
export const checkPatterns = (columns: number, patterns: readonly Pattern[]): void => {
  if (patterns.length === 0) fail("a chain has no pattern; give it dense (1:1) or an N:M such as 2:4");
  if (new Set(patterns.map(patternName)).size !== patterns.length)
    fail(`a pattern stands twice in ${patterns.map(patternName).join(", ")}`);
  for (const p of patterns) {
    const { n, m } = p;
    if (!(isPower(m) && m <= 16)) {
      const near = isPower(2 ** Math.round(Math.log2(m))) ? Math.min(16, 2 ** Math.round(Math.log2(m))) : 4;
      fail(`M of ${n}:${m} is 1 (dense), 2, 4, 8 or 16; ${n}:${near} would work`);
    }
    if (!(Number.isInteger(n) && n >= 1 && m % n === 0 && (n < m || m === 1))) {
      const divisors = [1, 2, 4, 8].filter((d) => d < m);
      fail(
        m === 1
          ? `dense is 1:1; this one is ${n}:${m}`
          : `N of ${n}:${m} divides M: N of ${divisors.join(", ")} would work`,
      );
    }
    if (!(Number.isInteger(columns) && columns % m === 0))
      fail(
        `${columns} columns are no multiple of M in ${n}:${m}; ${Math.max(1, Math.round(columns / m)) * m} would work`,
      );
    if (segment(columns, p) % GROUP_OF_MULTIPLIERS !== 0)
      fail(
        `${n}:${m} keeps ${segment(columns, p)} of ${columns} columns, DSP groups have ${GROUP_OF_MULTIPLIERS}; ` +
          `${m * Math.ceil(columns / m + ((columns / m) % 2))} columns would work`,
      );
  }
};

/** The block of M columns that multiplier i chooses from. */
export const blockOf = (columns: number, p: Pattern, i: number): number =>
  Math.floor((i % segment(columns, p)) / p.n);
