/**
 * Top-K sparsifier (Q-Sparse, arXiv 2407.10969, section 2.1; BitNet a4.8, arXiv 2411.04965, section 2.2): of the n activations of a
 * vector the K of largest magnitude stay, ties in favour of the lower index; groups of 32 that became zero are left out.
 *
 * The threshold is the largest t with at least K magnitudes >= t. It is found bit by bit, in seven passes of 32 comparators
 * over the stored vector; 127 counters would save six passes, but take 32 increments a cycle. The last count below K
 * belongs to t + 1, so K minus that count is how many of the magnitudes that equal t stay.
 */
import {
  allOf,
  anyOf,
  assertAlways,
  bool,
  defineModule,
  enumReg,
  fail,
  lit,
  Mem,
  mux,
  reg,
  sint,
  source,
  stream,
  uint,
  vec,
  when,
} from "../../hdl/index.js";
import { GROUP } from "../port.js";
import { magnitude, runningCount } from "./magnitudes.js";

export interface TopKSize {
  /** n: activations of a vector, a multiple of 32, at least 64. */
  readonly length: number;
  /** K: how many stay. */
  readonly keep: number;
}

const MAGNITUDE_BITS = 7;
const COUNT_BITS = Math.ceil(Math.log2(GROUP + 1));
const acts = vec(sint(8), GROUP);
const groupsOf = (length: number): number => length / GROUP;
const groupBits = (length: number): number => Math.ceil(Math.log2(groupsOf(length)));

/** Stages of a pass: memory, comparators, counts. A pass ends when its last group is through. */
const PASS_STAGES = 3;
/** Cycles from a vector's first beat in to its last group out, without stalls: one load, seven searches, one to give. */
export const topKCycles = ({ length }: TopKSize): number =>
  (2 + MAGNITUDE_BITS) * groupsOf(length) + (1 + MAGNITUDE_BITS) * PASS_STAGES + 1;

/** A group that has activations left, and its place in the vector; the vector's last group always comes, as its end. */
export const sparseGroup = (length: number) => ({ act: acts, group: uint(groupBits(length)), last: bool });

const check = ({ length, keep }: TopKSize): void => {
  if (!Number.isInteger(length) || length < 2 * GROUP || length % GROUP !== 0)
    fail(
      `top-K takes vectors of a multiple of ${GROUP} activations, at least ${2 * GROUP}; pad ${length} with zeros`,
    );
  if (!Number.isInteger(keep) || keep < 1 || keep > length)
    fail(`top-K of ${length} activations keeps 1 to ${length} of them, not ${keep}`);
};

export const topK = (size: TopKSize) => {
  check(size);
  const { length, keep } = size;
  const bits = groupBits(length);
  const lastGroup = groupsOf(length) - 1;
  const countBits = Math.ceil(Math.log2(length + 1));
  return defineModule(
    `topk_${length}_${keep}`,
    {
      in: { x: stream({ act: acts }) },
      out: { y: stream(sparseGroup(length)) },
      doc: `The ${keep} largest of ${length} activations, in groups of ${GROUP}; vectors follow each other from reset on.`,
    },
    ({ x }) => {
      const vector = new Mem("vector", acts, lastGroup + 1, { readDuringWrite: "undefined" });
      const state = enumReg("state", ["load", "read", "decide"]);
      const group = reg("group", uint(bits), { reset: 0 });
      const threshold = reg("threshold", uint(MAGNITUDE_BITS));
      // the bit on trial; 0 when all are known and the groups are given
      const trial = reg("trial", uint(MAGNITUDE_BITS));
      const reached = reg("reached", uint(countBits)); // magnitudes >= threshold + trial, groups so far
      const ties = reg("ties", uint(countBits)); // how many that equal the threshold may still stay
      const isLast = group.eq(lastGroup).as("is_last");
      const advance = () => group.set(mux(isLast, 0, group.addMod(1)));

      // load
      const loaded = x.consume(state.is("load")).as("loaded");
      const legal = allOf(x.payload.act.map((a) => a.ne(-128)));
      assertAlways("activation_range", loaded.not().or(legal), "an activation lies in -127..127");
      vector.write(loaded, group, x.payload.act);
      when(loaded, () => {
        advance();
        when(isLast, () => {
          state.go("read");
          threshold.set(0);
          trial.set(2 ** (MAGNITUDE_BITS - 1));
          reached.set(0);
          ties.set(keep); // until a count below K is seen
        });
      });

      // one pass over the stored groups: who reaches the candidate, and how many
      const candidate = threshold.or(trial).as("candidate");
      const searching = trial.orR().as("searching");
      const request = source({ group: uint(bits), last: bool }, { group, last: isLast }, state.is("read"));
      when(request.fire, () => {
        advance();
        when(isLast, () => state.go("decide"));
      });
      const judgedShape = {
        ...sparseGroup(length),
        above: vec(bool, GROUP),
        equal: vec(bool, GROUP),
        counts: vec(uint(COUNT_BITS), GROUP), // up to and with each: of those that reach it; when given, of the ties
      };
      const judged = request.pipe(judgedShape, (p, cut, stages) => {
        const act = stages.aged(vector.read(p.group, stages.enable ?? undefined), 1);
        const magnitudes = act.map((a, i) => magnitude(a).as(`magnitude_${i}`));
        // these two change between passes only: the same at every age
        const limit = stages.aged(candidate, 1);
        const all = stages.aged(searching, 2);
        const above = magnitudes.map((m, i) => cut(m.gt(limit).as(`above_${i}`)));
        const equal = magnitudes.map((m, i) => cut(m.eq(limit).as(`equal_${i}`)));
        const counts = runningCount(equal.map((e, i) => e.or(above[i]!.and(all))));
        return {
          ...p,
          act,
          above,
          equal,
          counts: counts.map((c, i) => cut(c.resize(COUNT_BITS).as(`count_${i}`))),
        };
      });

      // the groups given: above the threshold all, of the ties the first; the last group is the vector's end
      const { act, above, equal, counts } = judged.payload;
      const tiesHere = mux(ties.ge(GROUP), GROUP, ties.resize(COUNT_BITS)).as("ties_here");
      const kept = act.map((a, i) =>
        mux(above[i]!.or(equal[i]!.and(counts[i]!.le(tiesHere))), a, 0).as(`kept_${i}`),
      );
      const give = source(
        { ...sparseGroup(length), some: bool },
        {
          act: kept,
          group: judged.payload.group,
          last: judged.payload.last,
          some: anyOf(kept.map((k) => k.orR())),
        },
        judged.valid.and(searching.not()),
      );
      const y = give.stage("given").filter((g) => g.some.or(g.last));

      // what a group and a pass decide
      const done = judged.consume(searching.or(give.ready)).as("done");
      const total = counts[GROUP - 1]!;
      const now = reached.addMod(total).as("reached_now");
      const enough = now.ge(keep).as("enough");
      when(done, () => {
        when(
          searching,
          () => reached.set(mux(judged.payload.last, 0, now)),
          () => ties.set(mux(ties.gt(total), ties.subMod(total), 0)),
        );
        when(judged.payload.last, () => {
          trial.set(trial.shr(1));
          state.go("read");
          when(searching.not(), () => state.go("load"));
          when(searching.and(enough), () => threshold.set(candidate));
          when(searching.and(enough.not()), () => ties.set(lit(uint(countBits), keep).subMod(now)));
        });
      });
      return { y: y.map(sparseGroup(length), ({ some: _, ...g }) => g) };
    },
  );
};
