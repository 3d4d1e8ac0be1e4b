import assert from "node:assert/strict";
import { rope as rotate, rotation, Sticky } from "../../golden/model/ops.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { Bench, between, type Random } from "../library/testing.js";
import { rope } from "./rope.js";

const int24 = (random: Random): number => {
  const pick = between(random, 0, 6);
  return pick === 0
    ? -(2 ** 23)
    : pick === 1
      ? 2 ** 23 - 1
      : pick === 2
        ? 0
        : between(random, -(2 ** 23), 2 ** 23 - 1) >> between(random, 0, 22);
};
const CORNERS = [0, 2 ** 30, 2 ** 31, 3 * 2 ** 30, 2 ** 32 - 1, 2 ** 30 - 1, 1, 2 ** 14, 2 ** 22 - 1];

const run = (c: AcceleratorConfig, seed: number, rounds: number): void => {
  const increments: number[] = [];
  const expected: { value: number; even: boolean; saturated: boolean; at: number }[] = [];
  let asked = 0;
  let seen = 0;
  let clips = 0;
  const bench = new Bench(rope(c), seed, ({ sim, cycles }) => {
    sim.poke("increment", increments[asked]!);
    asked = Number(sim.peek("pair"));
    const [even, odd] = [sim.peek("even") === 1n, sim.peek("odd") === 1n];
    assert.ok(!(even && odd));
    if (!even && !odd) return;
    const e = expected[seen]!;
    assert.deepEqual(
      [BigInt.asIntN(24, sim.peek("value")), even, sim.peek("saturated") === 1n, cycles],
      [BigInt(e.value), e.even, e.saturated, e.at],
      `element ${seen}`,
    );
    clips += e.saturated ? 1 : 0;
    seen++;
  });
  const { sim, random } = bench;
  for (let i = 0; i < c.ropeEntries; i++)
    increments.push(i < CORNERS.length ? CORNERS[i]! : Math.floor(random() * 2 ** 32));
  sim.poke("x_valid", 0);
  let afterOdd = false;
  const step = (): void => {
    bench.cycle();
    sim.poke("x_valid", 0);
    for (const [field, bits] of [
      ["value", 2 ** 24],
      ["odd", 2],
      ["position", 2 ** 16],
    ] as const)
      sim.poke(`x_${field}`, Math.floor(random() * bits));
    afterOdd = false;
  };
  const give = (value: number, odd: boolean, tok: number, pair: number, position: number): void => {
    while (random() < 0.2 || (odd && afterOdd)) step();
    for (const [field, v] of Object.entries({
      valid: 1,
      value: BigInt.asUintN(24, BigInt(value)),
      odd: odd ? 1 : 0,
      tok,
      pair,
      position,
    }))
      sim.poke(`x_${field}`, v);
    const at = bench.cycles;
    step();
    afterOdd = odd;
    if (!odd) return;
    const last = expected.length - 2;
    for (const i of [0, 1]) expected[last + i] = { ...expected[last + i]!, at: at + 6 + i };
  };
  for (let round = 0; round < rounds; round++) {
    const pair = between(random, 0, c.ropeEntries - 1);
    const base = [0, 65535 - c.tokens, between(random, 0, 60000)][between(random, 0, 2)]!;
    const pairs = Array.from({ length: c.tokens }, () => [int24(random), int24(random)] as const);
    for (const [tok, p] of pairs.entries()) give(p[0], false, tok, pair, base + tok);
    for (const [tok, p] of pairs.entries()) {
      const [cos, sin] = [new Int32Array(1), new Int32Array(1)];
      rotation(Uint32Array.of(increments[pair]!), base + tok, cos, sin);
      const values = Int32Array.from(p);
      const sticky = new Sticky();
      rotate(values, cos, sin, sticky);
      const clipped = ((): [boolean, boolean] => {
        const wide = [p[0] * cos[0]! - p[1] * sin[0]!, p[0] * sin[0]! + p[1] * cos[0]!].map((v) =>
          Math.floor((v + 8192) / 16384),
        );
        return [wide[0] !== values[0], wide[1] !== values[1]];
      })();
      assert.equal(sticky.rope, Number(clipped[0]) + Number(clipped[1]));
      for (const i of [0, 1] as const)
        expected.push({ value: values[i]!, even: i === 0, saturated: clipped[i], at: -1 });
      give(p[1], true, tok, pair, base + tok);
    }
  }
  for (let i = 0; i < 10; i++) step();
  assert.equal(seen, expected.length);
  assert.ok(clips > 10, "no saturation was reached");
};

describe("rope", () => {
  for (const tokens of [1, 2, 4])
    it(`rotates pairs: ${tokens} token(s)`, () => run({ ...defaultConfig, tokens }, tokens, 4000 / tokens));
});
