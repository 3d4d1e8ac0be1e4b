import assert from "node:assert/strict";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { Bench, between } from "../library/testing.js";
import { statistics, vectorMemory } from "./memories.js";

describe("vector memory", () => {
  it("gives four elements one cycle after the read, as they were before a write in the same cycle", () => {
    const c: AcceleratorConfig = { ...defaultConfig, vectorElements: 64 };
    const bench = new Bench(vectorMemory(c), 1);
    const { sim, random } = bench;
    const model = new Int32Array(c.vectorElements);
    const write = (element: number, value: number, enable = 1): void => {
      sim.poke("write_enable", enable);
      sim.poke("write_element", element);
      sim.poke("write_value", value >>> 0);
    };
    sim.poke("read_word", 0);
    for (let i = 0; i < c.vectorElements; i++) {
      write(i, 0);
      bench.cycle();
    }
    for (let i = 0; i < 4000; i++) {
      const element = between(random, 0, c.vectorElements - 1);
      const value = [-(2 ** 31), 2 ** 31 - 1, -1, Math.floor(random() * 2 ** 32) | 0][between(random, 0, 3)]!;
      const enable = random() < 0.7;
      const word = random() < 0.5 ? element >> 2 : between(random, 0, c.vectorElements / 4 - 1);
      write(element, value, enable ? 1 : 0);
      sim.poke("read_word", word);
      const expected = [3, 2, 1, 0].reduce((all, k) => (all << 32n) | BigInt(model[4 * word + k]! >>> 0), 0n);
      bench.cycle();
      if (enable) model[element] = value;
      assert.equal(sim.peek("quad"), expected, `cycle ${i}, word ${word}`);
    }
  });
});

describe("statistics", () => {
  for (const tokens of [1, 2])
    it(`keeps the largest magnitude per slot and token: ${tokens} token(s)`, () => {
      const c: AcceleratorConfig = { ...defaultConfig, tokens, slots: 8 };
      const bench = new Bench(statistics(c), tokens);
      const { sim, random } = bench;
      const model = new Map<number, number>();
      for (let i = 0; i < 4000; i++) {
        const [slot, tok] = [between(random, 0, c.slots - 1), between(random, 0, tokens - 1)];
        const at = slot * tokens + tok;
        const magnitude = [0, 2 ** 31, 2 ** 31 - 1, 1, Math.floor(random() * 2 ** between(random, 1, 31))][
          between(random, 0, 4)
        ]!;
        const enable = random() < 0.8;
        const restart = !model.has(at) || random() < 0.2;
        const update = { enable: enable ? 1 : 0, slot, tok, magnitude, restart: restart ? 1 : 0 };
        for (const [field, value] of Object.entries(update)) sim.poke(`update_${field}`, value);
        // what is read in the cycle of an update is from before it
        const look = [...model.keys()][between(random, 0, Math.max(0, model.size - 1))];
        if (look !== undefined) {
          sim.poke("read_slot", Math.floor(look / tokens));
          sim.poke("read_tok", look % tokens);
          assert.equal(Number(sim.peek("maximum")), model.get(look), `before cycle ${i}`);
        }
        bench.cycle();
        if (enable) model.set(at, restart ? magnitude : Math.max(magnitude, model.get(at)!));
      }
    });
});
