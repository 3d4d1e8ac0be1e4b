/** Sum of squares with its block exponent, gain, codes and S·R against golden. */
import assert from "node:assert/strict";
import { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import { mul, Sticky } from "../../../golden/model/scale.js";
import { gather, inverseRoot, quantise as goldenQuantise } from "../../../golden/model/vector.js";
import { norm } from "./norm.js";
import { Bench, equal, SHAPE, saturated, values } from "./parts.testing.js";
import { quantise } from "./quantise.js";
import { recip } from "./scale.js";

const MODEL = randomModel({ ...SHAPE, dim: 64, headDim: 64 }, 2);

const bench = new Bench((context) => {
  norm(context);
  quantise(context);
  recip(context);
}, MODEL);

/** Runs one norm of x and compares all that it leaves. */
function check(x: Int32Array, gain: Int16Array, epsilonSum: number): void {
  const { machine, context } = bench;
  const { vmem } = machine.state;
  const { layout } = context;
  const sticky = new Sticky();
  const y = new Int32Array(x.length);
  const codes = new Int8Array(x.length);
  const { maximum, squares } = gather(x, gain, y, sticky);
  const s = goldenQuantise(y, maximum, codes);
  const wanted = mul(s, inverseRoot(squares, epsilonSum));
  vmem.set(x, layout.x);
  for (const [row, shift] of [0, 7, 14].entries()) {
    const e = Math.floor(epsilonSum / 2 ** (2 * shift));
    vmem.set([shift, e % 65536, Math.floor(e / 65536), 2 * shift], layout.epsilon + 4 * row);
  }
  bench.stream((stream) => stream.gains(gain));
  machine.call("norm");
  equal(bench.vmem(layout.y, x.length), y, "y");
  equal(bench.act(x.length), codes, "codes");
  assert.equal(vmem[layout.sM], wanted.m);
  if (wanted.m !== 0) assert.equal(vmem[layout.sE], wanted.e);
  assert.equal(saturated(bench), sticky.total() > 0);
}

describe("micro norm", () => {
  const random = new Random(6);
  const gains = (): Int16Array => Int16Array.from({ length: 64 }, () => random.integer(-32768, 32767));

  it("x of every magnitude, growing and shrinking on the way", () => {
    for (let i = 0; i < 96; i++) {
      const x = values(random, 64, 1 + (i % 32));
      if (i % 3 === 1) x.sort();
      if (i % 3 === 2) x.sort((a, b) => Math.abs(a) - Math.abs(b));
      check(x, gains(), random.integer(2 ** 15, 2 ** 31) * 2 ** random.integer(0, 13));
    }
  });

  it("around the shifts: 2^17 and 2^24 and their neighbours", () => {
    for (const edge of [2 ** 17, 2 ** 24])
      for (const v of [edge - 1, edge, -edge, -edge - 1]) {
        const x = Int32Array.from({ length: 64 }, (_, i) => (i % 7 === 3 ? v : 1000 * i));
        check(x, gains(), 2 ** 15);
      }
    check(new Int32Array(64), gains(), 2 ** 15);
  });
});
