import assert from "node:assert/strict";
import {
  type AcceleratorConfig,
  beatBits,
  defaultConfig,
  type Features,
  NO_FEATURES,
} from "../isa/config.js";
import { CONSTANT_RAMS, EPILOGUES, type Epilogue } from "../isa/instruction.js";
import { Bench, between, type Item, type Random } from "../library/testing.js";
import { projection } from "./projection.js";
import { peekSquares, rising, type Squares, squaresOf } from "./squares.testing.js";

const sat24 = (v: bigint): bigint =>
  v > 2n ** 23n - 1n ? 2n ** 23n - 1n : v < -(2n ** 23n) ? -(2n ** 23n) : v;
const rshr = (a: bigint, n: bigint): bigint => (a + (1n << (n - 1n))) >> n;
const KINDS = ["query", "key", "value", "gateup", "logits"] as const satisfies readonly Epilogue[];

interface Constants {
  readonly bias: Int32Array;
  readonly gain: { readonly query: Int16Array; readonly key: Int16Array };
}
interface Job {
  readonly item: Item;
  readonly results: readonly { readonly value: number; readonly row: number; readonly tok: number }[];
  readonly values: readonly number[];
  readonly squares: readonly { readonly slot: number; readonly tok: number; readonly sums: Squares }[];
  readonly keys: readonly Squares[];
  readonly saturated: boolean;
}

/** A job and what must come of it: contract sections 4 (bias) and 5a. */
const makeJob = (c: AcceleratorConfig, random: Random, { bias, gain }: Constants, wild: boolean): Job => {
  const kind = KINDS[between(random, 0, KINDS.length - 1)]!;
  const isHead = kind === "query" || kind === "key";
  const biased = c.features.bias && (isHead || kind === "value") && random() < 0.8;
  const normed = c.features.qkNorm && isHead && random() < 0.8;
  const headDim = 32 * 2 ** between(random, 0, 1);
  const heads = kind === "key" || kind === "value" ? between(random, 1, 2) : 1;
  const rows = kind === "logits" || kind === "gateup" ? between(random, 1, 50) : headDim * heads;
  const first = kind === "query" ? between(random, 0, c.biasEntries - rows) : kind === "value" ? rows : 0;
  const slot = between(random, 0, c.slots - 1);
  let saturated = false;
  const narrowed = (v: bigint): bigint => {
    if (sat24(v) !== v) saturated = true;
    return sat24(v);
  };
  const vectors = Array.from({ length: c.tokens }, () =>
    Array.from({ length: rows }, (_, row) =>
      wild
        ? rising(random, (row % headDim) / headDim, 32)
        : rising(random, (row % headDim) / headDim, 24) >> 1,
    ),
  );
  const squares: Job["squares"][number][] = [];
  const keys: Squares[] = [];
  const values = vectors.map((vector, tok) => {
    const before = vector.map((v, row) => {
      if (!biased && !normed) return BigInt(v);
      const narrow = narrowed(BigInt(v));
      return biased ? narrowed(narrow + BigInt(bias[first + row]!)) : narrow;
    });
    if (!normed) return before;
    if (kind === "query") squares.push({ slot, tok, sums: squaresOf(before.map(Number)) });
    return before.map((v, row) =>
      narrowed(rshr(v * BigInt(gain[kind as "query" | "key"][row % headDim]!), 15n)),
    );
  });
  if (normed && kind === "key")
    for (let head = 0; head < heads; head++)
      for (const vector of vectors) {
        const before = vector.slice(head * headDim, (head + 1) * headDim).map((v, i) => {
          const narrow = sat24(BigInt(v));
          return Number(biased ? sat24(narrow + BigInt(bias[head * headDim + i]!)) : narrow);
        });
        keys.push(squaresOf(before));
      }
  const results = Array.from({ length: rows * c.tokens }, (_, i) => {
    const [row, tok] = [Math.floor(i / c.tokens), i % c.tokens];
    return { value: vectors[tok]![row]!, row, tok };
  });
  return {
    item: {
      epilogue: EPILOGUES.indexOf(kind),
      rows,
      slot,
      headGroups: headDim / 32,
      ...(c.features.bias ? { bias_0: biased ? 1 : 0, constant_0: kind === "query" ? first : 0 } : {}),
      ...(c.features.qkNorm ? { headNorm_0: normed ? 1 : 0 } : {}),
    },
    results,
    values: results.map(({ row, tok }) => Number(values[tok]![row])),
    squares,
    keys,
    saturated,
  };
};

const run = (c: AcceleratorConfig, seed: number, wild: boolean): void => {
  const got: Squares[] = [];
  const bench = new Bench(projection(c), seed, ({ sim }) => {
    if (c.features.qkNorm && sim.peek("key_0_valid") === 1n) got.push(peekSquares(sim, "key_0_squares"));
  });
  const { sim, random } = bench;
  for (const port of ["load_enable", "load_ram", "load_beat", "load_data", "squaresAt_slot", "squaresAt_tok"])
    sim.poke(port, 0);
  const out = bench.collect("projected", ["value", "row", "tok", "last"], 0);

  const int = (bits: number): number => between(random, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  const constants: Constants = {
    bias: Int32Array.from({ length: c.biasEntries }, () => int(wild ? 24 : 16)),
    gain: {
      query: Int16Array.from({ length: c.headDim }, () => (wild ? int(16) : between(random, 1, 32767))),
      key: Int16Array.from({ length: c.headDim }, () => (wild ? int(16) : between(random, 1, 32767))),
    },
  };
  const load = (ram: (typeof CONSTANT_RAMS)[number], words: readonly number[]): void => {
    const perBeat = beatBits(c) / 32;
    for (let beat = 0; beat < words.length / perBeat; beat++) {
      let data = 0n;
      for (let i = perBeat; i-- > 0; ) data = (data << 32n) | BigInt((words[beat * perBeat + i] ?? 0) >>> 0);
      sim.poke("load_enable", 1);
      sim.poke("load_ram", CONSTANT_RAMS.indexOf(ram));
      sim.poke("load_beat", beat);
      sim.poke("load_data", data);
      bench.cycle();
    }
    sim.poke("load_enable", 0);
  };
  if (c.features.bias) load("bias", [...constants.bias]);
  const { query, key } = constants.gain;
  if (c.features.qkNorm)
    load(
      "headgain",
      [...query].map((g, i) => (g & 0xffff) | (key[i]! << 16)),
    );

  const jobs = Array.from({ length: 24 }, () => makeJob(c, random, constants, wild));
  out.rate = 0.7;
  bench.send(
    "job",
    jobs.map(({ item }) => item),
    0.5,
  );
  bench.send(
    "result",
    jobs.flatMap(({ results }) =>
      results.map(({ value, row, tok }, i) => ({
        value: value >>> 0,
        aux: between(random, 0, 255),
        row,
        tok,
        lastRow: row === results.at(-1)!.row ? 1 : 0,
        last: i === results.length - 1 ? 1 : 0,
      })),
    ),
    0.8,
  );
  let saturated = false;
  for (const [i, job] of jobs.entries()) {
    bench.run(() => out.items.length >= job.values.length);
    const items = out.items.splice(0, job.values.length);
    assert.deepEqual(
      items.map(([v, row, tok, last]) => [
        Number(BigInt.asIntN(32, v!)),
        Number(row),
        Number(tok),
        Number(last),
      ]),
      job.results.map(({ row, tok }, r) => [job.values[r]!, row, tok, r === job.values.length - 1 ? 1 : 0]),
      `job ${i}`,
    );
    for (const { slot, tok, sums } of job.squares) {
      sim.poke("squaresAt_slot", slot);
      sim.poke("squaresAt_tok", tok);
      assert.deepEqual(peekSquares(sim, "squares_0"), sums, `query head of job ${i}, token ${tok}`);
    }
    saturated ||= job.saturated;
    if (saturated) assert.equal(sim.peek("saturated"), 1n);
  }
  assert.deepEqual(
    got,
    jobs.flatMap(({ keys }) => keys),
    "sums of squares of keys, in order",
  );
  assert.equal(sim.peek("saturated") === 1n, saturated);
  assert.equal(saturated, wild);
};

describe("projection", () => {
  const cases: readonly (readonly [string, Partial<Features>])[] = [
    ["biases", { bias: true }],
    ["norms of q and k", { qkNorm: true }],
    ["both", { bias: true, qkNorm: true }],
  ];
  for (const [name, features] of cases)
    for (const tokens of [1, 2])
      it(`${name}: ${tokens} token(s)`, () => {
        const c = { ...defaultConfig, tokens, headDim: 64, features: { ...NO_FEATURES, ...features } };
        run(c, tokens, false);
        run(c, tokens + 2, true);
      });
});
