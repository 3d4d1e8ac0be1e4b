import assert from "node:assert/strict";
import { lookUpSum, nearest, type Pair, pairsOf } from "../../../golden/quantise/vq.js";
import { between, type Random, randomFrom } from "../../library/testing.js";
import { kMeans, nearestOf } from "./cluster.js";
import { codebookOf, type Table, tableOf, weightCodes } from "./tables.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** Normal, by twelve uniforms. */
const normal = (random: Random): number => range(12).reduce((s) => s + random(), -6);
const activation = (random: Random): number => Math.max(-127, Math.min(127, Math.round(32 * normal(random))));

interface Judged {
  /** Root mean square error of a row sum over root mean square of the exact one. */
  readonly error: number;
  /** Of the same with the centroids' real product: what vectors cost without the 8-bit table. */
  readonly unrounded: number;
}

/** Row sums of 256 columns: table against the exact product of the int8 activations and the weights as they are. */
const judge = (weight: (random: Random) => number, seed: number): Judged => {
  const random = randomFrom(seed);
  const columns = 256;
  const rows = range(24).map(() => pairsOf(range(columns).map(() => weight(random))));
  const tokens = range(12).map(() => pairsOf(range(columns).map(() => activation(random))));
  const samples = range(3000).map((): Pair => [activation(random), activation(random)]);
  const book = codebookOf(samples, rows.flat(), seed);
  const table: Table = tableOf(book);
  const tables = range(columns / 2).map(() => table.entries);
  const codes = rows.map((r) => weightCodes(book, r));
  let [power, off, offCentroids] = [0, 0, 0];
  for (const t of tokens) {
    const index = t.map((p) => nearest(book.activations, p));
    for (const [r, row] of rows.entries()) {
      const exact = row.reduce((s, [w0, w1], i) => s + w0 * t[i]![0] + w1 * t[i]![1], 0);
      const centroids = codes[r]!.reduce((s, w, i) => {
        const [a, c] = [book.activations[index[i]!]!, book.weights[w]!];
        return s + a[0] * c[0] + a[1] * c[1];
      }, 0);
      power += exact ** 2;
      off += (lookUpSum(tables, index, codes[r]!) * table.scale - exact) ** 2;
      offCentroids += (centroids - exact) ** 2;
    }
  }
  return { error: Math.sqrt(off / power), unrounded: Math.sqrt(offCentroids / power) };
};

describe("tables of LUT-LLM", () => {
  it("are the same for the same seed, and within eight bits", () => {
    const points = range(500).map((i): Pair => [(i * 37) % 101, (i * 53) % 97]);
    assert.deepEqual(kMeans(points, 16, 3), kMeans(points, 16, 3));
    assert.notDeepEqual(kMeans(points, 16, 3), kMeans(points, 16, 4));
    const book = codebookOf(points, points, 1);
    assert.equal(book.activations.length, 64);
    assert.equal(book.weights.length, 16);
    const { entries } = tableOf(book);
    assert.equal(Math.max(...entries.flat().map(Math.abs)), 127);
  });

  it("find centroids better than the start: every round lessens the error", () => {
    const random = randomFrom(2);
    const points = range(800).map((): Pair => [normal(random), normal(random)]);
    const errorOf = (rounds: number): number => {
      const centroids = kMeans(points, 16, 5, rounds);
      return points.reduce((s, p) => {
        const c = centroids[nearestOf(centroids, p)]!;
        return s + (p[0] - c[0]) ** 2 + (p[1] - c[1]) ** 2;
      }, 0);
    };
    const errors = [0, 1, 2, 5, 30].map(errorOf);
    for (const [i, e] of errors.entries()) if (i > 0) assert.ok(e <= errors[i - 1]!, errors.join(" "));
    assert.ok(errors[4]! < 0.9 * errors[0]!);
  });

  it("hold W2 weights without loss: 16 centroids for the 16 pairs of four levels", () => {
    const random = randomFrom(3);
    const level = () => 2 * between(random, -2, 1) + 1;
    const pairs = range(400).map((): Pair => [level(), level()]);
    const book = codebookOf(pairs, pairs, 2);
    const codes = weightCodes(book, pairs);
    for (const [i, p] of pairs.entries()) assert.deepEqual(book.weights[codes[i]!], p);
  });

  it("stand for row sums with an error of 16.1 % (W2 weights) and 40.5 % (normal weights), untrained", () => {
    const w2 = judge((random) => 2 * between(random, -2, 1) + 1, 4);
    const real = judge(normal, 5);
    assert.equal((100 * w2.error).toFixed(1), "16.1");
    assert.equal((100 * real.error).toFixed(1), "40.5");
    // the centroids cost that; eight bits for their products cost next to nothing
    for (const { error, unrounded } of [w2, real]) assert.ok(Math.abs(error - unrounded) < 0.002);
  });
});
