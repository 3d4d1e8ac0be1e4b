import assert from "node:assert/strict";
import { argmax } from "../../golden/model/ops.js";
import { defaultConfig } from "../isa/config.js";
import { Bench, between } from "../library/testing.js";
import { sampler } from "./sampler.js";

describe("sampler", () => {
  it("chooses the lowest index among the largest logits, one cycle after the last", () => {
    const bench = new Bench(sampler(defaultConfig), 1);
    const { sim, random } = bench;
    sim.poke("logit_valid", 0);
    for (let round = 0; round < 400; round++) {
      const span = 2 ** between(random, 0, 31);
      const kind = between(random, 0, 4);
      const logits = Int32Array.from({ length: between(random, 1, random() < 0.02 ? 5000 : 40) }, () => {
        switch (kind) {
          case 0:
            return -(2 ** 31); // nothing is larger than the first
          case 1:
            return between(random, 0, 1) ? 2 ** 31 - 1 : -(2 ** 31);
          case 2:
            return between(random, -2, 2); // many ties
          default:
            return Math.floor((random() - 0.5) * span);
        }
      });
      for (const [row, value] of logits.entries()) {
        while (random() < 0.2) {
          sim.poke("logit_valid", 0);
          // what is not valid must not count
          sim.poke("logit_value", 2 ** 31 - 1);
          bench.cycle();
          assert.equal(sim.peek("valid"), 0n);
        }
        for (const [field, v] of Object.entries({
          valid: 1,
          value: value >>> 0,
          row,
          last: row === logits.length - 1 ? 1 : 0,
        }))
          sim.poke(`logit_${field}`, v);
        bench.cycle();
        assert.equal(sim.peek("valid"), row === logits.length - 1 ? 1n : 0n);
      }
      assert.equal(Number(sim.peek("token")), argmax(logits), `round ${round}`);
    }
  });
});
