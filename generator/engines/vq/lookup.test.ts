import assert from "node:assert/strict";
import { lookUpSum } from "../../../golden/quantise/vq.js";
import { Bench, between, type Item, type Random, randomFrom } from "../../library/testing.js";
import { checkInTools } from "../units.tools.testing.js";
import { type LookupSize, tableLookup } from "./lookup.js";
import { PAIRS } from "./size.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** [pair][activation index][weight index] */
type Tables = number[][][];

const tablesOf = (random: Random): Tables =>
  range(PAIRS).map((p) =>
    range(64).map(() =>
      range(16).map(() =>
        p === 0 ? -128 : p === 1 ? 127 : random() < 0.1 ? -128 : between(random, -128, 127),
      ),
    ),
  );
const loads = (tables: Tables, set: number): Item[] =>
  tables.flatMap((table, pair) =>
    table.map((row, index) => ({
      set,
      pair,
      index,
      ...Object.fromEntries(row.map((v, i) => [`entries_${i}`, v])),
    })),
  );

interface Beat {
  readonly set: number;
  readonly act: number[];
  readonly weights: number[][];
}
const anyBeat = (random: Random, { rows, sets }: LookupSize): Beat => ({
  set: between(random, 0, sets - 1),
  act: range(PAIRS).map(() => between(random, 0, 63)),
  weights: range(rows).map(() => range(PAIRS).map(() => between(random, 0, 15))),
});
const itemOf = ({ set, act, weights }: Beat): Item => ({
  set,
  weights: weights
    .flatMap((row, r) => row.map((w, p) => BigInt(w) << BigInt(4 * (16 * r + p))))
    .reduce((a, b) => a | b),
  ...Object.fromEntries(act.map((a, p) => [`act_${p}`, a])),
});

const run = (
  size: LookupSize,
  tables: readonly Tables[],
  beats: readonly Beat[],
  seed: number,
  offer = 1,
  take = 1,
): number => {
  const bench = new Bench(tableLookup(size), seed);
  const all = tables.flatMap(loads);
  const load = bench.send("load", all);
  bench.run(() => load.sent === all.length);
  const from = bench.cycles;
  bench.send("beat", beats.map(itemOf), offer);
  const out = bench.collect(
    "sums",
    range(size.rows).map((r) => `${r}`),
    take,
  );
  bench.run(() => out.items.length === beats.length);
  for (const [i, { set, act, weights }] of beats.entries())
    assert.deepEqual(
      out.items[i]!.map(Number),
      weights.map((row) => lookUpSum(tables[set]!, act, row)),
      `sums of beat ${i}`,
    );
  return bench.cycles - from;
};

describe("2-D table lookup (LUT-LLM)", () => {
  for (const size of [
    { rows: 1, sets: 2 },
    { rows: 3, sets: 4 },
    { rows: 8, sets: 2 },
  ])
    it(`gives golden's sums with random stalls: ${size.rows} rows, ${size.sets} sets`, () => {
      const random = randomFrom(size.rows);
      const tables = range(size.sets).map(() => tablesOf(random));
      const beats = range(300).map(() => anyBeat(random, size));
      run(size, tables, beats, 1);
      run(size, tables, beats, 2, 0.6, 0.4);
      run(size, tables, beats, 3, 1, 0.2);
    });

  it("picks every entry of every table, and adds extremes: 16 of -128, 16 of 127", () => {
    const random = randomFrom(7);
    const tables = [
      tablesOf(random),
      range(PAIRS).map(() => range(64).map((a) => range(16).map(() => (a < 32 ? -128 : 127)))),
    ];
    const entries = range(64).flatMap((a) =>
      range(16).map(
        (w): Beat => ({ set: 0, act: range(PAIRS).map(() => a), weights: [range(PAIRS).map(() => w)] }),
      ),
    );
    const extremes = [0, 63].map(
      (a): Beat => ({ set: 1, act: range(PAIRS).map(() => a), weights: [range(PAIRS).map(() => 3)] }),
    );
    const cycles = run({ rows: 1, sets: 2 }, tables, [...entries, ...extremes], 4);
    assert.ok(cycles <= entries.length + extremes.length + 8, `a beat a cycle; it took ${cycles}`);
  });

  it("loads one set while another is used", () => {
    const random = randomFrom(8);
    const size = { rows: 2, sets: 2 };
    const [first, second] = [tablesOf(random), tablesOf(random)];
    const bench = new Bench(tableLookup(size), 5);
    const load = bench.send("load", loads(first, 0));
    bench.run(() => load.sent === 64 * PAIRS);
    const beats = range(400).map((): Beat => ({ ...anyBeat(random, size), set: 0 }));
    const reload = bench.send("load", loads(second, 1), 0.9);
    const sender = bench.send("beat", beats.map(itemOf), 0.5);
    const out = bench.collect("sums", ["0", "1"], 0.9);
    bench.run(() => reload.sent === 64 * PAIRS && out.items.length === beats.length);
    const later = range(100).map((): Beat => ({ ...anyBeat(random, size), set: 1 }));
    sender.items.push(...later.map(itemOf));
    bench.run(() => out.items.length === beats.length + later.length);
    for (const [i, { set, act, weights }] of [...beats, ...later].entries())
      assert.deepEqual(
        out.items[i]!.map(Number),
        weights.map((row) => lookUpSum(set === 0 ? first : second, act, row)),
      );
  });

  it("is clean Verilog, and the same in Icarus and Verilator", () => {
    const size = { rows: 2, sets: 2 };
    const all = range(2).flatMap((set) => loads(tablesOf(randomFrom(12 + set)), set));
    return checkInTools(
      tableLookup(size),
      (random, cycle) => ({
        ...Object.fromEntries(Object.entries(all[cycle % all.length]!).map(([k, v]) => [`load_${k}`, v])),
        load_valid: cycle < all.length + 5 ? 1 : 0,
        ...Object.fromEntries(
          Object.entries(itemOf(anyBeat(random, size))).map(([k, v]) => [`beat_${k}`, v]),
        ),
        beat_valid: cycle < all.length + 5 || between(random, 0, 3) === 0 ? 0 : 1,
        sums_ready: between(random, 0, 3) === 0 ? 0 : 1,
      }),
      all.length + 200,
    );
  });

  it("refuses sizes that it cannot do", () => {
    assert.throws(() => tableLookup({ rows: 2, sets: 3 }), /power of two, 2 to 64; this one is 3/);
    assert.throws(() => tableLookup({ rows: 0, sets: 2 }), /1 to 512/);
    assert.throws(() => tableLookup({ rows: 513, sets: 2 }), /those that share a table/);
  });
});
