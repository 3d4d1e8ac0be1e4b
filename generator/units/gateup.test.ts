import assert from "node:assert/strict";
import { siluGate, Sticky } from "../../golden/model/ops.js";
import { type AcceleratorConfig, defaultConfig, NO_FEATURES } from "../isa/config.js";
import { Bench, between, type Random } from "../library/testing.js";
import { GATEUP_LATENCY, gateup } from "./gateup.js";

/** Corners: the ends of int24, the last gate inside the table and the first beyond, zero, table knots. */
const CORNERS = [-(2 ** 23), 2 ** 23 - 1, 65535, 65536, -65535, -65536, 0, 1, -1, 255, 256, -256];
const int24 = (random: Random): number =>
  random() < 0.3
    ? CORNERS[between(random, 0, CORNERS.length - 1)]!
    : between(random, -(2 ** 23), 2 ** 23 - 1) >> between(random, 0, 20);

/** Squared ReLU as contract section 7 states it, before saturation. */
const squared = (gate: number, up: number): bigint => {
  const rshr = (a: bigint, n: bigint): bigint => (a + (1n << (n - 1n))) >> n;
  const g = BigInt(Math.max(gate, 0));
  const s = rshr(g * g, 16n);
  const most = 2n ** 30n - 1n;
  return rshr((s < most ? s : most) * BigInt(up), 18n);
};
/** h, and whether it saturates. */
const activated = (gate: number, up: number, relu2: boolean): { value: number; saturated: boolean } => {
  if (relu2) {
    const exact = squared(gate, up);
    const value = exact > 2n ** 31n - 1n ? 2n ** 31n - 1n : exact < -(2n ** 31n) ? -(2n ** 31n) : exact;
    return { value: Number(value), saturated: value !== exact };
  }
  const h = new Int32Array(1);
  const sticky = new Sticky();
  siluGate(Int32Array.of(gate), Int32Array.of(up), h, sticky);
  return { value: h[0]!, saturated: sticky.h > 0 };
};

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
  const give = (value: number, odd: boolean, tok: number, relu2: boolean): number => {
    while (random() < 0.2) bench.cycle();
    if (c.features.relu2) sim.poke("x_relu2_0", relu2 ? 1 : 0);
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
    // the corners are met with both
    const relu2 = c.features.relu2 && (round * c.tokens < sweep.length ? seed % 2 === 0 : random() < 0.5);
    for (const [tok, [gate]] of pairs.entries()) give(gate, false, tok, relu2);
    for (const [tok, [gate, up]] of pairs.entries()) {
      const index = expected.push({ ...activated(gate, up, relu2), at: -1 }) - 1;
      const at = give(up, true, tok, relu2);
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

  for (const tokens of [1, 2])
    it(`gives squared ReLU of the gate times up for jobs that ask for it: ${tokens} token(s)`, () => {
      const features = { ...NO_FEATURES, relu2: true };
      for (const seed of [1, 2]) run({ ...defaultConfig, tokens, features }, seed, 2000);
    });

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
