import assert from "node:assert/strict";
import { hadamard as golden, hadamardShift, hadamardSums } from "../../../golden/model/hadamard.js";
import { Bench, between, type Random, randomFrom } from "../../library/testing.js";
import { checkInTools } from "../units.tools.testing.js";
import { hadamard, type HadamardSize } from "./hadamard.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Vectors where sums grow most, single ones, and random ones. */
const vectorsOf = ({ length, width }: HadamardSize, random: Random, count: number): number[][] => {
  const [lo, hi] = [-(2 ** (width - 1)), 2 ** (width - 1) - 1];
  const every = (v: (i: number) => number) => range(length).map(v);
  return [
    every(() => lo),
    every(() => hi),
    every((i) => (i & 1 ? lo : hi)), // the largest magnitudes at other places than 0
    every((i) => (i < length / 2 ? lo : hi)),
    every((i) => (i === 0 ? lo : 0)),
    every((i) => (i === length - 1 ? 1 : 0)), // a half or less: rounding
    every((i) => (i === 3 ? -1 : 0)),
    ...range(count).map(() => every(() => between(random, lo, hi))),
  ];
};

const run = (size: HadamardSize, seed: number, offer: number, take: number, count = 12): number => {
  const bench = new Bench(hadamard(size), seed);
  const vectors = vectorsOf(size, bench.random, count);
  const beats = size.length / size.vector;
  const items = vectors.flatMap((v) =>
    range(beats).map((b) =>
      Object.fromEntries(range(size.vector).map((i) => [`${i}`, v[b * size.vector + i]!])),
    ),
  );
  bench.send("x", items, offer);
  const out = bench.collect(
    "y",
    range(size.vector).map((i) => `${i}`),
    take,
  );
  bench.run(() => out.items.length === items.length);
  for (const [i, v] of vectors.entries())
    assert.deepEqual(
      out.items
        .slice(i * beats, (i + 1) * beats)
        .flat()
        .map(Number),
      golden(v),
      `vector ${i} of ${size.length}, ${size.vector} a beat`,
    );
  return bench.cycles - items.length;
};

describe("Hadamard unit (BitNet v2)", () => {
  for (const length of [32, 64, 128, 256])
    it(`gives golden's integers for vectors of ${length}, any beat, random stalls`, () => {
      for (const vector of [1, 4, length / 2, length]) {
        if (length * vector > 8192 && vector < length) continue;
        const size = { length, vector, width: 8 };
        run(size, 1, 1, 1);
        run(size, 2, 0.6, 0.5);
        run(size, 3, 1, 0.2, 3);
        run(size, 4, 0.2, 1, 3);
      }
    });

  it("takes a beat a cycle: of 64 elements in beats of 4, one vector and some stages late", () => {
    const late = run({ length: 64, vector: 4, width: 8 }, 5, 1, 1, 100);
    assert.ok(late <= 64 / 4 + 8, `${late} cycles late`);
  });

  it("takes wide elements", () => run({ length: 32, vector: 4, width: 20 }, 6, 0.7, 0.7));

  it("is its own inverse up to n: H·(H·x) = n·x", () => {
    const random = randomFrom(7);
    for (const length of [32, 64, 128, 256]) {
      const x = range(length).map(() => between(random, -127, 127));
      assert.deepEqual(
        hadamardSums(hadamardSums(x)),
        x.map((v) => v * length),
      );
    }
    // The unit twice: where k is even the shifts divide by n altogether, up to the rounding of the first pass.
    const x = range(64).map(() => 8 * between(random, -127, 127));
    const twice = golden(golden(x));
    assert.equal(hadamardShift(64), 3);
    for (const [i, v] of x.entries()) assert.ok(Math.abs(twice[i]! - v) <= 4.5, `${twice[i]} for ${v}`);
  });

  it("is clean Verilog, and the same in Icarus and Verilator", () =>
    checkInTools(hadamard({ length: 32, vector: 4, width: 8 }), (random) => ({
      x_valid: between(random, 0, 3) === 0 ? 0 : 1,
      y_ready: between(random, 0, 3) === 0 ? 0 : 1,
      ...Object.fromEntries(range(4).map((i) => [`x_${i}`, between(random, -128, 127)])),
    })));

  it("refuses sizes that it cannot do, and says what would work", () => {
    assert.throws(() => hadamard({ length: 48, vector: 4, width: 8 }), /32, 64, 128 or 256; split 48/);
    assert.throws(() => hadamard({ length: 512, vector: 4, width: 8 }), /split 512/);
    assert.throws(() => hadamard({ length: 64, vector: 3, width: 8 }), /power of two/);
    assert.throws(() => hadamard({ length: 64, vector: 128, width: 8 }), /1 to 64/);
    assert.throws(() => hadamard({ length: 64, vector: 4, width: 40 }), /2 to 32 bits/);
  });
});
