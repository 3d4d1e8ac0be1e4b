/** Beats to jobs of a chain: one token alone, or two tokens of the same weights together (FlightLLM: both lanes share the weight). */
import {
  assertAlways,
  bool,
  lit,
  mux,
  type Of,
  reg,
  regOf,
  setAll,
  sint,
  source,
  type Stream,
  uint,
  vec,
  when,
} from "../../hdl/index.js";
import { BEAT_CODE_BITS } from "../../isa/codes.js";
import { type AcceleratorConfig, beatBits } from "../../isa/config.js";
import { type engineBeat, engineTag, GROUP, MANTISSA_BITS } from "../port.js";

/** Tokens that share a multiplier. */
export const lanesOf = (c: AcceleratorConfig): 1 | 2 => (c.tokens > 1 ? 2 : 1);

/** What only travels along with the sums of one token. */
export const sideShape = (c: AcceleratorConfig) => ({
  mantissa: vec(uint(MANTISSA_BITS), c.rows),
  first: bool,
  last: bool,
  tag: engineTag(c),
});
export const jobShape = (c: AcceleratorConfig) => ({
  weights: uint(beatBits(c)),
  code: uint(BEAT_CODE_BITS),
  act: vec(vec(sint(8), GROUP), lanesOf(c)),
  side: vec(sideShape(c), lanesOf(c)),
  two: bool, // else the second token means nothing
});
type Beat = Of<ReturnType<typeof engineBeat>>;
type Side = Of<ReturnType<typeof sideShape>>;

const sideOf = (p: Beat): Side => ({ mantissa: p.mantissa, first: p.first, last: p.last, tag: p.tag });

/** An even token with one behind it waits for that one; beats of a weight beat come in the order of their tokens. */
export const jobsOf = (
  c: AcceleratorConfig,
  beat: Stream<ReturnType<typeof engineBeat>>,
): Stream<ReturnType<typeof jobShape>> => {
  const shape = jobShape(c);
  const { payload: p } = beat;
  if (lanesOf(c) === 1)
    return beat.map(shape, () => ({ ...p, act: [p.act], side: [sideOf(p)], two: lit(bool, 0) }));

  const waits = reg("first_waits", bool, { reset: 0 });
  const firstAct = regOf("first_act", vec(sint(8), GROUP));
  const firstSide = regOf("first", sideShape(c));
  const isFirst = waits.or(p.tag.lastTok).not().as("is_first_of_two");
  const jobs = source(
    shape,
    {
      weights: p.weights,
      code: p.code,
      act: [mux(waits, firstAct, p.act), p.act],
      side: [mux(waits, firstSide, sideOf(p)), sideOf(p)],
      two: waits,
    },
    beat.valid.and(isFirst.not()),
  );
  const taken = beat.consume(isFirst.or(jobs.ready)).as("taken");
  when(taken, () => waits.set(isFirst));
  when(taken.and(isFirst), () => {
    setAll(firstAct, p.act);
    setAll(firstSide, sideOf(p));
  });
  assertAlways(
    "tokens_in_turn",
    beat.valid.not().or(p.tag.tok.bit(0).eq(waits)),
    "tokens of a weight beat come in turn",
  );
  return jobs.stage("job"); // the next pair comes together while this one is multiplied
};
