import assert from "node:assert/strict";
import { Bench, between, type Item, randomBits } from "../library/testing.js";
import { type AcceleratorConfig, beatBits, defaultConfig } from "../isa/config.js";
import { formatCode, STREAM_KINDS, unpack } from "./unpack.js";

interface Weight {
  readonly beat: bigint;
  readonly steps: bigint[];
  readonly flush: boolean;
}

/** Lays out one job as the isa README says; gives its memory beats and what the lanes must see. */
const layout = (
  c: AcceleratorConfig,
  random: () => number,
): { job: Item; memory: bigint[]; weights: Weight[] } => {
  const kind = [
    STREAM_KINDS.load,
    STREAM_KINDS.emb,
    STREAM_KINDS.mv,
    STREAM_KINDS.mv,
    STREAM_KINDS.mv,
    STREAM_KINDS.mv,
  ][between(random, 0, 5)]!;
  const format = between(random, 0, 3);
  const rowBlocks = between(random, 1, 12);
  const groups = between(random, 1, 5);
  const beats = between(random, 1, 20);
  const memory: bigint[] = [];
  const weights: Weight[] = [];
  let pending: bigint[] = [];
  const step = (): bigint => {
    const s = randomBits(random, 8 * c.rows);
    pending.push(s);
    return s;
  };
  const job = { kind, format, beats, rowBlocks, groups };
  if (kind === STREAM_KINDS.load) {
    for (let i = 0; i < beats; i++)
      weights.push({ beat: randomBits(random, beatBits(c)), steps: [], flush: i === beats - 1 });
    return { job, memory: weights.map((w) => w.beat), weights };
  }
  let left = 0;
  let scaleBeat = -1;
  const open: { at: number; steps: bigint[] }[] = [];
  for (let block = 0; block < rowBlocks; block++) {
    for (let g = 0; g < groups; g++) {
      const w2 = kind === STREAM_KINDS.mv && format === formatCode("w2");
      const w4 = kind === STREAM_KINDS.emb || format === formatCode("w4");
      const need = w2 ? (g === 0 ? 2 : 1) : w4 ? 1 : format === formatCode("keys") && g === 0 ? 1 : 0;
      if (left < need) {
        scaleBeat = memory.push(0n) - 1;
        open.push({ at: scaleBeat, steps: [] });
        left += 8;
      }
      pending = [];
      for (let i = 0; i < need; i++) {
        const s = step();
        open.find((o) => o.steps.length < 8)!.steps.push(s);
      }
      left -= need;
      const beat = randomBits(random, beatBits(c));
      memory.push(beat);
      weights.push({ beat, steps: pending, flush: block === rowBlocks - 1 && g === groups - 1 });
    }
  }
  for (const { at, steps } of open) {
    while (steps.length < 8) steps.push(randomBits(random, 8 * c.rows)); // dropped
    memory[at] = steps.reduce((bits, s, i) => bits | (s << BigInt(8 * c.rows * i)), 0n);
  }
  return { job, memory, weights };
};

const run = (
  c: AcceleratorConfig,
  seed: number,
  count: number,
  offer: number,
  take: number,
): { cycles: number; weights: number } => {
  let done = 0;
  const weights: Weight[] = [];
  const bench: Bench = new Bench(unpack(c), seed, ({ sim, random }) => {
    const valid = sim.peek("weights_valid") === 1n;
    const w = weights[done];
    const ready =
      valid && w !== undefined && Number(sim.peek("steps_available")) >= w.steps.length && random() < take;
    sim.poke("weights_ready", ready ? 1 : 0);
    sim.poke("pop", ready ? w.steps.length : 0);
    sim.poke("flush", ready && w.flush ? 1 : 0);
    if (!ready) return;
    assert.equal(sim.peek("weights_data"), w.beat, `weight beat ${done}`);
    for (const [i, name] of (["present", "next"] as const).slice(0, w.steps.length).entries()) {
      for (let byte = 0; byte < c.rows; byte++)
        assert.equal(
          sim.peek(`steps_${name}_${byte}`),
          (w.steps[i]! >> BigInt(8 * byte)) & 255n,
          `step of weight beat ${done}`,
        );
    }
    done++;
  });
  const made = Array.from({ length: count }, () => layout(c, bench.random));
  weights.push(...made.flatMap((m) => m.weights));
  bench.sim.poke("pop", 0);
  bench.sim.poke("flush", 0);
  bench.send(
    "job",
    made.map((m) => m.job),
    0.9,
  );
  bench.send(
    "memory",
    made.flatMap((m) => m.memory).map((data) => ({ data })),
    offer,
  );
  bench.run(() => done === weights.length, 400_000);
  return { cycles: bench.cycles, weights: made.reduce((n, m) => n + m.memory.length, 0) };
};

describe("unpack", () => {
  for (const rows of [2, 4]) {
    const c = { ...defaultConfig, rows, prefetchBeats: 16 };
    for (const [offer, take] of [
      [1, 1],
      [0.4, 1],
      [1, 0.3],
      [0.7, 0.7],
    ] as const) {
      it(`${rows} rows, rates ${offer} and ${take}`, () =>
        void run(c, 10 * rows + offer + take, 300, offer, take));
    }
  }
  it("takes a memory beat per cycle, but for an occasional bubble", () => {
    const { cycles, weights } = run(defaultConfig, 7, 400, 1, 1);
    assert.ok(cycles < weights * 1.02 + 10, `${cycles} cycles for ${weights} beats`);
  });
});
