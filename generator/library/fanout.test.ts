import assert from "node:assert/strict";
import { defineModule, stream, uint } from "../hdl/index.js";
import { fanout } from "./fanout.js";
import { queue } from "./fifo.js";
import { Bench, randomBits } from "./testing.js";

const fan = (n: number) => {
  const names = Array.from({ length: n }, (_, i) => `to_${i}`);
  return defineModule(
    `fan_${n}`,
    { in: { from: stream(uint(9)) }, out: Object.fromEntries(names.map((k) => [k, stream(uint(9))])) },
    ({ from }) =>
      Object.fromEntries(
        Object.entries(fanout(from, names)).map(([k, s]) => [k, queue(`u_${k}`, uint(9), s, 2)]),
      ),
  );
};

describe("fanout", () => {
  for (const n of [1, 2, 3])
    it(`gives every word to each of ${n}, in order`, () => {
      const bench = new Bench(fan(n), n);
      const items = Array.from({ length: 300 }, () => ({ data: randomBits(bench.random, 9) }));
      bench.send("from", items, 0.8);
      const outs = Array.from({ length: n }, (_, i) => bench.collect(`to_${i}`, ["data"], 0.4 + 0.2 * i));
      bench.run(() => outs.every((o) => o.items.length === items.length));
      for (const out of outs)
        assert.deepEqual(
          out.items.map((i) => i[0]),
          items.map((i) => i.data),
        );
    });
});
