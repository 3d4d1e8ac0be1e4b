import assert from "node:assert/strict";
import { Bench, between, type Random, randomBits } from "../library/testing.js";
import { type AcceleratorConfig, beatBits, defaultConfig } from "../isa/config.js";
import { engine } from "./engine.js";
import { FINISH_LATENCY } from "./finish.js";
import { beatCode } from "../isa/codes.js";
import { GROUP } from "./port.js";

interface Beat {
  readonly weights: bigint;
  readonly act: number[];
  readonly mantissa: number[];
}

const digitAt = (weights: bigint, row: number, column: number): number =>
  Number((weights >> BigInt(4 * (GROUP * (row >> 1) + column) + 2 * (row & 1))) & 3n) - 2;

/** Contract section 4, straight from the codes. */
const reference = (rows: number, wide: boolean, beats: readonly Beat[]): bigint[] =>
  Array.from({ length: wide ? rows : rows / 2 }, (_, r) => {
    let sum = 0n;
    for (const { weights, act, mantissa } of beats) {
      let dot = 0;
      act.forEach((a, i) => {
        const code = wide
          ? 2 * digitAt(weights, r, i) + 1
          : 4 * digitAt(weights, 2 * r + 1, i) + digitAt(weights, 2 * r, i) + 2;
        dot += code * a;
      });
      sum += BigInt(dot * mantissa[wide ? r : 2 * r]!);
    }
    return sum;
  });

const actOf = (random: Random, style: number): number[] =>
  Array.from({ length: GROUP }, () =>
    style === 0
      ? 127
      : style === 1
        ? -127
        : style === 2
          ? random() < 0.5
            ? 127
            : -127
          : between(random, -127, 127),
  );
const weightsOf = (random: Random, bits: number, style: number): bigint =>
  style === 0 ? 0n : style === 1 ? (1n << BigInt(bits)) - 1n : randomBits(random, bits);

const run = (
  c: AcceleratorConfig,
  seed: number,
  blocks: number,
  offer: number,
  take: number,
): { cycles: number; beats: number } => {
  const bench = new Bench(engine(c), seed);
  const { random } = bench;
  const items: Record<string, number | bigint>[] = [];
  const expected: bigint[][] = [];
  for (let block = 0; block < blocks; block++) {
    const wide = random() < 0.5;
    const groups = between(random, 1, 5);
    const toks = between(random, 1, c.tokens);
    const style = between(random, 0, 5);
    const tag = Array.from({ length: toks }, (_, tok) => ({
      tag_wide: wide ? 1 : 0,
      tag_single: between(random, 0, 1),
      tag_pair: 0,
      tag_tok: tok,
      tag_lastTok: tok === toks - 1 ? 1 : 0,
      tag_end: between(random, 0, 1),
      ...Object.fromEntries(
        Array.from({ length: c.rows }, (_, r) => [`tag_exponent_${r}`, between(random, 0, 31)]),
      ),
      ...Object.fromEntries(
        Array.from({ length: c.rows / 2 }, (_, r) => [`tag_aux_${r}`, between(random, 0, 255)]),
      ),
    }));
    const perTok: Beat[][] = tag.map(() => []);
    for (let g = 0; g < groups; g++) {
      const weights = weightsOf(random, beatBits(c), style === 5 ? between(random, 0, 1) : style);
      for (let tok = 0; tok < toks; tok++) {
        const mantissa = Array.from({ length: c.rows }, () =>
          style === 0 ? 2 ** 14 : style === 1 ? 255 : between(random, 0, wide ? 255 : 2 ** 14),
        );
        const act = actOf(random, between(random, 0, 5));
        perTok[tok]!.push({ weights, act, mantissa });
        items.push({
          weights,
          code: beatCode(wide ? "w2" : "w4"),
          first: g === 0 ? 1 : 0,
          last: g === groups - 1 ? 1 : 0,
          ...tag[tok]!,
          ...Object.fromEntries(act.map((a, i) => [`act_${i}`, a])),
          ...Object.fromEntries(mantissa.map((m, r) => [`mantissa_${r}`, m])),
        });
      }
    }
    perTok.forEach((beats, tok) => {
      const sums = reference(c.rows, wide, beats);
      expected.push([...Object.values(tag[tok]!).map(BigInt), ...sums]);
    });
  }
  bench.send("beat", items, offer);
  const tags = Object.keys(items[0]!).filter((k) => k.startsWith("tag_"));
  const out = bench.collect(
    "sums",
    [...tags, ...Array.from({ length: c.rows }, (_, r) => `sums_${r}`)],
    take,
  );
  bench.run(() => out.items.length === expected.length);
  for (const [i, e] of expected.entries()) {
    const got = out.items[i]!;
    const wide = got[0] === 1n;
    const sums = got.slice(tags.length);
    assert.deepEqual(
      [...got.slice(0, tags.length), ...(wide ? sums : sums.filter((_, r) => r % 2 === 0))],
      e,
      `sums ${i}`,
    );
  }
  return { cycles: bench.cycles, beats: items.length };
};

/** Registers of the tree kernel, and those of `finish`. */
const LATENCY = 4 + FINISH_LATENCY;

describe("engine: kernel and finish", () => {
  for (const rows of [2, 4]) {
    for (const tokens of [1, 2]) {
      const c = { ...defaultConfig, rows, tokens };
      it(`sums ${rows} rows, ${tokens} token(s)`, () => {
        run(c, 1, 500, 1, 1);
        run(c, 2, 400, 0.6, 0.5);
        run(c, 3, 400, 1, 0.15);
        run(c, 4, 400, 0.2, 1);
      });
    }
  }
  it("takes a beat per cycle", () => {
    const { cycles, beats } = run(defaultConfig, 5, 300, 1, 1);
    assert.equal(cycles, beats + LATENCY);
  });
});
