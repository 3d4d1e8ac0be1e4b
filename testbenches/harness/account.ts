/** Where the cycles of a run went, and what that means for utilisation, bandwidth and speed. */
import { tokenWork } from "../../generator/estimate/work.js";
import type { QuantisedModel } from "../../golden/model/types.js";

/** One line of the account: a name a person understands, and its cycles. */
export interface CycleLine {
  readonly name: string;
  readonly cycles: number;
}

export interface RunFacts {
  /** What the hardware computes. */
  readonly model: QuantisedModel;
  readonly lanes: number;
  /** Slots of the cache; live tokens at position p are min(p + 1, slots). */
  readonly slots: number;
  readonly promptLength: number;
  /** Positions that ran. */
  readonly positions: number;
  readonly cycles: number;
  /** Cycles by counter of the stream unit, which counts every cycle exactly once. */
  readonly counters: ReadonlyMap<string, number>;
  /** Beats read through the memory port, and their width. */
  readonly beats: number;
  readonly beatBits: number;
  readonly clockMHz: number;
}

export interface Account {
  readonly cyclesPerToken: number;
  readonly lines: readonly CycleLine[];
  /** 2-bit lane slots doing useful digits / (lanes x cycles), attention included. */
  readonly slotUtilisation: number;
  readonly macUtilisation: number;
  readonly bytesPerToken: number;
  /** Share of the memory port's beats that were used: the roofline of decode. */
  readonly bandwidthShare: number;
  readonly tokensPerSecond: number;
}

/** Counter names of the hardware, in words; the order of the table. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^busy$/, "lanes busy"],
  [/^load$/, "loading gains, K means, embedding"],
  [/^wait_(actReady|normReady)$/, "waiting: residual, norm, quantise"],
  [/^wait_(queryReady|queryAct)$/, "waiting: RoPE, query quantise"],
  [/^wait_(scoreReady|scoreFree|probReady|probFree)$/, "waiting: softmax"],
  [/^wait_(attendReady|attendAct)$/, "waiting: attention output quantise"],
  [/^wait_(hiddenReady|hiddenAct)$/, "waiting: SiLU, gate, quantise"],
  [/^wait_memory$/, "waiting: memory"],
  [/^wait_result$/, "waiting: result side"],
  [/^idle$/, "no instruction (issue, sampling)"],
];

/** Throws when the counters do not add up to the cycles: a cycle was lost or counted twice. */
export const account = (facts: RunFacts): Account => {
  const counted = [...facts.counters.values()].reduce((a, b) => a + b, 0);
  if (counted !== facts.cycles)
    throw new Error(`the counters account for ${counted} of ${facts.cycles} cycles`);
  const lines = WORDS.map(([pattern, name]) => ({
    name,
    cycles: [...facts.counters]
      .filter(([counter]) => pattern.test(counter))
      .reduce((sum, [, cycles]) => sum + cycles, 0),
  }));
  const named = lines.reduce((sum, line) => sum + line.cycles, 0);
  if (named !== counted) throw new Error(`${counted - named} cycles are in counters without a name`);
  let slots = 0;
  let macs = 0;
  for (let position = 0; position < facts.positions; position++) {
    const work = tokenWork(
      facts.model,
      Math.min(position + 1, facts.slots),
      position >= facts.promptLength - 1,
    );
    slots += work.slots;
    macs += work.macs;
  }
  const cyclesPerToken = facts.cycles / facts.positions;
  return {
    cyclesPerToken,
    lines,
    slotUtilisation: slots / (facts.lanes * facts.cycles),
    macUtilisation: macs / (facts.lanes * facts.cycles),
    bytesPerToken: (facts.beats * facts.beatBits) / 8 / facts.positions,
    bandwidthShare: facts.beats / facts.cycles,
    tokensPerSecond: (facts.clockMHz * 1e6) / cyclesPerToken,
  };
};
