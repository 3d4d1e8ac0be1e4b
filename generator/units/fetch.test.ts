import assert from "node:assert/strict";
import { keyBeatsRead } from "../engines/formats/cache.js";
import { Bench, between } from "../library/testing.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { FETCH_KINDS, fetch } from "./fetch.js";

const run = (c: AcceleratorConfig, seed: number, take: number): void => {
  const stride = 5;
  const tokens = Array.from({ length: 300 }, (_, i) => (i * 7919) % 4096);
  let known = 0;
  const waiting: number[] = []; // cycles at which announced cache writes finish
  let written = 0;
  const bench = new Bench(fetch(c), seed, ({ sim }) => {
    sim.poke("tokenData", tokens[Number(sim.peek("tokenAddr"))] ?? 0);
    sim.poke("tokensKnown", known);
  });
  const { sim, random } = bench;
  sim.poke("blocks", stride);
  sim.poke("cacheWritten", 0);
  sim.poke("tokensKnown", 0);

  const expected: { addr: number; beats: number; needsToken: number; needsWrites: number }[] = [];
  const jobs: Record<string, number>[] = [];
  let announced = 0;
  /** Requests made before a writesCache job is over, by number of such jobs: they bound when a write can be reported. */
  const announcedAfter: number[] = [];
  for (let i = 0; i < 1500; i++) {
    const kind = between(random, 0, 3);
    const live = random() < 0.2 ? 1 : between(random, 1, c.context);
    const groups = kind === FETCH_KINDS.keys ? between(random, 1, c.headDim / 32) : between(random, 1, 1023);
    const rowBlocks = kind === FETCH_KINDS.emb ? 2 ** between(random, 0, 3) : between(random, 1, 40);
    const addr = between(random, 0, 2 ** 20);
    const beats = kind === FETCH_KINDS.emb ? between(random, 1, 1152) : between(random, 1, 2 ** 20 - 1);
    const position = Math.min(tokens.length - 1, Math.floor(i / 5));
    const writesCache = kind === FETCH_KINDS.plain && random() < 0.3 ? 1 : 0;
    const afterCache = kind !== FETCH_KINDS.emb && writesCache === 0 && random() < 0.3 ? 1 : 0;
    jobs.push({ kind, addr, beats, rowBlocks, groups, live, position, writesCache, afterCache });
    const needs = {
      needsToken: kind === FETCH_KINDS.emb ? position : -1,
      needsWrites: afterCache ? announced : 0,
    };
    const half = c.rows / 2;
    if (kind === FETCH_KINDS.plain) expected.push({ addr, beats, ...needs });
    if (kind === FETCH_KINDS.keys)
      expected.push({ addr, beats: keyBeatsRead(live, groups, c.rows), ...needs });
    if (kind === FETCH_KINDS.values) {
      for (let rb = 0; rb < rowBlocks; rb++)
        expected.push({ addr: addr + rb * stride, beats: Math.ceil(live / 32), ...needs });
    }
    if (kind === FETCH_KINDS.emb) {
      const unit = Math.floor(Math.floor(tokens[position]! / half) / rowBlocks);
      expected.push({ addr: (addr + unit * beats) % 2 ** 24, beats, ...needs });
    }
    if (writesCache) announcedAfter.push(expected.length);
    announced += writesCache;
  }
  bench.send(
    "job",
    jobs.map((j) => Object.fromEntries(Object.entries(j).map(([k, v]) => [k, v]))),
    0.8,
  );
  const out = bench.collect("request", ["addr", "beats"], take);
  let checked = 0;
  let scheduled = 0;
  bench.run(() => {
    while (checked < out.items.length) {
      const e = expected[checked]!;
      assert.deepEqual(out.items[checked]!.map(Number), [e.addr, e.beats], `request ${checked}`);
      assert.ok(known > e.needsToken, `request ${checked} before its token`);
      assert.ok(written >= e.needsWrites, `request ${checked} before the cache is written`);
      checked++;
    }
    while (scheduled < announcedAfter.length && checked >= announcedAfter[scheduled]!) {
      waiting.push(bench.cycles + between(random, 1, 60));
      scheduled++;
    }
    const due = waiting.length > 0 && waiting[0]! <= bench.cycles;
    sim.poke("cacheWritten", due ? 1 : 0);
    if (due) {
      waiting.shift();
      written++;
    }
    if (random() < 0.05 && known < tokens.length) known++;
    return checked === expected.length;
  }, 400_000);
};

describe("fetch", () => {
  for (const rows of [2, 4, 16]) {
    for (const take of [1, 0.4]) {
      it(`requests what jobs need: ${rows} rows, rate ${take}`, () =>
        run({ ...defaultConfig, rows, headDim: 96 }, rows, take));
    }
  }
});
