/** Sines of every position and turned vectors against golden. */
import assert from "node:assert/strict";
import { rope as ropeGolden, rotation } from "../../../golden/model/cache.js";
import { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import { Sticky } from "../../../golden/model/scale.js";
import { Bench, equal, SHAPE, saturated, values } from "./parts.testing.js";
import { OFFSET, rope } from "./rope.js";

describe("micro RoPE", () => {
  const model = randomModel({ ...SHAPE, dim: 64, heads: 4, kvHeads: 2, context: 64 }, 1);
  const { headDim } = model.shape;
  const bench = new Bench(rope, model);
  const { layout } = bench.context;
  const { vmem } = bench.machine.state;
  const random = new Random(3);
  const cos = new Int32Array(headDim / 2);
  const sin = new Int32Array(headDim / 2);

  function angles(increments: Uint32Array, position: number): void {
    vmem.set(Int32Array.from(increments), layout.increments);
    bench.machine.state.offer = { token: 0, position, wanted: false };
    bench.machine.call("rope.angles");
    rotation(increments, position, cos, sin);
    const wanted = [...cos, cos[0]!, ...sin].map((v) => v + OFFSET);
    equal(bench.vmem(layout.rope, headDim + 1), wanted, `position ${position}`);
  }

  it("sines: the model's increments, random ones, the borders of quadrants", () => {
    const borders = [
      0,
      1,
      16383,
      16384,
      2 ** 30 - 1,
      2 ** 30,
      2 ** 31 - 1,
      2 ** 31,
      3 * 2 ** 30 - 1,
      2 ** 32 - 1,
    ];
    for (let position = 0; position < 1024; position += 13) angles(model.ropeIncrements, position);
    for (let run = 0; run < 200; run++)
      angles(
        Uint32Array.from({ length: headDim / 2 }, (_, j) =>
          run % 2 === 0 ? random.integer(0, 2 ** 32 - 1) : borders[(run + j) % borders.length]!,
        ),
        run % 4 === 1 ? 1 : random.integer(0, 1023),
      );
  });

  it("q and k", () => {
    for (let bits = 4; bits <= 24; bits++) {
      angles(model.ropeIncrements, bits);
      const sticky = new Sticky();
      const [q, k] = [values(random, 4 * headDim, bits), values(random, 2 * headDim, bits)];
      vmem.set(q, layout.q);
      vmem.set(k, layout.k);
      bench.machine.call("rope");
      for (const v of [q, k]) ropeGolden(v, cos, sin, sticky);
      equal(bench.vmem(layout.q, q.length), q, `q of ${bits} bits`);
      equal(bench.vmem(layout.k, k.length), k, `k of ${bits} bits`);
      assert.equal(saturated(bench), sticky.total() > 0);
    }
  });
});
