import assert from "node:assert/strict";
import { topK as golden, topKMask } from "../../../golden/model/topk.js";
import { Bench, between, type Random, randomFrom } from "../../library/testing.js";
import { checkInTools } from "../units.tools.testing.js";
import { topK, topKCycles, type TopKSize } from "./topk.js";

const GROUP = 32;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Ties everywhere, nothing at all, extremes, few that are large, and any. */
const vectorsOf = ({ length, keep }: TopKSize, random: Random): number[][] => {
  const every = (v: (i: number) => number) => range(length).map(v);
  return [
    every(() => 0),
    every(() => 127),
    every(() => -127),
    every((i) => (i & 1 ? -1 : 1)),
    every((i) => (i < keep ? 0 : -5)), // only the late ones are large
    every((i) => (i < keep - 1 || i === length - 1 ? 3 : 2)), // exactly K above, the last of them at the end
    every((i) => (i === length - 1 ? -127 : 126)),
    every((i) => (i % GROUP === 0 ? 127 : 0)),
    every((i) => (i < GROUP ? 100 : 0)), // all but one group are zero
    every((i) => (i >= length - GROUP ? -100 : 0)),
    every((i) => (i % 128) * (i & 1 ? -1 : 1)),
    every(() => between(random, -127, 127)),
    every(() => between(random, -3, 3)),
    every(() => (random() < 0.9 ? 0 : between(random, -127, 127))),
  ];
};

const itemsOf = (vectors: readonly (readonly number[])[]) =>
  vectors.flatMap((v) =>
    range(v.length / GROUP).map((g) =>
      Object.fromEntries(range(GROUP).map((i) => [`act_${i}`, v[g * GROUP + i]!])),
    ),
  );

/** Runs vectors through the unit and compares every group that comes, and which come. */
const run = (size: TopKSize, seed: number, offer: number, take: number): void => {
  const bench = new Bench(topK(size), seed);
  const vectors = vectorsOf(size, bench.random);
  bench.send("x", itemsOf(vectors), offer);
  const out = bench.collect("y", ["group", "last", ...range(GROUP).map((i) => `act_${i}`)], take);
  const groups = size.length / GROUP;
  const expected = vectors.flatMap((v) => {
    const sparse = golden(v, size.keep);
    return range(groups)
      .map((g) => [g, g === groups - 1 ? 1 : 0, ...sparse.slice(g * GROUP, (g + 1) * GROUP)])
      .filter(([, last, ...act]) => last === 1 || act.some((a) => a !== 0));
  });
  bench.run(() => out.items.length === expected.length);
  for (const [i, e] of expected.entries())
    assert.deepEqual(out.items[i]!.map(Number), e, `group ${i} of top ${size.keep} of ${size.length}`);
};

describe("top-K sparsifier (Q-Sparse, BitNet a4.8)", () => {
  for (const [length, keep] of [
    [64, 1],
    [64, 17],
    [64, 63],
    [96, 32],
    [128, 70],
    [512, 200],
  ] as const)
    it(`gives golden's groups: top ${keep} of ${length}, ties, corners, random stalls`, () => {
      run({ length, keep }, 1, 1, 1);
      run({ length, keep }, 2, 0.6, 0.4);
      run({ length, keep }, 3, 1, 0.2);
    });

  it("is the identity for K = n, and keeps exactly K in the model", () => {
    const random = randomFrom(4);
    for (const v of vectorsOf({ length: 64, keep: 20 }, random)) {
      assert.deepEqual(golden(v, 64), v);
      for (const k of [1, 20, 63]) assert.equal(topKMask(v, k).filter((m) => m).length, k);
    }
    run({ length: 64, keep: 64 }, 5, 0.8, 0.8);
  });

  it("takes the cycles that it states", () => {
    for (const length of [64, 256]) {
      const size = { length, keep: 40 };
      const bench = new Bench(topK(size), 6);
      const vector = range(length).map((i) => (i % 127) + 1);
      bench.send("x", itemsOf([vector]));
      const out = bench.collect("y", ["last"]);
      bench.run(() => out.items.some(([last]) => last === 1n));
      assert.equal(bench.cycles, topKCycles(size));
    }
  });

  it("is clean Verilog, and the same in Icarus and Verilator", () =>
    checkInTools(
      topK({ length: 64, keep: 10 }),
      (random) => ({
        x_valid: between(random, 0, 3) === 0 ? 0 : 1,
        y_ready: between(random, 0, 3) === 0 ? 0 : 1,
        ...Object.fromEntries(range(GROUP).map((i) => [`x_act_${i}`, between(random, -127, 127)])),
      }),
      600,
    ));

  it("refuses K = 0, K above n and vectors that are no groups", () => {
    assert.throws(() => topK({ length: 64, keep: 0 }), /keeps 1 to 64 of them, not 0/);
    assert.throws(() => topK({ length: 64, keep: 65 }), /keeps 1 to 64 of them, not 65/);
    assert.throws(() => topK({ length: 32, keep: 3 }), /at least 64; pad 32/);
    assert.throws(() => topK({ length: 80, keep: 3 }), /multiple of 32/);
    assert.throws(() => golden([1, 2], 0), /keeps 1 to 2/);
  });
});
