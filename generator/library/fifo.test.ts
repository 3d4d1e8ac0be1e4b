import assert from "node:assert/strict";
import { bool, defineModule, sint, stream, uint, vec } from "../hdl/index.js";
import { asyncFifo } from "./asyncfifo.js";
import { fifo, queue } from "./fifo.js";
import { ramFifo } from "./ramfifo.js";
import { skid } from "./skid.js";
import { Bench, randomBits } from "./testing.js";

const RATES = [
  [1, 1],
  [0.3, 1],
  [1, 0.3],
  [0.5, 0.5],
  [0.9, 0.8],
] as const;

describe("fifo", () => {
  for (const depth of [2, 4, 16]) {
    for (const [push, pop] of RATES) {
      it(`keeps order: depth ${depth}, rates ${push} and ${pop}`, () => {
        const bench = new Bench(fifo(13, depth), depth);
        const items = Array.from({ length: 2000 }, () => ({ data: randomBits(bench.random, 13) }));
        const sender = bench.send("push", items, push);
        const out = bench.collect("pop", ["data"], pop);
        let most = 0;
        bench.run(() => {
          assert.equal(Number(bench.sim.peek("count")), sender.sent - out.items.length);
          most = Math.max(most, sender.sent - out.items.length);
          return out.items.length === items.length;
        });
        assert.deepEqual(
          out.items.map((i) => i[0]),
          items.map((i) => i.data),
        );
        if (push > pop) assert.equal(most, depth);
        if (push === 1 && pop === 1) assert.ok(bench.cycles <= items.length + 1, "one word per cycle");
      });
    }
  }

  for (const [push, pop] of RATES)
    it(`in block RAM keeps order too, and holds one word more: rates ${push} and ${pop}`, () => {
      const bench = new Bench(ramFifo(13, 8), 8);
      const items = Array.from({ length: 2000 }, () => ({ data: randomBits(bench.random, 13) }));
      const sender = bench.send("push", items, push);
      const out = bench.collect("pop", ["data"], pop);
      let most = 0;
      bench.run(() => {
        most = Math.max(most, sender.sent - out.items.length);
        return out.items.length === items.length;
      });
      assert.deepEqual(
        out.items.map((i) => i[0]),
        items.map((i) => i.data),
      );
      if (push > pop) assert.equal(most, 9);
      if (push === 1 && pop === 1) assert.ok(bench.cycles <= items.length + 2, "one word per cycle");
    });

  it("refuses depths that are no power of two", () => {
    for (const make of [fifo, ramFifo, asyncFifo])
      for (const depth of [0, 1, 3, 12])
        assert.throws(() => make(8, depth), /FIFO is a power of two, at least 2; this one is/);
  });

  it("queues records", () => {
    const shape = { flag: bool, pair: vec({ a: sint(5), b: uint(9) }, 2) };
    const def = defineModule(
      "queue_of_records",
      { in: { x: stream(shape) }, out: { y: stream(shape) } },
      ({ x }) => ({ y: queue("records", shape, x, 4) }),
    );
    const bench = new Bench(def, 3);
    const items = Array.from({ length: 500 }, (_, i) => ({
      flag: i & 1,
      pair_0_a: (i % 32) - 16,
      pair_0_b: i,
      pair_1_a: 15 - (i % 32),
      pair_1_b: 511 - i,
    }));
    bench.send("x", items, 0.7);
    const out = bench.collect("y", ["flag", "pair_0_a", "pair_0_b", "pair_1_a", "pair_1_b"], 0.7);
    bench.run(() => out.items.length === items.length);
    assert.deepEqual(
      out.items,
      items.map((i) => Object.values(i).map(BigInt)),
    );
  });

  it("refuses a depth that is no power of two", () => assert.throws(() => fifo(8, 6), /power of two/));
});

describe("skid", () => {
  for (const [push, pop] of RATES) {
    it(`keeps order: rates ${push} and ${pop}`, () => {
      const bench = new Bench(skid(9), 5);
      const items = Array.from({ length: 2000 }, () => ({ data: randomBits(bench.random, 9) }));
      bench.send("from", items, push);
      const out = bench.collect("to", ["data"], pop);
      bench.run(() => out.items.length === items.length);
      assert.deepEqual(
        out.items.map((i) => i[0]),
        items.map((i) => i.data),
      );
      if (push === 1 && pop === 1) assert.ok(bench.cycles <= items.length + 1, "one word per cycle");
    });
  }
});
