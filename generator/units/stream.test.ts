import assert from "node:assert/strict";
import { SEMAPHORES, type Semaphore } from "../isa/instruction.js";
import { STREAM_COUNTERS } from "../isa/trace.js";
import { Bench, between, randomFrom, type Receiver } from "../library/testing.js";
import { activityCode } from "./activity.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { EPSILON, type JobKind, randomJob, type TestJob } from "./stream.jobs.testing.js";
import { NO_SQUARES, squaresPorts } from "./squares.testing.js";
import { streamSide } from "./streamside.testing.js";

const KINDS: readonly JobKind[] = ["w2", "w4", "keys", "values", "emb", "load"];
interface Rates {
  readonly memory: number;
  readonly take: number;
  readonly grant: number;
}
interface Outcome {
  readonly counters: readonly number[];
  readonly cycles: number;
  readonly takeAt: readonly number[];
  readonly out: Receiver;
  readonly issues: readonly number[];
}

const run = (c: AcceleratorConfig, seed: number, jobs: readonly TestJob[], rates: Rates): Outcome => {
  const results = jobs.filter((j) => j.result !== null);
  // words are written while the job before still reads its own: as in the accelerator, never the same ones
  for (const [i, job] of jobs.entries()) {
    const before = new Set(jobs[i - 1]?.writes.map((w) => w.word));
    assert.ok(
      job.writes.every((w) => !before.has(w.word)),
      `job ${i} would overwrite activations in use`,
    );
  }
  const valueJobs = jobs.filter((j) => j.name === "values");
  const loads: bigint[][] = [];
  const counters = STREAM_COUNTERS.map(() => 0);
  const takeAt: number[] = [];
  const issues: number[] = [];
  let taken = 0; // jobs started
  let scaled = 0; // result jobs with a complete T
  let released = 0;
  let toWrite = jobs.map((j) =>
    j.writes.flatMap((w) => Array.from({ length: 8 }, (_, quad) => ({ ...w, quad }))),
  );
  let asked: { buffer: number; word: number } | null = null;
  const set = (bench: Bench, values: Readonly<Record<string, number | bigint>>): void => {
    for (const [port, value] of Object.entries(values)) bench.sim.poke(port, value);
  };
  const bench: Bench = new Bench(streamSide(c), seed, (b) => {
    const { sim, random } = b;
    const job = jobs[taken];
    // the quantiser writes the words of the next job, then its semaphores come
    const quad = toWrite[taken]?.[0];
    set(b, { write_enable: quad === undefined ? 0 : 1 });
    if (quad !== undefined) {
      let data = 0;
      for (let i = 3; i >= 0; i--) data = data * 256 + (quad.data[4 * quad.quad + i]! & 255);
      set(b, { write_word: quad.word, write_quad: quad.quad, write_data: data });
      toWrite[taken] = toWrite[taken]!.slice(1);
    }
    const want = Number(sim.peek("want"));
    const offered = job !== undefined && quad === undefined;
    const granted = offered && random() < rates.grant;
    set(b, { granted: granted ? 1 : 0, missing: granted ? 0 : want });
    // softmax: the answer stays until the next request
    if (asked !== null) {
      const w = valueJobs.filter((_, i) => i % 2 === asked!.buffer && i >= released && i < released + 2)[0]
        ?.words[asked.word];
      if (w !== undefined)
        set(b, {
          ...Object.fromEntries(w.p.map((p, i) => [`probability_p_${i}`, p])),
          probability_mantissa: w.mantissa,
        });
    }
    set(b, { tokenData: jobs[Number(sim.peek("tokenAddr"))]?.token ?? 0 });
    // the quantiser's scales and the sums of squares
    const scaling = results[scaled];
    const at = Number(sim.peek("scaleAddr_tok"));
    if (scaling !== undefined)
      set(b, {
        scale_m: scaling.s[at]?.m ?? 0,
        scale_e: scaling.s[at]?.e ?? 0,
        ...squaresPorts("squares", scaling.squares[at] ?? NO_SQUARES),
      });
  });
  const { sim } = bench;
  set(bench, {
    granted: 0,
    missing: 0,
    write_enable: 0,
    write_word: 0,
    write_quad: 0,
    write_data: 0,
    tokenData: 0,
    scale_m: 0,
    scale_e: 0,
    ...squaresPorts("squares", NO_SQUARES),
    epsilonSum: EPSILON,
    probability_mantissa: 0,
    ...Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`probability_p_${i}`, 0])),
  });
  bench.send(
    "unpackJob",
    jobs.map(({ stream: { kind, format, beats, rowBlocks, groups } }) => ({
      kind: kind!,
      format: format!,
      beats: beats!,
      rowBlocks: rowBlocks!,
      groups: groups!,
    })),
    0.9,
  );
  bench.send(
    "streamJob",
    jobs.map((j) => j.stream),
    0.9,
  );
  bench.send(
    "rowJob",
    results.map(({ result: r }) => ({ rows: r!.rows, tok: r!.tok })),
    0.9,
  );
  bench.send(
    "scaleJob",
    results.map(({ result: r, stream: s }) => ({
      scaling: r!.scaling,
      scaleM: r!.scaleM,
      scaleE: r!.scaleE,
      scaleSlot: r!.scaleSlot,
      toks: s.toks!,
      tok: r!.tok,
    })),
    0.9,
  );
  bench.send(
    "softmax",
    valueJobs.map(({ sum, emax }) => ({ sum, emax })),
    0.5,
  );
  bench.send(
    "memory",
    jobs.flatMap((j) => j.memory).map((data) => ({ data })),
    rates.memory,
  );
  const out = bench.collect("result", ["value", "aux", "row", "tok", "lastRow", "last"], rates.take);
  const expected = jobs.flatMap((j) => j.expected);
  const expectedLoads = jobs
    .filter((j) => j.name === "load")
    .flatMap((j) => j.memory.map((data, i) => [BigInt(j.stream.ram!), BigInt(i), data]));

  // outputs of the present cycle are looked at just before its edge
  const step = sim.step.bind(sim);
  sim.step = (n) => {
    counters[Number(sim.peek("activity"))]!++;
    if (sim.peek("take") === 1n) {
      const job = jobs[taken]!;
      assert.equal(Number(sim.peek("want")), job.stream.wait, "the semaphores of the job");
      assert.equal(Number(sim.peek("amount")), job.stream.kind === 2 ? job.stream.toks : 1, "their amount");
      assert.equal(sim.peek("started"), job.result === null ? 0n : 1n);
      taken++;
      takeAt.push(bench.cycles);
    }
    if (sim.peek("issued") === 1n) issues.push(bench.cycles);
    if (sim.peek("load_enable") === 1n)
      loads.push(["load_ram", "load_beat", "load_data"].map((p) => sim.peek(p)));
    const probabilities = sim.peek("probabilityRead_enable") === 1n;
    if (sim.peek("probRelease") === 1n) released++;
    if (probabilities)
      asked = {
        buffer: Number(sim.peek("probabilityRead_buffer")),
        word: Number(sim.peek("probabilityRead_word")),
      };
    if (sim.peek("u_scaler.set_done") === 1n) scaled++;
    step(n);
  };
  bench.run(
    () =>
      taken === jobs.length && out.items.length >= expected.length && loads.length >= expectedLoads.length,
    600_000,
  );
  for (let i = 0; i < 40; i++) bench.cycle(); // nothing may follow
  toWrite = [];
  assert.equal(out.items.length, expected.length, "results");
  let at = 0;
  for (const [index, job] of jobs.entries()) {
    for (const e of job.expected) {
      const got = out.items[at]!.map(Number);
      if (e[1] === -1) got[1] = -1;
      assert.deepEqual(got, e, `job ${index} (${job.name}), result ${at}`);
      at++;
    }
  }
  assert.deepEqual(loads, expectedLoads);
  for (const idle of [
    "u_rows.row_valid",
    "u_rows.busy",
    "u_scaler.complete",
    "u_scaler.credits",
    "u_stream.running",
    "u_unpack.running",
    "u_unpack.have_steps",
  ])
    assert.equal(sim.peek(idle), 0n, `${idle} at the end`);
  assert.equal(released, valueJobs.length, "probability buffers released");
  assert.equal(
    counters.reduce((a, b) => a + b, 0),
    bench.cycles,
    "every cycle is counted once",
  );
  return { counters, cycles: bench.cycles, takeAt, out, issues };
};

const many = (c: AcceleratorConfig, seed: number, count: number, kinds = KINDS): TestJob[] => {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, i) =>
    randomJob(c, random, i, kinds[between(random, 0, kinds.length - 1)]!),
  );
};
const free: Rates = { memory: 1, take: 1, grant: 1 };

describe("stream side: unpack, stream, engine, row scaler, scaler", () => {
  for (const rows of [2, 4]) {
    for (const tokens of [1, 2]) {
      const c = { ...defaultConfig, rows, tokens, headDim: 96 };
      const name = `${rows} rows, ${tokens} token(s)`;
      it(`is exact without stalls: ${name}`, () => void run(c, rows, many(c, 10 * rows + tokens, 120), free));
      it(`is exact with slow memory: ${name}`, () =>
        void run(c, rows, many(c, 20 * rows + tokens, 80), { memory: 0.3, take: 1, grant: 0.3 }));
      it(`is exact with slow results: ${name}`, () =>
        void run(c, rows, many(c, 30 * rows + tokens, 80), { memory: 1, take: 0.3, grant: 0.8 }));
      it(`is exact with stalls everywhere: ${name}`, () =>
        void run(c, rows, many(c, 40 * rows + tokens, 80), { memory: 0.6, take: 0.7, grant: 0.5 }));
    }
  }
  it("is exact with 8 rows and 4 tokens", () => {
    const c = { ...defaultConfig, rows: 8, tokens: 4, headDim: 64 };
    run(c, 8, many(c, 99, 100), { memory: 0.8, take: 0.8, grant: 0.8 });
  });

  const seeds = Number(process.env.SEEDS ?? 0);
  if (seeds > 0) {
    it(`is exact for ${seeds} more seeds`, function () {
      this.timeout(0);
      for (let seed = 1000; seed < 1000 + seeds; seed++) {
        const random = randomFrom(seed);
        const c = {
          ...defaultConfig,
          rows: 2 ** between(random, 1, 3),
          tokens: 2 ** between(random, 0, 2),
          headDim: 96,
          prefetchBeats: 2 ** between(random, 3, 6),
        };
        const rate = (): number => [1, 1, 0.8, 0.5, 0.2][between(random, 0, 4)]!;
        const rates = { memory: rate(), take: rate(), grant: rate() };
        try {
          run(c, seed, many(c, seed, 40), rates);
        } catch (e) {
          throw new Error(
            `seed ${seed}, rows ${c.rows}, tokens ${c.tokens}, ${JSON.stringify(rates)}: ${(e as Error).message}`,
            { cause: e },
          );
        }
      }
    });
  }

  it("counts a beat to the engine as busy, and semaphores by name", () => {
    const c = { ...defaultConfig, headDim: 96 };
    const jobs = many(
      c,
      5,
      60,
      KINDS.filter((k) => k !== "emb"),
    );
    const { counters } = run(c, 5, jobs, { memory: 1, take: 0.9, grant: 0.2 });
    assert.equal(
      counters[activityCode("busy")],
      jobs.filter((j) => j.result !== null).reduce((n, j) => n + j.beats, 0),
    );
    assert.equal(
      counters[activityCode("load")],
      jobs.filter((j) => j.name === "load").reduce((n, j) => n + j.memory.length, 0),
    );
    const waits = (Object.keys(SEMAPHORES) as Semaphore[]).map((s) => counters[activityCode(`wait_${s}`)]!);
    assert.ok(waits.filter((n) => n > 0).length > 6, "most semaphores are waited for");
  });

  it("starts the next job right behind the last beat of the one before", () => {
    const random = randomFrom(3);
    const jobs = Array.from({ length: 6 }, (_, i) => ({
      ...randomJob(defaultConfig, random, i, "w2", { groups: 4, rowBlocks: 8, toks: 1 }),
      writes: [],
    }));
    const still = jobs.map((j) => ({ ...j, expected: [] as number[][] }));
    const bench = new Bench(streamSide(defaultConfig), 1);
    for (const [port, value] of Object.entries({
      granted: 1,
      missing: 0,
      write_enable: 0,
      tokenData: 0,
      scale_m: 40000,
      scale_e: 0,
      ...squaresPorts("squares", { sum: 5, shift: 0 }),
      epsilonSum: 1,
    }))
      bench.sim.poke(port, value);
    bench.send(
      "unpackJob",
      still.map(({ stream: { kind, format, beats, rowBlocks, groups } }) => ({
        kind: kind!,
        format: format!,
        beats: beats!,
        rowBlocks: rowBlocks!,
        groups: groups!,
      })),
    );
    bench.send(
      "rowJob",
      still.map(({ result: r }) => ({ rows: r!.rows, tok: 0 })),
    );
    bench.send(
      "scaleJob",
      still.map(({ result: r }) => ({
        scaling: r!.scaling,
        scaleM: r!.scaleM,
        scaleE: r!.scaleE,
        scaleSlot: 0,
        toks: 1,
        tok: 0,
      })),
    );
    bench.send(
      "memory",
      still.flatMap((j) => j.memory).map((data) => ({ data })),
    );
    const out = bench.collect("result", ["value"]);
    for (let i = 0; i < 60; i++) bench.cycle(); // the prefetch buffer fills
    bench.send(
      "streamJob",
      still.map((j) => j.stream),
    );
    const issues: number[] = [];
    bench.run(() => {
      if (bench.sim.peek("issued") === 1n) issues.push(bench.cycles);
      return out.items.length === 6 * 16;
    });
    const busy = issues.filter((at, i) => i === 0 || at !== issues[i - 1]);
    assert.equal(busy.length, 6 * 32);
    // memory gives one beat per cycle of which 5 of 21 are scales: with the buffer full, three jobs run without a gap
    for (let i = 1; i < 64; i++) assert.equal(busy[i]! - busy[i - 1]!, 1, `no gap before beat ${i}`);
  });
});
