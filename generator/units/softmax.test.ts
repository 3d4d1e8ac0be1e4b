import assert from "node:assert/strict";
import { softmax as reference } from "../../golden/model/ops.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { Bench, between, type Random } from "../library/testing.js";
import { softmax } from "./softmax.js";

const [LO, HI] = [-(2 ** 23), 2 ** 23 - 1];
interface Head {
  readonly scores: Int32Array;
  readonly scales: Uint8Array;
  readonly p: Int32Array;
  readonly exponents: number[];
  readonly sum: number;
}
/** Scores by kind: all equal, the ends of int24, close together, far apart, one peak. V's scale bytes with corners. */
const makeHead = (random: Random, context: number): Head => {
  const live = [1, 31, 32, Math.min(33, context), context, between(random, 1, context)][
    between(random, 0, 5)
  ]!;
  const kind = between(random, 0, 7);
  const middle = between(random, LO / 2, HI / 2);
  const spread = 2 ** between(random, 1, 21);
  const scores = Int32Array.from({ length: live }, () => {
    switch (kind) {
      case 0:
        return 0;
      case 1:
        return [LO, HI, LO + 1, 0][between(random, 0, 3)]!;
      case 2:
        return LO;
      case 3:
        return HI - between(random, 0, 20_000);
      case 4: // 2^-17 counts one, anything less nothing
        return HI - [0, 17_408, 17_407, 17_409, 18_431, 18_432][between(random, 0, 5)]!;
      default:
        return middle + between(random, -spread, spread);
    }
  });
  if (kind === 5) scores[between(random, 0, live - 1)] = HI;
  const flat = random() < 0.3;
  const scales = Uint8Array.from({ length: live }, () =>
    flat ? 0 : random() < 0.1 ? [0, 255, 15, 240][between(random, 0, 3)]! : between(random, 0, 255),
  );
  const blocks = Math.ceil(live / 32);
  const view = {
    scores,
    scoresAt: 0,
    live,
    scales,
    scalesAt: 0,
    p: new Int32Array(32 * blocks),
    pAt: 0,
    exponents: new Int32Array(blocks),
    exponentsAt: 0,
  };
  const sum = reference(view);
  return { scores, scales, p: view.p, exponents: Array.from(view.exponents), sum };
};

const run = (c: AcceleratorConfig, seed: number, count: number, take: number): void => {
  const heads: Head[] = [];
  // the semaphores: buffers that hold scores, buffers free, as the accelerator counts them
  const free = { scores: 2, probabilities: 2 };
  const ready = { scores: 0, probabilities: 0 };
  const filling = { head: 0, row: 0 };
  let taken = 0;
  let finished = 0;
  const reading = { head: 0, word: 0, asked: false };
  const trace = { p: [] as number[], exponents: [] as number[], sums: [] as number[] };
  let words = 0;
  const bench = new Bench(softmax(c), seed, ({ sim, random: r }) => {
    let ended = false;
    // scores
    sim.poke("score_valid", 0);
    const head = heads[filling.head];
    if (head !== undefined && r() < 0.8 && (filling.row > 0 || free.scores > 0)) {
      if (filling.row === 0) free.scores--;
      const last = filling.row === head.scores.length - 1;
      for (const [field, v] of Object.entries({
        valid: 1,
        value: head.scores[filling.row]! & 0xffffff,
        aux: head.scales[filling.row]!,
        row: filling.row,
        last: last ? 1 : 0,
      }))
        sim.poke(`score_${field}`, v);
      filling.row++;
      if (last) {
        filling.row = 0;
        filling.head++;
        ended = true;
      }
    }
    // the job
    const grant = sim.peek("want") !== 0n && ready.scores > 0 && free.probabilities > 0 && r() < 0.7;
    sim.poke("granted", grant ? 1 : 0);
    if (sim.peek("take") === 1n) {
      assert.equal(sim.peek("want"), BigInt(1 + taken));
      ready.scores--;
      free.probabilities--;
      taken++;
    }
    // probabilities: what the word asked for in the last cycle is there now, and stays
    if (reading.asked) {
      const h = heads[reading.head]!;
      const p = Array.from({ length: 32 }, (_, i) => Number(sim.peek(`probability_p_${i}`)));
      assert.deepEqual(
        p,
        Array.from(h.p.subarray(32 * reading.word, 32 * reading.word + 32)),
        `word ${reading.word} of head ${reading.head}`,
      );
      const down = Math.max(...h.exponents) - h.exponents[reading.word]!;
      assert.equal(
        Number(sim.peek("probability_mantissa")),
        down > 14 ? 0 : 2 ** (14 - down),
        `mu of word ${reading.word} of head ${reading.head}`,
      );
      words++;
    }
    sim.poke("probabilityRead_enable", 0);
    const keep = reading.asked && r() < 0.3;
    if (reading.asked && !keep) {
      reading.asked = false;
      reading.word++;
      if (reading.word === heads[reading.head]!.exponents.length) {
        reading.word = 0;
        reading.head++;
        ready.probabilities--;
        free.probabilities++;
      }
    }
    if (!reading.asked && ready.probabilities > 0 && r() < 0.7) {
      for (const [field, v] of Object.entries({ enable: 1, buffer: reading.head % 2, word: reading.word }))
        sim.poke(`probabilityRead_${field}`, v);
      reading.asked = true;
    }
    if (sim.peek("trace_prob_valid") === 1n) trace.p.push(Number(sim.peek("trace_prob_data")));
    if (sim.peek("trace_probexp_valid") === 1n)
      trace.exponents.push(Number(BigInt.asIntN(16, sim.peek("trace_probexp_value"))));
    if (sim.peek("trace_probsum_valid") === 1n) trace.sums.push(Number(sim.peek("trace_probsum_value")));
    // what is signalled in this cycle is there in the next
    if (sim.peek("signal") !== 0n) {
      assert.equal(sim.peek("signal"), BigInt(2_000 + finished));
      finished++;
      free.scores++;
      ready.probabilities++;
    }
    if (ended) ready.scores++;
  });
  const { sim, random } = bench;
  for (const port of [
    "probabilityRead_buffer",
    "probabilityRead_word",
    "score_value",
    "score_aux",
    "score_row",
    "score_last",
  ])
    sim.poke(port, 0);
  for (let i = 0; i < count; i++) heads.push(makeHead(random, c.context));
  bench.send(
    "job",
    heads.map((h, i) => ({ live: h.scores.length, wait: 1 + i, signal: 2_000 + i })),
    0.5,
  );
  const sums = bench.collect("sum", ["sum", "emax"], take);
  bench.run(() => reading.head === count && sums.items.length === count, 400_000);
  assert.deepEqual(
    sums.items.map(([s, e]) => [Number(s), Number(BigInt.asIntN(16, e!))]),
    heads.map((h) => [h.sum, Math.max(...h.exponents)]),
  );
  assert.deepEqual(trace, {
    p: heads.flatMap((h) => Array.from(h.p)),
    exponents: heads.flatMap((h) => h.exponents),
    sums: heads.map((h) => h.sum),
  });
  assert.ok(words >= trace.exponents.length, "a word was not read");
};

describe("softmax", () => {
  for (const [context, take] of [
    [256, 1],
    [256, 0.02],
    [32, 0.5],
  ] as const) {
    it(`gives p, mu and the sum of heads: context ${context}, sums taken at rate ${take}`, () =>
      run({ ...defaultConfig, context }, context, 200, take));
  }
});
