import assert from "node:assert/strict";
import { addResidual, gather, Sticky } from "../../golden/model/ops.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { Bench, between, type Random } from "../library/testing.js";
import { RESIDUAL_LATENCY, residual } from "./residual.js";
import { crossing, peekSquares, rising, squaresOf } from "./squares.testing.js";

const [LO, HI] = [-(2 ** 31), 2 ** 31 - 1];
const int32 = (random: Random): number => {
  const pick = between(random, 0, 9);
  if (pick < 3) return [LO, HI, 0][pick]!;
  return Math.floor((random() - 0.5) * 2 ** between(random, 1, 32));
};

/** Batches of `rows` rows for every token, row by row; each adds to x or (embed) replaces it. */
const run = (c: AcceleratorConfig, seed: number, batches: number, wild: boolean): boolean => {
  const gains = new Int16Array(c.gainEntries);
  const expected: { y: number; x: number; tok: number; row: number }[] = [];
  const due = new Map<number, number>(); // cycle at which y number ... is there
  let seenX = 0;
  let seenY = 0;
  let row = 0;
  const bench = new Bench(residual(c), seed, ({ sim, cycles }) => {
    sim.poke("gain", gains[row]! & 0xffff);
    row = Number(sim.peek("d_row"));
    if (sim.peek("trace_residual_valid") === 1n) {
      const e = expected[seenX]!;
      const got = [
        BigInt.asIntN(32, sim.peek("trace_residual_value")),
        sim.peek("trace_residual_tok"),
        sim.peek("trace_residual_row"),
      ].map(Number);
      assert.deepEqual(got, [e.x, e.tok, e.row], `x ${seenX}`);
      seenX++;
    }
    const y = due.get(cycles);
    if (y !== undefined) {
      const e = expected[y]!;
      assert.equal(
        BigInt.asIntN(32, sim.peek("y")),
        BigInt(e.y),
        `y ${y} (row ${e.row}, x = ${e.x}, gain ${gains[e.row]})`,
      );
      seenY++;
    }
  });
  const { sim, random } = bench;
  for (const port of ["d_valid", "d_value", "d_row", "d_tok", "d_embed", "squaresTok"]) sim.poke(port, 0);
  const perToken = c.residualElements / c.tokens;
  const x = Array.from({ length: c.tokens }, () => new Int32Array(perToken));
  const sticky = new Sticky();
  const shifts = new Set<number>();
  for (let batch = 0; batch < batches; batch++) {
    const embed = batch === 0 || random() < 0.25;
    const n = batch === 0 ? perToken : [perToken, 3, between(random, 3, perToken)][between(random, 0, 2)]!;
    for (let i = 0; i < gains.length; i++)
      gains[i] = wild
        ? [-32768, 32767, 0, between(random, -32768, 32767)][between(random, 0, 3)]!
        : between(random, -32768, 32767);
    const make = (): number =>
      wild ? (random() < 0.2 ? crossing(random, 32) : int32(random)) : between(random, -(2 ** 20), 2 ** 20);
    // past 2^17 and 2^24 in the middle of an embedding, each token elsewhere
    const rises = embed && random() < 0.7;
    const d = x.map((_, t) =>
      Int32Array.from({ length: n }, (_, i) =>
        rises ? rising(random, (i + 3 * t) / n, wild ? 32 : 24) : make(),
      ),
    );
    const results = x.map((old, t) => {
      const part = old.subarray(0, n);
      if (embed) part.set(d[t]!);
      else addResidual(part, d[t]!, sticky);
      const y = new Int32Array(n);
      gather(part, gains.slice(0, n) as Int16Array, y, sticky);
      return { y, sums: squaresOf(part) };
    });
    const from = expected.length;
    for (let r = 0; r < n; r++)
      for (const [t, { y }] of results.entries()) expected.push({ y: y[r]!, x: x[t]![r]!, tok: t, row: r });
    for (let i = from; i < expected.length; i++) {
      while (random() < 0.15) bench.cycle();
      const e = expected[i]!;
      for (const [field, v] of Object.entries({
        valid: 1,
        value: d[e.tok]![e.row]! >>> 0,
        row: e.row,
        tok: e.tok,
        embed: embed ? 1 : 0,
      }))
        sim.poke(`d_${field}`, v);
      due.set(bench.cycles + RESIDUAL_LATENCY, i);
      bench.cycle();
      sim.poke("d_valid", 0);
      sim.poke("d_value", 0x5a5a5a5a);
    }
    for (let i = 0; i < RESIDUAL_LATENCY + 1; i++) bench.cycle();
    for (const [t, { sums }] of results.entries()) {
      sim.poke("squaresTok", t);
      shifts.add(sums.shift);
      assert.deepEqual(peekSquares(sim), sums, `SS of token ${t}, batch ${batch}`);
    }
    // a flag that stays: set with the first saturation of golden's
    assert.equal(sim.peek("saturated") === 1n, sticky.total() > 0, `saturation in batch ${batch}`);
  }
  assert.deepEqual([seenX, seenY], [expected.length, expected.length]);
  assert.ok(shifts.has(wild ? 14 : 7), "s grew");
  return sticky.residual > 0 && sticky.y > 0;
};

describe("residual", () => {
  for (const tokens of [1, 2, 4]) {
    const c = { ...defaultConfig, tokens, residualElements: 128, gainEntries: 128 };
    it(`adds, scales by gains and sums squares: ${tokens} token(s)`, () =>
      assert.equal(run(c, tokens, 12, false), false));
    it(`saturates x and y: ${tokens} token(s)`, () =>
      assert.ok(run(c, tokens, 25, true), "not every saturation was reached"));
  }
});
