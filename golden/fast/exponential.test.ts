/** exp of vectors against golden/model/elementary.ts, bit for bit. */
import assert from "node:assert/strict";
import { exp } from "../model/elementary.js";
import { Random } from "../model/prng.js";
import { exponentials } from "./exponential.js";

describe("exponentials of vectors", () => {
  const random = new Random(61);
  const draw = (range: number): number => (random.next() / 2 ** 32 - 0.5) * 2 * range;

  it("are those of elementary.ts, and so is their sum in order", () => {
    for (const [length, range, shift] of [
      [10_001, 30, 3.25],
      [20_000, 800, -1e-3],
      [1, 1, 0],
      [2, 5, 7],
      [0, 1, 0],
    ] as const) {
      const x = Float64Array.from({ length }, () => draw(range));
      const expected = x.map((v) => exp(v - shift));
      const out = new Float64Array(length);
      const sum = exponentials(x, shift, out);
      assert.deepEqual(out, expected);
      assert.equal(
        sum,
        expected.reduce((a, b) => a + b, 0),
      );
    }
  });

  it("where rounding turns, at the ends, and for what is no number", () => {
    const edges = [0, -0, 700, 700.5, 1e300, Infinity, -700, -700.0000000000001, -1e9, -Infinity, 1e-320];
    for (let n = -1000; n <= 1000; n++) {
      const middle = (n + 0.5) * Math.LN2;
      edges.push(middle, middle * (1 + Number.EPSILON), middle * (1 - Number.EPSILON));
    }
    const x = Float64Array.from(edges);
    const out = new Float64Array(x.length);
    exponentials(x, 0, out);
    assert.deepEqual(
      out,
      x.map((v) => exp(v)),
    );
    assert.ok(
      Number.isNaN(exponentials(Float64Array.of(1, Number.NaN), 0)) === Number.isNaN(exp(Number.NaN)),
    );
  });
});
