/** A8 codes against golden. */
import assert from "node:assert/strict";
import { Random } from "../../../golden/model/prng.js";
import { maximumOf, quantise as golden } from "../../../golden/model/vector.js";
import { Bench, equal, values } from "./parts.testing.js";
import { quantise, quantisePasses } from "./quantise.js";
import { recip } from "./scale.js";

describe("micro quantise", () => {
  it("vectors of all lengths and magnitudes", () => {
    const bench = new Bench((context) => {
      quantise(context);
      recip(context);
    });
    const { machine, context } = bench;
    const { state } = machine;
    const random = new Random(4);
    for (let i = 0; i < 150; i++) {
      const count = random.integer(1, 500);
      const v = i < 10 ? new Int32Array(count) : values(random, count, 1 + (i % 32));
      const codes = new Int8Array(count);
      const scale = golden(v, maximumOf(v), codes);
      state.vmem.set(v, 17);
      state.p[0] = state.p[1] = 17;
      state.c[0] = quantisePasses(count);
      state.c[1] = count;
      state.ar = random.integer(0, 511);
      machine.call("maximum");
      equal(bench.act(count), codes, `codes ${i}`);
      assert.equal(state.vmem[context.layout.sM], scale.m);
      if (scale.m !== 0) assert.equal(state.vmem[context.layout.sE], scale.e);
      assert.equal(state.saturated, false);
    }
  });
});
