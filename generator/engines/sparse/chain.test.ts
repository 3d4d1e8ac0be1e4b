/** The chain against the integer dot product of dense rows: patterns mixed beat by beat, stalls on both sides. */
import assert from "node:assert/strict";
import { messageOf } from "../../hdl/errors.testing.js";
import { elaborate } from "../../hdl/index.js";
import { Bench, between, type Item, type Random, randomFrom } from "../../library/testing.js";
import { simulate } from "../../simulate/index.js";
import { checkInTools } from "../units.tools.testing.js";
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
    { columns: 16, patterns: [of(2, 4), of(1, 4)], tokens, family, multipliers: 8 },
  ]),
);
const SMALL: Chain = { columns: 4, patterns: [DENSE, of(2, 4)], tokens: 2, family: "xc7" };

const titleOf = (c: Chain): string =>
  `${c.multipliers ?? c.columns} multipliers for ${c.columns} columns, ${c.patterns.length} patterns, ` +
  `${c.tokens} token(s), ${c.family}, cascades of ${c.span ?? c.multipliers ?? c.columns}`;

/** Every choice of two columns of four and every kept weight, for two rows in turn. */
const everyQuad = (): number[][] => {
  const quads: number[][] = [];
  for (const [i, j] of [
    [0, 1],
    [0, 2],
    [0, 3],
    [1, 2],
    [1, 3],
    [2, 3],
  ] as const)
    for (const a of [-3, -2, -1, 1, 2, 3])
      for (const b of [-3, -2, -1, 1, 2, 3]) {
        const quad = [0, 0, 0, 0];
        [quad[i], quad[j]] = [a, b];
        quads.push(quad);
      }
  return quads;
};

describe("sparse chain", () => {
  for (const c of CHAINS)
    it(`${titleOf(c)}: exact with stalls`, () => {
      const random = randomFrom(7);
      const beats = 150;
      const cycles = run(c, randomWork(c, random, beats), 1, 1, 1);
      assert.ok(
        cycles < beats + c.columns + 12,
        `${beats} beats, whatever their patterns, took ${cycles} cycles`,
      );
      run(c, randomWork(c, random, 60), 2, 0.6, 0.4);
    });

  for (const family of ["fabric", "xcup", "xc7"] as const)
    it(`4 columns, 2 tokens, ${family}: every 2:4 quad; every activation times every weight beside every sign`, () => {
      const c = { ...SMALL, family };
      const quads = everyQuad();
      const acts = [
        [127, -126, 125, -124],
        [-1, 2, -3, 4],
      ];
      const pairs = quads.map(
        (q, i): Work => ({ p: of(2, 4), rows: [q, quads[(7 * i) % quads.length]!], acts }),
      );
      const products: Work[] = [];
      for (let w = -3; w <= 3; w++)
        for (let a = -127; a <= 127; a++)
          for (const other of [-127, -1, 0, 1, 127]) {
            const row = [w, 0, -w, w];
            products.push({
              p: DENSE,
              rows: [row],
              acts: [
                [a, 5, 0, a],
                [other, 5, other, a],
              ],
            });
          }
      run(c, [...pairs, ...products], 3, 1, 1);
    });

  for (const c of [
    { columns: 128, patterns: [DENSE, of(2, 4)], tokens: 2, family: "xc7" },
    { columns: 256, patterns: [DENSE], tokens: 2, family: "xcup" },
    { columns: 256, patterns: [DENSE, of(8, 16)], tokens: 2, family: "fabric", span: 16 },
  ] as const satisfies readonly Chain[])
    it(`${titleOf(c)}: all extremes at full depth`, () => {
      const signs = [
        () => 1,
        () => -1,
        (i: number) => (i % 2 === 0 ? 1 : -1),
        (i: number) => (i % 3 === 0 ? -1 : 1),
      ];
      const work: Work[] = [];
      for (const p of c.patterns)
        for (const w of signs)
          for (const a0 of signs)
            for (const a1 of signs) {
              const kept = (i: number) => i % p.m < p.n;
              const row = Array.from({ length: c.columns }, (_, i) => (kept(i) ? 3 * w(i) : 0));
              const act = (sign: (i: number) => number) => row.map((_, i) => 127 * sign(i));
              work.push({ p, rows: new Array(rowsPerCycle(c, p)).fill(row), acts: [act(a0), act(a1)] });
            }
      run(c, work, 4, 1, 1);
    });

  it("one token: -128 is exact too", () => {
    for (const family of ["fabric", "xcup", "xc7"] as const) {
      const c: Chain = { columns: 64, patterns: [DENSE], tokens: 1, family };
      const act = new Array<number>(64).fill(-128);
      run(
        c,
        [-3, 3].map((w) => ({ p: DENSE, rows: [new Array(64).fill(w)], acts: [act] })),
        5,
        1,
        1,
      );
    }
  });

  it("says so when the indices of a block do not ascend or leave it", () => {
    const c: Chain = { columns: 8, patterns: [DENSE, of(2, 4), of(2, 8)], tokens: 1, family: "fabric" };
    const sim = simulate(elaborate(sparseChain(c)), { checks: false });
    const checked = simulate(elaborate(sparseChain(c)));
    const tries: readonly (readonly [string, number, number[], boolean])[] = [
      ["2:4", 1, [0, 1, 2, 3, 0, 3, 1, 2], false],
      ["equal", 1, [0, 1, 2, 2, 0, 3, 1, 2], true],
      ["descending", 1, [0, 1, 2, 3, 0, 3, 2, 1], true],
      ["out of the block", 1, [0, 1, 2, 3, 0, 4, 1, 2], true],
      ["4 is in a block of 8", 2, [0, 1, 2, 3, 0, 4, 1, 2], false],
      ["dense has none", 0, [7, 6, 5, 4, 3, 2, 1, 0], false],
    ];
    for (const s of [sim, checked]) s.poke("rst", 0);
    for (const [what, pattern, index, error] of tries) {
      for (const s of [sim, checked]) {
        s.poke("beat_valid", 1);
        s.poke("beat_pattern", pattern);
        for (const [i, x] of index.entries()) s.poke(`beat_index_${i}`, x);
      }
      assert.equal(sim.peek("error") === 1n, error, what);
      if (error) assert.throws(() => checked.step(), /indices_ascend/);
      sim.poke("beat_valid", 0);
      assert.equal(sim.peek("error"), 0n);
    }
  });

  for (const c of [
    { columns: 16, patterns: [DENSE, of(1, 4), of(2, 4), of(4, 16)], tokens: 2, family: "fabric" },
    { columns: 16, patterns: [DENSE, of(2, 4)], tokens: 2, family: "xcup", span: 4 },
    { columns: 16, patterns: [of(2, 4)], tokens: 1, family: "xc7", multipliers: 8 },
  ] as const satisfies readonly Chain[])
    it(`${titleOf(c)}: Verilog is clean, and exact in Icarus and Verilator`, () =>
      checkInTools(
        sparseChain(c),
        (random) => {
          const [{ p, rows, acts }] = randomWork(c, random, 1) as [Work];
          const beat = Object.entries(beatOf(c, p, rows, acts)).map(([k, v]) => [`beat_${k}`, v]);
          return {
            ...Object.fromEntries(beat),
            beat_valid: between(random, 0, 1),
            rows_ready: random() < 0.7 ? 1 : 0,
          };
        },
        120,
      ));

  it("refuses what cannot be, with what would work", () => {
    const said = (c: Partial<Chain>): string =>
      messageOf(() => sparseChain({ ...SMALL, columns: 32, ...c })).replace(/^\S+:\d+:\d+: /, "");
    const patterns = (...list: Pattern[]) => said({ patterns: list });
    assert.equal(patterns(), "a chain has no pattern; give it dense (1:1) or an N:M such as 2:4");
    assert.equal(patterns(of(2, 6)), "M of 2:6 is 1 (dense), 2, 4, 8 or 16; 2:8 would work");
    assert.equal(patterns(of(2, 32)), "M of 2:32 is 1 (dense), 2, 4, 8 or 16; 2:16 would work");
    assert.equal(patterns(of(3, 8)), "N of 3:8 divides M: N of 1, 2, 4 would work");
    assert.equal(patterns(of(4, 4)), "N of 4:4 divides M: N of 1, 2 would work");
    assert.equal(patterns(of(2, 4), of(2, 4)), "a pattern stands twice in 2:4, 2:4");
    assert.equal(
      said({ columns: 24, patterns: [of(2, 16)] }),
      "24 columns are no multiple of M in 2:16; 32 would work",
    );
    assert.equal(
      said({ columns: 16, patterns: [of(1, 16)] }),
      "1:16 keeps 1 of 16 columns, DSP groups have 2; 32 columns would work",
    );
    assert.equal(
      said({ multipliers: 16, patterns: [DENSE, of(2, 4)] }),
      "dense keeps 32 of 32 columns; 16 multipliers are no multiple, 32 are",
    );
    assert.equal(
      said({ span: 12 }),
      "cascades of 12 multipliers do not cut 32 into whole segments; 16 would work",
    );
    assert.equal(
      said({ columns: 256 }),
      "a sum of 172 products is exact on xc7; instead of 256 columns take two chains",
    );
  });
});
