/**
 * Fields of a beat to what a row puts on its chain of 16 multipliers, two for every four columns, in one phase or two:
 *
 *   2:4     one phase: the two kept weights and their columns
 *   dense   two phases: multiplier k of a quad takes column 2k, then column 2k + 1, through the same multiplexer
 *
 * The multiplier takes the weight itself, -3..3, which 2:4 needs (rows keep different activations), so that dense codes need no
 * Σa either: w2 is 2u + 1, ternary u, and w4 2·(2·u1 + 1) + u0.
 */
import { allOf, assertAlways, cat, lit, mux, type Of, type Sig, uint } from "../../hdl/index.js";
import type { AcceleratorConfig } from "../../isa/config.js";
import { digit, range } from "../digits.js";
import { GROUP } from "../port.js";
import type { chainIn } from "./chain.js";
import type { jobShape } from "./pairs.js";
import type { Pattern } from "./patterns.js";

type Job = Of<ReturnType<typeof jobShape>>;
type Bool = Sig<"u", 1>;

/** Dense beats are done as two of this pattern. */
export const TWO_OF_FOUR: Pattern = { n: 2, m: 4 };
export const MULTIPLIERS = GROUP / 2;

export const rowOnChain = (
  c: AcceleratorConfig,
  job: Job,
  row: number,
  o: { readonly sparse: Bool; readonly second: Bool; readonly isU: Bool },
): Of<ReturnType<typeof chainIn>> => {
  const field = (column: number) => digit(c, job.weights, row, column);
  const value = range(MULTIPLIERS).map((i) => {
    const [quad, k] = [4 * (i >> 1), i & 1];
    const dense = mux(o.second, field(quad + 2 * k + 1), field(quad + 2 * k));
    const stored = mux(o.sparse, field(quad + k), dense).as(`field_${row}_${i}`);
    const level = stored.shl(1).toSigned().sub(3).wrap(3);
    return mux(o.isU, stored.toSigned().sub(2).wrap(3), level).as(`value_${row}_${i}`);
  });
  const index = range(MULTIPLIERS).map((i) => {
    const [quad, k] = [4 * (i >> 1), i & 1];
    return mux(o.sparse, field(quad + 2 + k), cat(lit(uint(1), k), o.second)).as(`index_${row}_${i}`);
  });
  return { pattern: lit(uint(1), 0), value, index, act: job.act };
};

/** Stops simulation where the two indices of a quad do not ascend. */
export const assertQuads = (c: AcceleratorConfig, weights: Job["weights"], sparse: Bool): void =>
  assertAlways(
    "indices_ascend",
    sparse
      .not()
      .or(
        allOf(
          range(c.rows).flatMap((row) =>
            range(GROUP / 4).map((q) =>
              digit(c, weights, row, 4 * q + 2).lt(digit(c, weights, row, 4 * q + 3)),
            ),
          ),
        ),
      ),
    "the two indices of four columns ascend",
  );
