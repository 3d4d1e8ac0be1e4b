import assert from "node:assert/strict";
import { type AcceleratorConfig, beatBits, defaultConfig, NO_FEATURES } from "../isa/config.js";
import { Bench, between, type Random } from "../library/testing.js";
import { peekSquares, rising, squaresOf } from "./squares.testing.js";
import { SUBNORM_LATENCY, subnorm } from "./subnorm.js";

const rshr = (a: bigint, n: bigint): bigint => (a + (1n << (n - 1n))) >> n;
const sat = (a: bigint, bits: bigint): bigint => {
  const most = 1n << (bits - 1n);
  return a >= most ? most - 1n : a < -most ? -most : a;
};
/** Contract section 6a, before saturation. */
const normed = (v: bigint, gain: bigint, hidden: boolean): bigint => rshr(v * gain, hidden ? 15n : 7n);

/** Wild vectors go to the ends of their range, at once or (`at` their middle) with s growing on the way. */
const value = (random: Random, bits: 24 | 32, wild: boolean, at: number): number =>
  !wild
    ? Math.floor((random() * 2 - 1) * 2 ** between(random, 1, 16))
    : random() < 0.1
      ? [0, -1][between(random, 0, 1)]!
      : rising(random, at, bits);

const run = (c: AcceleratorConfig, seed: number, wild: boolean): void => {
  const expected: { at: number; fields: readonly number[] }[] = [];
  const signals: { at: number; fields: readonly number[] }[] = [];
  const bench = new Bench(subnorm(c), seed, ({ sim, cycles }) => {
    const signed = (port: string): number => Number(BigInt.asIntN(32, sim.peek(port)));
    const u = (port: string): number => Number(sim.peek(port));
    if (u("written_signal_mask") !== 0) {
      const want = signals.shift();
      assert.deepEqual({ at: cycles, fields: [u("written_signal_mask"), u("written_signal_amount")] }, want);
    }
    if (u("written_vector_enable") === 0) return;
    assert.deepEqual(
      {
        at: cycles,
        fields: [
          u("written_vector_element"),
          signed("written_vector_value"),
          u("written_update_enable"),
          u("written_update_slot"),
          u("written_update_tok"),
          u("written_update_magnitude"),
          u("written_update_restart"),
        ],
      },
      expected.shift(),
    );
  });
  const { sim, random } = bench;
  const poke = (fields: Readonly<Record<string, number>>): void => {
    for (const [port, v] of Object.entries(fields)) sim.poke(port, v);
  };
  const idle = { x_vector_enable: 0, x_update_enable: 0, x_signal_mask: 0, normed: 1, load_enable: 0 };
  poke({ ...idle, x_vector_element: 0, x_vector_value: 0, x_update_slot: 0, x_update_tok: 0 });
  poke({
    x_update_magnitude: 0,
    x_update_restart: 0,
    x_signal_amount: 0,
    hidden: 0,
    index: 0,
    squaresTok: 0,
  });
  poke({ load_beat: 0, load_data: 0 });

  const gains = Array.from({ length: c.subGainEntries }, () =>
    wild
      ? [-32768, 32767, 0, between(random, -32768, 32767)][between(random, 0, 3)]!
      : between(random, 1, 2 ** 14),
  );
  const perBeat = beatBits(c) / 16;
  for (let beat = 0; beat < gains.length / perBeat; beat++) {
    let data = 0n;
    for (let i = perBeat; i-- > 0; ) data = (data << 16n) | BigInt(gains[beat * perBeat + i]! & 0xffff);
    poke({ load_enable: 1, load_beat: beat });
    sim.poke("load_data", data);
    bench.cycle();
  }
  poke(idle);

  const seen = Array.from({ length: c.tokens }, (): number[] => []);
  const shifts = new Set<number>();
  let saturated = false;
  for (let vector = 0; vector < 30; vector++) {
    const isNormed = vector === 0 || random() < 0.8;
    const hidden = random() < 0.5;
    const n = between(random, 1, c.subGainEntries);
    const rises = random() < 0.7;
    for (let row = 0; row < n; row++)
      for (let tok = 0; tok < c.tokens; tok++) {
        while (random() < 0.1) bench.cycle();
        const v = value(random, hidden || !isNormed ? 32 : 24, wild, rises ? (row + 3 * tok) / n : 1);
        const exact = normed(BigInt(v), BigInt(gains[row]!), hidden);
        const y = isNormed ? Number(sat(exact, 32n)) : v;
        if (isNormed) {
          seen[tok] = [...(row === 0 ? [] : seen[tok]!), v];
          if (BigInt(y) !== exact) saturated = true;
        }
        const [element, slot] = [between(random, 0, c.vectorElements - 1), between(random, 0, c.slots - 1)];
        const last = row === n - 1 && tok === c.tokens - 1;
        const mask = last ? between(random, 1, 4095) : 0;
        const amount = between(random, 0, 1);
        const at = bench.cycles + SUBNORM_LATENCY;
        expected.push({ at, fields: [element, y, 1, slot, tok, Math.abs(y), row === 0 ? 1 : 0] });
        if (last) signals.push({ at, fields: [mask, amount] });
        poke({
          ...{ x_vector_enable: 1, x_update_enable: 1, x_vector_element: element, x_vector_value: v >>> 0 },
          ...{ x_update_slot: slot, x_update_tok: tok, x_update_restart: row === 0 ? 1 : 0 },
          ...{ x_signal_mask: mask, x_signal_amount: amount },
          ...{ normed: isNormed ? 1 : 0, hidden: hidden ? 1 : 0, index: row },
        });
        bench.cycle();
        poke({ ...idle, x_vector_value: Math.floor(random() * 2 ** 32), index: between(random, 0, n - 1) });
      }
    for (let i = 0; i <= SUBNORM_LATENCY; i++) bench.cycle();
    for (const [tok, elements] of seen.entries()) {
      const squares = squaresOf(elements);
      shifts.add(squares.shift);
      sim.poke("squaresTok", tok);
      assert.deepEqual(peekSquares(sim), squares, `SS of token ${tok}, vector ${vector}`);
    }
    assert.equal(sim.peek("saturated") === 1n, saturated);
  }
  assert.deepEqual([expected, signals, saturated], [[], [], wild]);
  if (wild)
    assert.deepEqual(
      [...shifts].sort((a, b) => a - b),
      [0, 7, 14],
    );
};

describe("sub-norms", () => {
  for (const tokens of [1, 2])
    for (const wild of [false, true])
      it(`give y and SS of attention outputs and h${wild ? ", to the ends of their ranges" : ""}: ${tokens} token(s)`, () =>
        run(
          { ...defaultConfig, tokens, subGainEntries: 64, features: { ...NO_FEATURES, subNorms: true } },
          tokens,
          wild,
        ));
});
