/**
 * Centroid search of LUT-LLM (arXiv 2511.06174, "bandwidth-aware parallel centroid search"): the nearest of 64 loaded centroids for
 * a pair of activations. `parallel` centroids are compared at once in a tree, 64/parallel cycles a pair: decoding has few
 * pairs and long tables to wait for, so few comparators do.
 *
 * |a - c|² = |a|² - 2·a·c + |c|², and |a|² is the same for all: |c|² - 2·a·c decides, in integers. |c|² is loaded with c.
 */
import {
  assertAlways,
  bool,
  cat,
  defineModule,
  lit,
  mux,
  reg,
  type Sig,
  sint,
  source,
  stream,
  tree,
  uint,
  vec,
  when,
} from "../../hdl/index.js";
import { range } from "../digits.js";
import { smallMemory } from "../smallMemory.js";
import { ACTIVATION_CENTROIDS, ACTIVATION_INDEX_BITS, checkPower } from "./size.js";

const pair = vec(sint(8), 2);
const SQUARE_BITS = 15; // 2·127² < 2^15
const SCORE_BITS: number = 18; // 2·127² + 4·127² < 2^17

interface Best {
  readonly score: Sig<"s", number>;
  readonly lane: Sig<"u", number>;
}
/** The left of two that are equal: it has the lower index. */
const nearer = (left: Best, right: Best): Best => {
  const closer = right.score.lt(left.score);
  return { score: mux(closer, right.score, left.score), lane: mux(closer, right.lane, left.lane) };
};

/** Cycles that one pair keeps the search busy. */
export const searchCycles = (parallel: number): number => ACTIVATION_CENTROIDS / parallel;

export const centroidSearch = (parallel: number) => {
  checkPower("the number of centroids compared at once", parallel, 2, ACTIVATION_CENTROIDS);
  const steps = searchCycles(parallel);
  const laneBits = Math.log2(parallel);
  const stepBits = Math.max(1, ACTIVATION_INDEX_BITS - laneBits);
  return defineModule(
    `centroid_search_${parallel}`,
    {
      in: {
        load: stream({ index: uint(ACTIVATION_INDEX_BITS), centroid: pair, square: uint(SQUARE_BITS) }),
        x: stream(pair),
      },
      out: { nearest: stream(uint(ACTIVATION_INDEX_BITS)) },
      doc: `Nearest of ${ACTIVATION_CENTROIDS} centroids, ${parallel} a cycle. Load all before the first pair, none between.`,
    },
    ({ load, x }) => {
      const loaded = load.consume(lit(bool, 1)).as("loaded");
      const { index, centroid, square } = load.payload;
      const [c0, c1] = [centroid[0]!, centroid[1]!];
      const isSquare = c0.mul(c0).add(c1.mul(c1)).eq(square.toSigned());
      assertAlways("square_of_centroid", loaded.not().or(isSquare), "`square` is |centroid|²");
      const entry = { centroid: pair, square: uint(SQUARE_BITS) };
      const [loadLane, loadStep] = [
        index.slice(laneBits - 1, 0),
        steps === 1 ? lit(uint(1), 0) : index.slice(ACTIVATION_INDEX_BITS - 1, laneBits),
      ];
      const centroids = range(parallel).map((lane) => {
        const words = smallMemory(`centroids_${lane}`, entry, steps);
        words.write(loaded.and(loadLane.eq(lane)), loadStep, { centroid, square });
        return words;
      });

      // every pair `steps` times
      const step = reg("step", uint(stepBits), { reset: 0 });
      const lastStep = step.eq(steps - 1).as("last_step");
      const trial = source({ a: pair, step: uint(stepBits) }, { a: x.payload, step }, x.valid);
      x.consume(trial.ready.and(lastStep));
      when(trial.fire, () => step.set(mux(lastStep, 0, step.addMod(1))));

      const bestShape = { score: sint(SCORE_BITS), lane: uint(laneBits), step: uint(stepBits) };
      const best = trial.pipe(bestShape, ({ a, step: at }, cut) => {
        const candidates = centroids.map((words, lane): Best => {
          const c = words.read(at);
          const products = c.centroid.map((v, i) => cut(v.mul(a[i]!).as(`product_${lane}_${i}`)));
          const score = c.square.toSigned().sub(products[0]!.add(products[1]!).shl(1)).wrap(SCORE_BITS);
          return { score: cut(score.as(`score_${lane}`)), lane: lit(uint(laneBits), lane) };
        });
        let level = candidates;
        while (level.length > 1) {
          // two levels of comparators a stage
          const fours = range(Math.ceil(level.length / 4)).map((i) => level.slice(4 * i, 4 * i + 4));
          level = fours.map((four) => cut(tree(four, nearer)));
        }
        return { ...level[0]!, step: at };
      });

      // the best of the steps so far; an earlier one has the lower index
      const { score, lane, step: at } = best.payload;
      const least = reg("least", sint(SCORE_BITS));
      const winner = reg("winner", uint(ACTIVATION_INDEX_BITS));
      const closer = at.eq(0).or(score.lt(least)).as("closer");
      const here = steps === 1 ? lane : cat(at, lane);
      const final = at.eq(steps - 1).as("final");
      const nearest = source(
        uint(ACTIVATION_INDEX_BITS),
        mux(closer, here, winner).as("nearest_index"),
        best.valid.and(final),
      );
      const compared = best.consume(final.not().or(nearest.ready)).as("compared");
      when(compared.and(closer), () => {
        least.set(score);
        winner.set(here);
      });
      return { nearest };
    },
  );
};
