import assert from "node:assert/strict";
import { Bench, between, type Item, type Random, randomBits } from "../library/testing.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { ROW_LATENCY, rowScaler } from "./rowscale.js";

const rshr = (a: bigint, n: number): bigint => (n === 0 ? a : (a + (1n << BigInt(n - 1))) >> BigInt(n));
const saturate = (a: bigint): bigint =>
  a > 2n ** 31n - 1n ? 2n ** 31n - 1n : a < -(2n ** 31n) ? -(2n ** 31n) : a;
const sumOf = (random: Random): bigint => {
  const corner = [0n, 1n, -1n, 2n ** 39n - 1n, -(2n ** 39n), (1n << 23n) - 1n, 1n << 23n, -(1n << 23n)][
    between(random, 0, 40)
  ];
  return corner ?? BigInt.asIntN(40, randomBits(random, 40)) >> BigInt(between(random, 0, 38));
};

const run = (c: AcceleratorConfig, seed: number, count: number, offer: number, take: number): void => {
  const pairs = c.rows / 2;
  const scales: { m: number; e: number }[][] = [];
  let current = 0;
  let saturated = 0;
  let negative = 0;
  const bench: Bench = new Bench(rowScaler(c), seed, ({ sim, random }) => {
    const t = scales[current]?.[Number(sim.peek("wanted"))] ?? { m: 0, e: 0 };
    sim.poke("t_m", t.m);
    sim.poke("t_e", t.e);
    sim.poke("known", random() < 0.8 ? 1 : 0);
    if (sim.peek("retire") === 1n) retired = true;
    saturated += Number(sim.peek("saturated"));
    negative += Number(sim.peek("negativeShift"));
  });
  let retired = false;
  const { random } = bench;
  const jobs: Item[] = [];
  const items: Record<string, number | bigint>[] = [];
  const expected: bigint[][] = [];
  let expectSaturated = 0;
  let expectNegative = 0;
  for (let job = 0; job < count; job++) {
    const single = random() < 0.2;
    const wide = !single && random() < 0.5;
    const per = single ? 1 : wide ? c.rows : pairs;
    const blocks = between(random, 1, 9);
    const toks = single ? 1 : between(random, 1, c.tokens);
    const tok = between(random, 0, c.tokens - toks);
    const rows = Math.max(1, blocks * per - (random() < 0.5 ? 0 : between(random, 0, 2 * per)));
    jobs.push({ rows, tok });
    scales.push(
      Array.from({ length: c.tokens }, () =>
        random() < 0.05
          ? { m: 0, e: 0 }
          : {
              m: between(random, 32768, 65535),
              e: -(random() < 0.1 ? between(random, -40, 80) : between(random, 0, 40)),
            },
      ),
    );
    for (let block = 0; block < blocks; block++) {
      for (let i = 0; i < toks; i++) {
        const sums = Array.from({ length: c.rows }, () => sumOf(random));
        const exponent = Array.from({ length: c.rows }, () => between(random, 0, 31));
        const aux = Array.from({ length: pairs }, () => between(random, 0, 255));
        const pair = between(random, 0, pairs - 1);
        items.push({
          ...Object.fromEntries(sums.map((s, r) => [`sums_${r}`, s])),
          ...Object.fromEntries(exponent.map((e, r) => [`tag_exponent_${r}`, e])),
          ...Object.fromEntries(aux.map((a, r) => [`tag_aux_${r}`, a])),
          tag_wide: wide ? 1 : 0,
          tag_single: single ? 1 : 0,
          tag_pair: pair,
          tag_tok: i,
          tag_lastTok: i === toks - 1 ? 1 : 0,
          tag_end: block === blocks - 1 && i === toks - 1 ? 1 : 0,
        });
        for (let j = 0; j < per; j++) {
          const row = block * per + j;
          if (row >= rows) continue;
          const entry = single ? 2 * pair : wide ? j : 2 * j;
          const { m, e } = scales[job]![i]!;
          const shift = exponent[entry]! - e;
          const exact = shift > 62 ? 0n : rshr(sums[entry]! * BigInt(m), Math.max(0, shift));
          if (saturate(exact) !== exact) expectSaturated++;
          if (shift < 0) expectNegative++;
          const last = row === rows - 1;
          expected.push([
            saturate(exact),
            wide ? -1n : BigInt(aux[single ? 0 : j]!),
            BigInt(row),
            BigInt(tok + i),
            last ? 1n : 0n,
            last && i === toks - 1 ? 1n : 0n,
          ]);
        }
      }
    }
  }
  bench.send("job", jobs, 0.5);
  const sender = bench.send("sums", items, offer);
  const out = bench.collect("result", ["value", "aux", "row", "tok", "lastRow", "last"], take);
  bench.run(() => {
    if (retired) current++;
    retired = false;
    return current === count && sender.sent === items.length && out.items.length === expected.length;
  }, 400_000);
  for (const [i, e] of expected.entries()) {
    const got = out.items[i]!;
    assert.deepEqual(e[1] === -1n ? [got[0], -1n, ...got.slice(2)] : got, e, `result ${i}`);
  }
  assert.equal(saturated, expectSaturated);
  assert.equal(negative, expectNegative);
};

describe("row scaler", () => {
  for (const rows of [2, 4, 8]) {
    for (const tokens of [1, 2]) {
      it(`scales ${rows} rows, ${tokens} token(s)`, () => {
        run({ ...defaultConfig, rows, tokens }, rows + tokens, 250, 1, 1);
        run({ ...defaultConfig, rows, tokens }, 20 + rows + tokens, 250, 0.5, 0.6);
        run({ ...defaultConfig, rows, tokens }, 40 + rows + tokens, 250, 1, 0.3);
      });
    }
  }

  it("gives a row per cycle", () => {
    const bench = new Bench(rowScaler(defaultConfig), 1);
    bench.sim.poke("known", 1);
    bench.sim.poke("t_m", 40000);
    bench.sim.poke("t_e", -10);
    bench.send("job", [{ rows: 200, tok: 0 }]);
    bench.send(
      "sums",
      Array.from({ length: 100 }, (_, i) => ({
        sums_0: i,
        sums_1: i,
        tag_exponent_0: 0,
        tag_exponent_1: 0,
        tag_aux_0: 0,
        tag_wide: 1,
        tag_single: 0,
        tag_pair: 0,
        tag_tok: 0,
        tag_lastTok: 1,
        tag_end: i === 99 ? 1 : 0,
      })),
    );
    const out = bench.collect("result", ["value"]);
    bench.run(() => out.items.length === 200);
    assert.equal(out.at[199]! - out.at[0]!, 199);
    assert.ok(out.at[0]! <= ROW_LATENCY + 1);
  });
});
