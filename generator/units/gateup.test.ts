import assert from "node:assert/strict";
import { siluGate, Sticky } from "../../golden/model/ops.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { Bench, between, type Random } from "../library/testing.js";
import { GATEUP_LATENCY, gateup } from "./gateup.js";

/** Corners: the ends of int24, the last gate inside the table and the first beyond, zero, table knots. */
const CORNERS = [-(2 ** 23), 2 ** 23 - 1, 65535, 65536, -65535, -65536, 0, 1, -1, 255, 256, -256];
const int24 = (random: Random): number =>
  random() < 0.3
    ? CORNERS[between(random, 0, CORNERS.length - 1)]!
    : between(random, -(2 ** 23), 2 ** 23 - 1) >> between(random, 0, 20);

const run = (c: AcceleratorConfig, seed: number, rounds: number): void => {
  const expected: { value: number; saturated: boolean; at: number }[] = [];
  let seen = 0;
  let clips = 0;
  const bench = new Bench(gateup(c), seed, ({ sim, cycles }) => {
    if (sim.peek("valid") === 0n) {
      assert.equal(sim.peek("saturated"), 0n);
      return;
    }
    const e = expected[seen]!;
    assert.deepEqual(
      [BigInt.asIntN(32, sim.peek("value")), sim.peek("saturated") === 1n, cycles],
      [BigInt(e.value), e.saturated, e.at],
      `h ${seen}`,
    );
    clips += e.saturated ? 1 : 0;
    seen++;
  });
  const { sim, random } = bench;
  sim.poke("x_valid", 0);
  const give = (value: number, odd: boolean, tok: number): number => {
    while (random() < 0.2) bench.cycle();
    for (const [field, v] of Object.entries({
      valid: 1,
      value: BigInt.asUintN(24, BigInt(value)),
      odd: odd ? 1 : 0,
      tok,
    }))
      sim.poke(`x_${field}`, v);
    const at = bench.cycles;
    bench.cycle();
    sim.poke("x_valid", 0);
    sim.poke("x_value", Math.floor(random() * 2 ** 24));
    return at;
  };
  const sweep = CORNERS.flatMap((g) => CORNERS.map((u) => [g, u] as const));
  for (let round = 0; round < rounds; round++) {
    const pairs = Array.from(
      { length: c.tokens },
      (_, t) => sweep[round * c.tokens + t] ?? ([int24(random), int24(random)] as const),
    );
    for (const [tok, [gate]] of pairs.entries()) give(gate, false, tok);
    for (const [tok, [gate, up]] of pairs.entries()) {
      const h = new Int32Array(1);
      const sticky = new Sticky();
      siluGate(Int32Array.of(gate), Int32Array.of(up), h, sticky);
      const index = expected.push({ value: h[0]!, saturated: sticky.h > 0, at: -1 }) - 1;
      const at = give(up, true, tok);
      expected[index] = { ...expected[index]!, at: at + GATEUP_LATENCY };
    }
  }
  for (let i = 0; i < 10; i++) bench.cycle();
  assert.equal(seen, expected.length);
  assert.ok(clips > 10, "no saturation was reached");
};

describe("gateup", () => {
  for (const tokens of [1, 2, 4])
    it(`gives silu(gate) times up: ${tokens} token(s)`, () =>
      run({ ...defaultConfig, tokens }, tokens, 4000 / tokens));

  it("has every gate of the table, both signs", () => {
    const bench = new Bench(gateup(defaultConfig), 1);
    const { sim } = bench;
    const up = 2 ** 20 + 3;
    const got: bigint[] = [];
    const value = sim.handle("value");
    const valid = sim.handle("valid");
    const [setValue, setValid, setOdd] = [
      sim.handle("x_value").set!,
      sim.handle("x_valid").set!,
      sim.handle("x_odd").set!,
    ];
    sim.poke("x_tok", 0);
    const gates = Int32Array.from({ length: 2 ** 13 + 2 }, (_, i) => (i & 1 ? -1 : 1) * ((i >> 1) * 17)); // past 65536
    const h = new Int32Array(gates.length);
    siluGate(gates, new Int32Array(gates.length).fill(up), h, new Sticky());
    const tick = (): void => {
      if (valid.get() === 1) got.push(BigInt.asIntN(32, value.getBig()));
      sim.step();
    };
    setValid(1);
    for (const gate of gates) {
      setValue(gate & 0xffffff);
      setOdd(0);
      tick();
      setValue(up);
      setOdd(1);
      tick();
    }
    setValid(0);
    for (let i = 0; i < GATEUP_LATENCY + 1; i++) tick();
    assert.deepEqual(got.map(Number), Array.from(h));
  });
});
