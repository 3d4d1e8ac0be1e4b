import assert from "node:assert/strict";
import { defineModule, stream } from "../../hdl/index.js";
import { type BeatCode, beatCode } from "../../isa/codes.js";
import { type AcceleratorConfig, defaultConfig } from "../../isa/config.js";
import { Bench, between, type Item, type Random } from "../../library/testing.js";
import { finish } from "../finish.js";
import { actOf, beatOf, groupSumsOf } from "../kernel.testing.js";
import { tree } from "../kernels/tree.js";
import { engineBeat, engineSums, GROUP } from "../port.js";
import { checkInTools } from "../units.tools.testing.js";
import { skipZeros } from "./skip.js";

const config: AcceleratorConfig = { ...defaultConfig, rows: 2, tokens: 1 };
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const numbered = (name: string, values: readonly (number | bigint)[]): Item =>
  Object.fromEntries(values.map((v, i) => [`${name}_${i}`, v]));

/** An engine behind zero skipping, or bare. */
const skipping = (c: AcceleratorConfig, skip: boolean) =>
  defineModule(
    "skipping_engine",
    { in: { beat: stream(engineBeat(c)) }, out: { sums: stream(engineSums(c)) } },
    ({ beat }) => {
      const some = skip ? skipZeros(c).inst("u_skip", { beat }).some : beat;
      const { groups } = tree.build(c, "fabric").inst("u_kernel", { beat: some });
      return { sums: finish(c).inst("u_finish", { groups }).sums };
    },
  );

interface Block {
  readonly items: Item[];
  readonly sums: number[];
  readonly tag: number[];
}

const blockOf = (c: AcceleratorConfig, random: Random, zeros: number): Block => {
  const code: BeatCode = (["w2", "w4", "ternary"] as const)[between(random, 0, 2)]!;
  const groups = between(random, 1, 6);
  const exponents = range(c.rows).map(() => between(random, 0, 31));
  const sums = range(code === "w4" ? c.rows / 2 : c.rows).map(() => 0);
  const items = range(groups).map((g): Item => {
    const weights = beatOf(c, code, random, "random");
    const act = random() < zeros ? range(GROUP).map(() => 0) : actOf(random, "random");
    if (random() < 0.2) act.fill(0, 1); // one activation decides
    const mantissa = range(c.rows).map(() => between(random, 0, 2 ** 14));
    for (const [r, s] of groupSumsOf(c.rows, code, weights, act).entries())
      sums[r]! += s * mantissa[code === "w4" ? 2 * r : r]!;
    return {
      weights,
      code: beatCode(code),
      first: g === 0 ? 1 : 0,
      last: g === groups - 1 ? 1 : 0,
      tag_wide: code === "w4" ? 0 : 1,
      tag_single: 0,
      tag_pair: 0,
      tag_tok: 0,
      tag_lastTok: 1,
      tag_end: g === groups - 1 ? 1 : 0, // only the last beat's tag counts
      ...numbered("tag_exponent", exponents),
      ...numbered("tag_aux", [0]),
      ...numbered("mantissa", mantissa),
      ...numbered("act", act),
    };
  });
  return { items, sums, tag: exponents };
};

const run = (skip: boolean, zeros: number, seed: number, offer: number, take: number): number => {
  const bench = new Bench(skipping(config, skip), seed);
  const blocks = range(80).map(() => blockOf(config, bench.random, zeros));
  bench.send(
    "beat",
    blocks.flatMap((b) => b.items),
    offer,
  );
  const out = bench.collect(
    "sums",
    ["sums_0", "sums_1", "tag_exponent_0", "tag_exponent_1", "tag_end"],
    take,
  );
  bench.run(() => out.items.length === blocks.length);
  for (const [i, { sums, tag }] of blocks.entries()) {
    const [s0, s1, ...rest] = out.items[i]!.map(Number);
    assert.deepEqual(sums.length === 2 ? [s0, s1] : [s0], sums, `sums of row block ${i}`);
    assert.deepEqual(rest, [...tag, 1], `tag of row block ${i}`);
  }
  return bench.cycles;
};

describe("zero skipping (Q-Sparse)", () => {
  it("keeps the row sums of an engine: no zero groups, some, most, only", () => {
    run(false, 0.4, 9, 0.8, 0.8);
    for (const [i, zeros] of [0, 0.4, 0.9, 1].entries()) {
      run(true, zeros, 10 + i, 1, 1);
      run(true, zeros, 20 + i, 0.6, 0.4);
      run(true, zeros, 30 + i, 1, 0.2);
      run(true, zeros, 40 + i, 0.3, 1);
    }
  });

  it("hands an engine only the beats that count, and one of a row block without any", () => {
    const bench = new Bench(skipZeros(config), 50);
    const { random } = bench;
    const blocks = range(60).map(() => blockOf(config, random, 0.7).items);
    const counts = (b: Item) => range(GROUP).some((i) => b[`act_${i}`] !== 0);
    bench.send("beat", blocks.flat());
    const out = bench.collect("some", ["first", "last"]);
    const expected = blocks.flatMap((items) => {
      const n = Math.max(1, items.filter(counts).length);
      return range(n).map((i) => [i === 0 ? 1n : 0n, i === n - 1 ? 1n : 0n]);
    });
    bench.run(() => out.items.length === expected.length);
    assert.deepEqual(out.items, expected);
    assert.ok(bench.cycles <= blocks.flat().length + 60, "it takes a beat a cycle");
  });

  it("is clean Verilog, and the same in Icarus and Verilator", () => {
    const items = (random: Random): Item[] => range(60).flatMap(() => blockOf(config, random, 0.5).items);
    let all: Item[] = [];
    return checkInTools(
      skipZeros(config),
      (random, cycle) => {
        if (all.length === 0) all = items(random);
        return {
          ...Object.fromEntries(Object.entries(all[cycle % all.length]!).map(([k, v]) => [`beat_${k}`, v])),
          beat_valid: between(random, 0, 3) === 0 ? 0 : 1,
          some_ready: between(random, 0, 3) === 0 ? 0 : 1,
        };
      },
      200,
    );
  });

  it("refuses several tokens: they share the weights of a beat", () => {
    assert.throws(() => skipZeros({ ...config, tokens: 2 }), /one token at a time, not 2.*use tokens 1/);
  });
});
