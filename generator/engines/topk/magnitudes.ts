/** What top-K asks of the activations of a beat: their magnitudes, and counts of those that meet a condition. */
import { mux, type Sig } from "../../hdl/index.js";

type Bits = Sig<"u", number>;
type Bool = Sig<"u", 1>;

/** |a|, 7 bits: activations lie in -127..127. */
export const magnitude = (a: Sig<"s", number>): Bits =>
  mux(a.isNeg(), a.neg().wrap(8), a).asUnsigned().wrap(7);

/** For every bit how many up to and with it are 1: parallel prefix (Sklansky), log2 levels of adders. */
export const runningCount = (bits: readonly Bool[]): Bits[] => {
  let counts: Bits[] = [...bits];
  for (let half = 1; half < bits.length; half *= 2)
    counts = counts.map((c, i) => ((i & half) === 0 ? c : c.add(counts[(i & ~(half - 1)) - 1]!)));
  return counts;
};
