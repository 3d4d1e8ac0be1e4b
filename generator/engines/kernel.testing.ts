/** For tests of kernels: group sums straight from the written format (isa/README.md, contract section 4), and a bench around a kernel. */
import assert from "node:assert/strict";
import { type AcceleratorConfig, beatBits } from "../isa/config.js";
import { type BeatCode, beatCode } from "../isa/codes.js";
import { Bench, between, type Item, type Random, randomBits } from "../library/testing.js";
import type { Family, Kernel, KernelModule } from "./kernel.js";
import { GROUP } from "./port.js";

/** Where a row's field stands: nibbles of row pairs, and what is left of an odd number of rows in pairs of bits. */
const position = (rows: number, row: number, column: number): bigint => {
  const pairsBefore = Math.floor(row / 2) * GROUP * 4;
  const alone = row % 2 === 0 && row + 1 === rows;
  return BigInt(alone ? pairsBefore + column * 2 : pairsBefore + column * 4 + (row % 2) * 2);
};
const field = (rows: number, weights: bigint, row: number, column: number): number =>
  Number((weights >> position(rows, row, column)) & 3n);

/** The weight of every column of a row; of row pair `row` for w4. */
export const weightsOfRow = (rows: number, code: BeatCode, weights: bigint, row: number): number[] => {
  const columns = Array.from({ length: GROUP }, (_, i) => i);
  const f = (r: number, i: number) => field(rows, weights, r, i);
  switch (code) {
    case "w2":
      return columns.map((i) => 2 * (f(row, i) - 2) + 1);
    case "ternary":
      return columns.map((i) => f(row, i) - 2);
    case "w4":
      return columns.map((i) => 4 * (f(2 * row + 1, i) - 2) + (f(2 * row, i) - 2) + 2);
    case "n24": {
      const row4 = columns.map(() => 0);
      for (let q = 0; q < GROUP; q += 4)
        for (const k of [0, 1]) row4[q + f(row, q + 2 + k)] = 2 * (f(row, q + k) - 2) + 1;
      return row4;
    }
  }
};

/** Group sums of one beat: R of them, of w4 R/2. */
export const groupSumsOf = (
  rows: number,
  code: BeatCode,
  weights: bigint,
  act: readonly number[],
): number[] =>
  Array.from({ length: code === "w4" ? rows / 2 : rows }, (_, r) =>
    weightsOfRow(rows, code, weights, r).reduce((sum, w, i) => sum + w * act[i]!, 0),
  );

export type Style = "zeros" | "ones" | "extremes" | "random";
const STYLES: readonly Style[] = ["zeros", "ones", "extremes", "random", "random", "random"];

/** Fields of a beat that are legal for the code. */
export const beatOf = (c: AcceleratorConfig, code: BeatCode, random: Random, style: Style): bigint => {
  const bits = beatBits(c);
  if (code === "w2" || code === "w4")
    return style === "zeros"
      ? 0n
      : style === "ones"
        ? (1n << BigInt(bits)) - 1n
        : style === "extremes"
          ? Array.from({ length: bits / 2 }, (): bigint => (random() < 0.5 ? 0n : 3n)).reduce(
              (w, f) => (w << 2n) | f,
              0n,
            )
          : randomBits(random, bits);
  let weights = 0n;
  const set = (row: number, column: number, value: number) => {
    weights |= BigInt(value) << position(c.rows, row, column);
  };
  const value = (lowest: number) =>
    style === "zeros"
      ? lowest
      : style === "ones"
        ? 3
        : style === "extremes"
          ? random() < 0.5
            ? lowest
            : 3
          : between(random, lowest, 3);
  for (let row = 0; row < c.rows; row++)
    for (let q = 0; q < GROUP; q += 4) {
      if (code === "ternary") for (let k = 0; k < 4; k++) set(row, q + k, value(1));
      else {
        const first = between(random, 0, 2); // indices ascend
        set(row, q, value(0));
        set(row, q + 1, value(0));
        set(row, q + 2, first);
        set(row, q + 3, between(random, first + 1, 3));
      }
    }
  return weights;
};

const activation = (random: Random, style: Style): number => {
  switch (style) {
    case "zeros":
      return -127;
    case "ones":
      return 127;
    case "extremes":
      return random() < 0.5 ? 127 : -127;
    case "random":
      return between(random, -127, 127);
  }
};
export const actOf = (random: Random, style: Style): number[] =>
  Array.from({ length: GROUP }, () => activation(random, style));

export interface KernelRun {
  readonly cycles: number;
  readonly beats: number;
}

/** Random beats of the codes through a kernel with random stalls on both sides; every group sum must be exact. */
export const runKernel = (
  def: KernelModule,
  c: AcceleratorConfig,
  codes: readonly BeatCode[],
  o: {
    readonly seed: number;
    readonly beats: number;
    readonly offer: number;
    readonly take: number;
    /** Every batch has all tokens; else 1 to all of them. */
    readonly fullBatches?: boolean;
  },
): KernelRun => {
  const bench = new Bench(def, o.seed);
  const { random } = bench;
  const items: Item[] = [];
  const expected: number[][] = [];
  const possible = codes.filter((k) => k !== "w4" || c.rows % 2 === 0);
  while (items.length < o.beats) {
    const code = possible[between(random, 0, possible.length - 1)]!;
    const pick = () => STYLES[between(random, 0, STYLES.length - 1)]!;
    const weights = beatOf(c, code, random, pick());
    // Tokens of a batch share a beat of weights.
    const toks = o.fullBatches === true ? c.tokens : between(random, 1, c.tokens);
    for (let tok = 0; tok < toks; tok++) {
      const act = actOf(random, pick());
      items.push({
        weights,
        code: beatCode(code),
        first: between(random, 0, 1),
        last: between(random, 0, 1),
        tag_wide: code === "w4" ? 0 : 1,
        tag_single: between(random, 0, 1),
        tag_pair: 0,
        tag_tok: tok,
        tag_lastTok: tok === toks - 1 ? 1 : 0,
        tag_end: between(random, 0, 1),
        ...Object.fromEntries(
          Array.from({ length: c.rows }, (_, r) => [`tag_exponent_${r}`, between(random, 0, 31)]),
        ),
        ...Object.fromEntries(
          Array.from({ length: Math.floor(c.rows / 2) }, (_, r) => [`tag_aux_${r}`, between(random, 0, 255)]),
        ),
        ...Object.fromEntries(
          Array.from({ length: c.rows }, (_, r) => [`mantissa_${r}`, between(random, 0, 2 ** 14)]),
        ),
        ...Object.fromEntries(act.map((a, i) => [`act_${i}`, a])),
      });
      expected.push(groupSumsOf(c.rows, code, weights, act));
    }
  }
  bench.send("beat", items, o.offer);
  const along = Object.keys(items[0]!).filter(
    (k) => k.startsWith("tag_") || k.startsWith("mantissa_") || k === "first" || k === "last",
  );
  const out = bench.collect(
    "groups",
    [...along, ...Array.from({ length: c.rows }, (_, r) => `groups_${r}`)],
    o.take,
  );
  bench.run(() => out.items.length === expected.length);
  for (const [i, sums] of expected.entries()) {
    const got = out.items[i]!.slice(along.length);
    const counted = sums.length === c.rows ? got : got.filter((_, r) => r % 2 === 0);
    assert.deepEqual(counted.map(Number), sums, `group sums of beat ${i}, code ${items[i]!.code}`);
    assert.deepEqual(
      out.items[i]!.slice(0, along.length).map(Number),
      along.map((k) => Number(items[i]![k])),
      `what travels along with beat ${i}`,
    );
  }
  return { cycles: bench.cycles, beats: items.length };
};

/** What every kernel has to pass: all codes, corners, stalls; and its stated rate. */
export const checkKernel = (kernel: Kernel, family: Family, c: AcceleratorConfig, beats = 300): void => {
  if (c.rows % 2 === 1 && kernel.codes.every((code) => code === "w4")) {
    assert.throws(() => kernel.build(c, family), /rows is even/);
    return;
  }
  const def = kernel.build(c, family);
  runKernel(def, c, kernel.codes, { seed: 1, beats, offer: 1, take: 1 });
  runKernel(def, c, kernel.codes, { seed: 2, beats, offer: 0.6, take: 0.5 });
  runKernel(def, c, kernel.codes, { seed: 3, beats, offer: 1, take: 0.15 });
  runKernel(def, c, kernel.codes, { seed: 4, beats, offer: 0.2, take: 1 });
};

/** Beats per cycle as stated: `beats` of one code take cyclesPerBeat each, and the latency once. */
export const checkRate = (kernel: Kernel, family: Family, c: AcceleratorConfig, code: BeatCode): void => {
  const beats = 200;
  const { cycles, beats: sent } = runKernel(kernel.build(c, family), c, [code], {
    seed: 5,
    beats,
    offer: 1,
    take: 1,
    fullBatches: true,
  });
  const stated = kernel.cyclesPerBeat(c, code) * sent;
  assert.ok(
    cycles >= stated && cycles <= stated + 64,
    `${sent} beats took ${cycles} cycles, stated ${stated}`,
  );
};
