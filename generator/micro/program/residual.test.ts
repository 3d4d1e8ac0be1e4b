/** Rows of the embedding and additions against golden. */
import assert from "node:assert/strict";
import { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import { Sticky } from "../../../golden/model/scale.js";
import { addResidual, embed } from "../../../golden/model/vector.js";
import { Bench, equal, SHAPE, saturated, values } from "./parts.testing.js";
import { addition, embedding } from "./residual.js";

describe("micro residual", () => {
  for (const dim of [32, 96])
    it(`every row of an embedding of ${dim} columns, shifts to the left and right`, () => {
      for (const residualFraction of [25, 14, 0, 28]) {
        const random = randomModel({ ...SHAPE, dim, vocab: 48 }, 3);
        const exponents = random.embedding.exponents.map((_, i) => i % 32);
        const model = { ...random, residualFraction, embedding: { ...random.embedding, exponents } };
        const bench = new Bench(embedding, model);
        const x = new Int32Array(dim);
        for (let token = 0; token < model.shape.vocab; token++) {
          const sticky = new Sticky();
          embed(model.embedding, token, residualFraction, x, sticky);
          bench.machine.state.offer = { token, position: 0, wanted: false };
          bench.machine.call("embedding");
          equal(bench.vmem(bench.context.layout.x, dim), x, `token ${token}`);
          assert.equal(saturated(bench), sticky.total() > 0);
        }
      }
    });

  it("additions that saturate and that do not", () => {
    const bench = new Bench(addition);
    const { layout, shape } = bench.context;
    const { state } = bench.machine;
    const random = new Random(9);
    for (let i = 0; i < 64; i++) {
      const x = values(random, shape.dim, 1 + (i % 32));
      const d = values(random, shape.dim, 1 + ((i * 7) % 32));
      state.vmem.set(x, layout.x);
      state.vmem.set(d, layout.y);
      state.vmem[layout.x + shape.dim] = state.vmem[layout.y + shape.dim] = -(2 ** 31);
      state.vd = random.integer(-600, 600); // small, as behind a matrix
      const sticky = new Sticky();
      addResidual(x, d, sticky);
      bench.machine.call("addition");
      equal(bench.vmem(layout.x, shape.dim), x, `addition ${i}`);
      assert.equal(saturated(bench), sticky.total() > 0);
    }
  });
});
