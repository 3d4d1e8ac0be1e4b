/**
 * Fields of a beat to what two rows put on a chain of 32 multipliers. The multiplier takes the weight itself, -3..3, which 2:4 needs
 * (rows keep different activations), so that dense codes need no Σa either: w2 2u + 1, ternary u, and w4 = 2·(2·u1 + 1) + u0.
 */
import { allOf, assertAlways, lit, mux, type Of, type Sig, uint } from "../../hdl/index.js";
import type { AcceleratorConfig } from "../../isa/config.js";
import { digit, range } from "../digits.js";
import { GROUP } from "../port.js";
import type { chainIn } from "./chain.js";
import type { jobShape } from "./pairs.js";
import { DENSE, type Pattern } from "./patterns.js";

type Job = Of<ReturnType<typeof jobShape>>;
type Bool = Sig<"u", 1>;

/** By their number on the chain. */
export const PATTERNS: readonly Pattern[] = [DENSE, { n: 2, m: 4 }];

/** The second kept column of each quad lies behind the first. */
const keptAt = (i: number) => ({ row: Math.floor(i / 16), quad: 4 * Math.floor((i % 16) / 2), which: i % 2 });

/** Rows 2j and 2j + 1: both at once in 2:4, the odd one in the second phase of a dense beat. */
export const rowPair = (
  c: AcceleratorConfig,
  job: Job,
  j: number,
  o: { readonly sparse: Bool; readonly odd: Bool; readonly plain: Bool },
): Of<ReturnType<typeof chainIn>> => {
  const none = lit(uint(2), 0);
  const field = (row: number, column: number): Sig<"u", number> =>
    2 * j + row < c.rows ? digit(c, job.weights, 2 * j + row, column) : none;
  const value = range(GROUP).map((i) => {
    const { row, quad, which } = keptAt(i);
    const dense = mux(o.odd, field(1, i), field(0, i));
    const stored = mux(o.sparse, field(row, quad + which), dense).as(`field_${j}_${i}`);
    const level = stored.shl(1).toSigned().sub(3).wrap(3);
    return mux(o.plain, stored.toSigned().sub(2).wrap(3), level).as(`value_${j}_${i}`);
  });
  const index = range(GROUP).map((i) => {
    const { row, quad, which } = keptAt(i);
    return field(row, quad + 2 + which);
  });
  return { pattern: o.sparse, value, index, act: job.act };
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
