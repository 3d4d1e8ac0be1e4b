import assert from "node:assert/strict";
import { nearest, type Pair } from "../../../golden/quantise/vq.js";
import { Bench, between, type Item, type Random, randomFrom } from "../../library/testing.js";
import { checkInTools } from "../units.tools.testing.js";
import { centroidSearch, searchCycles } from "./search.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const anyPair = (random: Random): Pair => [between(random, -127, 127), between(random, -127, 127)];

const BOOKS: Readonly<Record<string, (random: Random) => Pair[]>> = {
  random: (random) => range(64).map(() => anyPair(random)),
  "all equal": () => range(64).map(() => [5, -7] as const),
  "a grid of even steps, where midpoints tie": () =>
    range(64).map((i) => [32 * (i & 7) - 112, 32 * (i >> 3) - 112] as const),
  "the same grid backwards": () => range(64).map((i) => [112 - 32 * (i & 7), 112 - 32 * (i >> 3)] as const),
  "corners and repeats": () => range(64).map((i) => [i & 1 ? 127 : -127, i & 2 ? 127 : -127] as const),
};

const loads = (book: readonly Pair[]): Item[] =>
  book.map(([x, y], index) => ({ index, centroid_0: x, centroid_1: y, square: x * x + y * y }));

const run = (
  parallel: number,
  book: readonly Pair[],
  pairs: readonly Pair[],
  seed: number,
  offer = 1,
  take = 1,
): number => {
  const bench = new Bench(centroidSearch(parallel), seed);
  const load = bench.send("load", loads(book));
  bench.run(() => load.sent === 64);
  const from = bench.cycles;
  bench.send(
    "x",
    pairs.map(([x, y]) => ({ 0: x, 1: y })),
    offer,
  );
  const out = bench.collect("nearest", ["data"], take);
  bench.run(() => out.items.length === pairs.length);
  for (const [i, p] of pairs.entries())
    assert.equal(Number(out.items[i]![0]), nearest(book, p), `nearest of (${p.join(", ")})`);
  return bench.cycles - from;
};

describe("centroid search (LUT-LLM)", () => {
  for (const [name, book] of Object.entries(BOOKS))
    it(`finds golden's centroid, the lowest of several, with stalls: ${name}`, () => {
      for (const parallel of [2, 8, 16, 64]) {
        const random = randomFrom(parallel);
        const centroids = book(random);
        const between2 = range(60).map((): Pair => {
          // halfway between two centroids: ties, and one off
          const [a, b] = [centroids[between(random, 0, 63)]!, centroids[between(random, 0, 63)]!];
          return [(a[0] + b[0]) >> 1, (a[1] + b[1]) >> 1];
        });
        const corners: Pair[] = [-127, 0, 127].flatMap((x) => [-127, 0, 127].map((y): Pair => [x, y]));
        const pairs = [...corners, ...centroids, ...between2, ...range(60).map(() => anyPair(random))];
        run(parallel, centroids, pairs, 1);
        run(parallel, centroids, pairs, 2, 0.5, 0.4);
      }
    });

  it("finds it for every pair of -127..127 there is", () => {
    const every = range(255).flatMap((x) => range(255).map((y): Pair => [x - 127, y - 127]));
    run(64, BOOKS["a grid of even steps, where midpoints tie"]!(randomFrom(0)), every, 3);
  });

  it("takes 64/parallel cycles a pair", () => {
    for (const parallel of [8, 64]) {
      const random = randomFrom(9);
      const pairs = range(100).map(() => anyPair(random));
      const cycles = run(parallel, BOOKS.random!(random), pairs, 4);
      const stated = 100 * searchCycles(parallel);
      assert.ok(cycles >= stated && cycles <= stated + 8, `${cycles} cycles, stated ${stated}`);
    }
  });

  for (const parallel of [16, 64])
    it(`is clean Verilog with ${parallel} at once, and the same in Icarus and Verilator`, () => {
      const book = loads(BOOKS.random!(randomFrom(11)));
      return checkInTools(centroidSearch(parallel), (random, cycle) => ({
        ...Object.fromEntries(Object.entries(book[cycle % 64]!).map(([k, v]) => [`load_${k}`, v])),
        load_valid: cycle < 70 ? 1 : 0,
        x_valid: cycle < 70 || between(random, 0, 3) === 0 ? 0 : 1,
        nearest_ready: between(random, 0, 3) === 0 ? 0 : 1,
        x_0: between(random, -127, 127),
        x_1: between(random, -127, 127),
      }));
    });

  it("refuses a number of comparators that does not divide the centroids", () => {
    assert.throws(() => centroidSearch(24), /power of two, 2 to 64; this one is 24/);
    assert.throws(() => centroidSearch(128), /2 to 64/);
  });
});
