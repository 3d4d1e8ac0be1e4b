import assert from "node:assert/strict";
import { Bench, between } from "../../library/testing.js";
import { simulate } from "../../simulate/index.js";
import { bool, defineModule, elaborate, pipeline, sint, stream } from "../index.js";

const inputs = { a: sint(8), b: sint(8), c: sint(8) } as const;

describe("pipelines", () => {
  it("balance values of unequal age: a·b two stages late, c joins it, valid travels along", () => {
    const def = defineModule(
      "mac",
      { in: { valid: bool, ...inputs }, out: { valid_out: bool, y: sint(18) } },
      ({ valid, a, b, c }) => {
        const p = pipeline(valid, { a, b, c }, (x, cut) => cut(cut(x.a.mul(x.b)).add(x.c)).extend(18));
        assert.equal(p.latency, 2);
        return { valid_out: p.valid, y: p.payload };
      },
    );
    const sim = simulate(elaborate(def));
    const sent: bigint[] = [];
    const got: bigint[] = [];
    for (let i = 0; i < 500; i++) {
      const [a, b, c] = [((i * 37) % 256) - 128, ((i * 91) % 256) - 128, ((i * 53) % 256) - 128];
      const valid = i % 3 !== 1;
      for (const [port, value] of Object.entries({ a, b, c, valid: valid ? 1 : 0 })) sim.poke(port, value);
      if (valid) sent.push(BigInt(a * b + c));
      if (sim.peek("valid_out") === 1n) got.push(sim.peek("y"));
      sim.step();
    }
    assert.deepEqual(got, sent.slice(0, got.length));
    assert.ok(got.length >= sent.length - 2);
  });

  it("build a delay once, whoever needs it", () => {
    const def = defineModule(
      "twice",
      { in: { valid: bool, ...inputs }, out: { y: sint(12) } },
      ({ valid, a, b, c }) => ({
        y: pipeline(valid, { a, b, c }, (x, cut) => {
          const s = cut(x.a);
          return s.add(x.b).add(s.add(x.b).add(x.c)).extend(12);
        }).payload,
      }),
    );
    const registers = [...elaborate(def).modules.values()][0]!.nodes.filter(
      (n) => n.op === "reg" && n.width === 8,
    );
    assert.equal(registers.length, 3); // a, b and c, each once
  });

  it("keep order and values behind a stream with random stalls", () => {
    const def = defineModule(
      "scale",
      { in: { x: stream(inputs) }, out: { y: stream({ r: sint(18) }) } },
      ({ x }) => ({
        y: x.pipe({ r: sint(18) }, ({ a, b, c }, cut) => ({
          r: cut(cut(a.mul(b)).add(cut(cut(c)))).extend(18),
        })),
      }),
    );
    for (const [push, pop] of [
      [1, 1],
      [0.4, 0.9],
      [0.9, 0.4],
    ] as const) {
      const bench = new Bench(def, 7);
      const items = Array.from({ length: 800 }, () => ({
        a: between(bench.random, -128, 127),
        b: between(bench.random, -128, 127),
        c: between(bench.random, -128, 127),
      }));
      bench.send("x", items, push);
      const out = bench.collect("y", ["r"], pop);
      bench.run(() => out.items.length === items.length);
      assert.deepEqual(
        out.items.map(([r]) => r),
        items.map(({ a, b, c }) => BigInt(a * b + c)),
      );
      if (push === 1 && pop === 1) assert.ok(bench.cycles <= items.length + 4, "one item a cycle");
    }
  });
});
