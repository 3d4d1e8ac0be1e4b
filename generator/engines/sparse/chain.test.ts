/** The chain against the integer dot product of dense rows: patterns mixed beat by beat, stalls on both sides. */
import assert from "node:assert/strict";
import { Bench, between, type Item, type Random } from "../../library/testing.js";
import { type Chain, rowsPerCycle, sparseChain } from "./chain.js";
import { DENSE, type Pattern, segment } from "./patterns.js";

type Style = "lowest" | "highest" | "extremes" | "random";
const STYLES: readonly Style[] = ["lowest", "highest", "extremes", "random", "random"];
const pick = (random: Random, style: Style, lo: number, hi: number): number =>
  style === "lowest"
    ? lo
    : style === "highest"
      ? hi
      : style === "extremes"
        ? random() < 0.5
          ? lo
          : hi
        : between(random, lo, hi);

/** Rows [row][column] of a pattern. */
const rowsOf = (c: Chain, p: Pattern, random: Random, style: Style): number[][] =>
  Array.from({ length: rowsPerCycle(c, p) }, () => {
    const row = new Array<number>(c.columns).fill(0);
    for (let block = 0; block < c.columns; block += p.m) {
      const kept = Array.from({ length: p.m }, (_, i) => i);
      while (kept.length > p.n) kept.splice(between(random, 0, kept.length - 1), 1);
      for (const i of kept) {
        const w = pick(random, style, -3, 3);
        row[block + i] = w === 0 ? 1 : w; // kept: not 0
      }
    }
    return row;
  });

/** A beat of dense rows: kept values and their indices in the order of the columns. */
const beatOf = (c: Chain, p: Pattern, rows: readonly number[][], acts: readonly number[][]): Item => {
  const value: number[] = [];
  const index: number[] = [];
  for (const row of rows)
    for (const [column, w] of row.entries())
      if (w !== 0 || p.m === 1) {
        value.push(w);
        index.push(column % p.m);
      }
  assert.equal(value.length, segment(c.columns, p) * rows.length);
  return {
    pattern: c.patterns.indexOf(p),
    ...Object.fromEntries(value.map((w, i) => [`value_${i}`, w])),
    ...Object.fromEntries(index.map((x, i) => [`index_${i}`, x])),
    ...Object.fromEntries(acts.flatMap((act, t) => act.map((a, i) => [`act_${t}_${i}`, a]))),
  };
};

const dot = (row: readonly number[], act: readonly number[]): number =>
  row.reduce((s, w, i) => s + w * act[i]!, 0);

interface Work {
  readonly p: Pattern;
  readonly rows: readonly number[][];
  readonly acts: readonly number[][];
}

/** All beats in order; cycles that it took. */
const run = (c: Chain, work: readonly Work[], seed: number, offer: number, take: number): number => {
  const bench = new Bench(sparseChain(c), seed);
  bench.send(
    "beat",
    work.map(({ p, rows, acts }) => beatOf(c, p, rows, acts)),
    offer,
  );
  const most = Math.max(...c.patterns.map((p) => rowsPerCycle(c, p)));
  const ports = Array.from({ length: c.tokens * most }, (_, i) => `sums_${Math.floor(i / most)}_${i % most}`);
  const out = bench.collect("rows", ports, take);
  bench.run(() => out.items.length === work.length);
  for (const [i, { rows, acts }] of work.entries())
    for (const [t, act] of acts.entries())
      assert.deepEqual(
        out.items[i]!.slice(t * most, t * most + rows.length).map(Number),
        rows.map((row) => dot(row, act)),
        `beat ${i}, pattern ${work[i]!.p.n}:${work[i]!.p.m}, token ${t}`,
      );
  return bench.cycles;
};

const randomWork = (c: Chain, random: Random, beats: number): Work[] =>
  Array.from({ length: beats }, () => {
    const style = () => STYLES[between(random, 0, STYLES.length - 1)]!;
    const p = c.patterns[between(random, 0, c.patterns.length - 1)]!;
    const rows = rowsOf(c, p, random, style());
    const acts = Array.from({ length: c.tokens }, () => {
      const s = style();
      return Array.from({ length: c.columns }, () => pick(random, s, -127, 127));
    });
    return { p, rows, acts };
  });

const of = (n: number, m: number): Pattern => ({ n, m });
const ALL = [DENSE, of(1, 4), of(2, 4), of(2, 8), of(4, 8), of(1, 16), of(2, 16), of(4, 16), of(8, 16)];
const CHAINS: readonly Chain[] = (["fabric", "xcup", "xc7"] as const).flatMap((family) =>
  ([1, 2] as const).flatMap((tokens): Chain[] => [
    { columns: 32, patterns: [DENSE, of(2, 4)], tokens, family },
    { columns: 32, patterns: ALL, tokens, family },
    { columns: 32, patterns: [DENSE, of(1, 4), of(2, 4)], tokens, family, span: 16 },
    { columns: 64, patterns: [of(2, 4), DENSE, of(4, 8)], tokens, family, span: 8 },
  ]),
);

describe("sparse chain", () => {
  for (const c of CHAINS) {
    const title = `${c.columns} columns, ${c.patterns.length} patterns, ${c.tokens} token(s), ${c.family}, cascades of ${c.span ?? c.columns}`;
    it(`${title}: exact with stalls`, () => {
      const random = new Bench(sparseChain(c), 7).random;
      run(c, randomWork(c, random, 150), 1, 1, 1);
      run(c, randomWork(c, random, 60), 2, 0.6, 0.4);
    });
  }
});
