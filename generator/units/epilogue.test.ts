import assert from "node:assert/strict";
import { addResidual, gather, rope, rotation, siluGate, Sticky, sumSquares } from "../../golden/model/ops.js";
import { inResultOrder } from "../../testbenches/harness/interpreter/order.js";
import { type AcceleratorConfig, beatBits, defaultConfig } from "../isa/config.js";
import { CONSTANT_RAMS, EPILOGUES, type Epilogue } from "../isa/instruction.js";
import { Bench, between, randomBits, type Random } from "../library/testing.js";
import { epilogue } from "./epilogue.js";
import { NO_SQUARES, peekSquares, type Squares } from "./squares.testing.js";

const [LO, HI] = [-(2 ** 31), 2 ** 31 - 1];
const clamp24 = (v: number): number => Math.min(Math.max(v, -(2 ** 23)), 2 ** 23 - 1);
const slice = (value: bigint, bit: number, width: number): bigint =>
  BigInt.asUintN(width, value >> BigInt(bit));

/** The residual stream, the constants, and what the unit must do with each result of a job. */
class Model {
  readonly expected = {
    vector: [] as number[][],
    score: [] as number[][],
    logit: [] as number[][],
    cache: [] as number[][],
    heads: [] as number[][],
    signals: [] as number[][],
    scoreSignals: [] as number[],
  };
  readonly squares: Squares[];
  saturated = false;
  readonly gain: Int16Array;
  readonly mean: Int32Array;
  readonly increments: Uint32Array;
  private readonly x: Int32Array[];

  constructor(private readonly c: AcceleratorConfig) {
    this.squares = new Array<Squares>(c.tokens).fill(NO_SQUARES);
    this.x = Array.from({ length: c.tokens }, () => new Int32Array(c.residualElements / c.tokens));
    this.gain = new Int16Array(c.gainEntries);
    this.mean = new Int32Array(c.kmeanEntries);
    this.increments = new Uint32Array(c.ropeEntries);
  }

  private vector(job: Job, relative: number, offset: number, value: number): void {
    const element = (job.dst + offset + relative * job.dstStride) % this.c.vectorElements;
    this.expected.vector.push([
      element,
      value,
      job.slot,
      job.tok + relative,
      Math.abs(value),
      job.slotInit === 1 && offset === 0 ? 1 : 0,
    ]);
  }

  /** One result; `even` is the value of the row before for the same token. */
  take(
    job: Job,
    relative: number,
    row: number,
    value: number,
    even: number,
    aux: number,
    last: boolean,
  ): void {
    const { expected } = this;
    const sticky = new Sticky();
    const kind = EPILOGUES[job.epilogue]!;
    const narrow = clamp24(value);
    const [first, flag] = [clamp24(even), last ? 1 : 0];
    if (kind !== "embed" && kind !== "residual" && kind !== "logits" && narrow !== value)
      this.saturated = true;
    if ((kind === "key" || kind === "value") && relative === 0 && row % (32 * job.headGroups) === 0)
      expected.heads.push([
        job.cacheAddr,
        job.cacheHeadStride,
        job.headGroups,
        job.cacheSlot,
        job.toks,
        kind === "value" ? 1 : 0,
        row === 0 ? 1 : 0,
      ]);
    switch (kind) {
      case "embed":
      case "residual": {
        const tok = job.tok + relative;
        const x = this.x[tok]!.subarray(row, row + 1);
        if (kind === "embed") x[0] = value;
        else addResidual(x, Int32Array.of(value), sticky);
        const y = new Int32Array(1);
        gather(x, Int16Array.of(this.gain[row]!), y, sticky);
        this.squares[tok] = sumSquares(this.x[tok]!, 0, row + 1);
        this.vector(job, relative, row, y[0]!);
        break;
      }
      case "query":
      case "key": {
        if (row % 2 === 0) break;
        const pair = kind === "key" ? (row >> 1) % (16 * job.headGroups) : row >> 1;
        const [cos, sin, pairOf] = [new Int32Array(1), new Int32Array(1), Int32Array.of(first, narrow)];
        rotation(this.increments.subarray(pair, pair + 1), job.position + relative, cos, sin);
        rope(pairOf, cos, sin, sticky);
        for (const i of [0, 1]) {
          const at = row - 1 + i;
          if (kind === "query") this.vector(job, relative, at, pairOf[i]!);
          else {
            const centred = pairOf[i]! - this.mean[at]!;
            if (clamp24(centred) !== centred) this.saturated = true;
            expected.cache.push([clamp24(centred), 0, at, relative, i === 1 ? flag : 0]);
          }
        }
        break;
      }
      case "value":
        expected.cache.push([narrow, 1, row, relative, flag]);
        break;
      case "gateup": {
        if (row % 2 === 0) break;
        const h = new Int32Array(1);
        siluGate(Int32Array.of(first), Int32Array.of(narrow), h, sticky);
        this.vector(job, relative, row >> 1, h[0]!);
        break;
      }
      case "attend":
        this.vector(job, relative, row, narrow);
        break;
      case "score":
        expected.score.push([narrow, aux, row, flag]);
        break;
      case "logits":
        expected.logit.push([value, row, flag]);
        break;
    }
    if (sticky.total() > 0) this.saturated = true;
    if (!last) return;
    if (kind === "score") expected.scoreSignals.push(job.signal);
    else expected.signals.push([job.signal, job.toks]);
  }
}

const makeJob = (c: AcceleratorConfig, random: Random, kind: Epilogue) => {
  const toks = kind === "score" || kind === "logits" ? 1 : between(random, 1, c.tokens);
  const headGroups = 2 ** between(random, 0, 1);
  const job = {
    epilogue: EPILOGUES.indexOf(kind),
    scaling: 0,
    scaleM: 0,
    scaleE: 0,
    scaleSlot: 0,
    rowBlocks: 0,
    wide: 0,
    groups: 0,
    live: 0,
    toks,
    tok: toks > 1 ? 0 : between(random, 0, c.tokens - 1),
    position: between(random, 0, 60_000),
    cacheSlot: between(random, 0, c.context - 1),
    dst: between(random, 0, 2 ** 14 - 1),
    dstStride: between(random, 0, 2 ** 14 - 1),
    slot: between(random, 0, c.slots - 1),
    slotInit: between(random, 0, 1),
    cacheAddr: between(random, 0, 2 ** 24 - 1),
    cacheHeadStride: between(random, 0, 8191),
    headGroups,
    signal: between(random, 1, 4095),
  };
  const pairs = 2 * between(random, 1, 24);
  const rows = ((): number => {
    switch (kind) {
      case "query":
        return 32 * headGroups;
      case "key":
      case "value":
        return 32 * headGroups * between(random, 1, 2);
      case "embed":
      case "residual":
        return Math.min(c.residualElements / c.tokens, 4 * between(random, 2, 24));
      case "gateup":
        return pairs;
      case "score":
      case "attend":
      case "logits":
        return between(random, 1, 50);
    }
  })();
  return { ...job, rows };
};
type Job = ReturnType<typeof makeJob>;

const run = (c: AcceleratorConfig, seed: number, batches: number, wild: boolean): void => {
  const model = new Model(c);
  const got: Model["expected"] = {
    vector: [],
    score: [],
    logit: [],
    cache: [],
    heads: [],
    signals: [],
    scoreSignals: [],
  };
  const bench = new Bench(epilogue(c), seed, ({ sim, random: r }) => {
    const s = (port: string, width: number): number => Number(BigInt.asIntN(width, sim.peek(port)));
    const u = (port: string): number => Number(sim.peek(port));
    sim.poke("cacheFree", r() < 0.5 ? 1 : 0);
    if (u("vector_enable") || u("update_enable")) {
      assert.equal(u("vector_enable"), u("update_enable"));
      got.vector.push([
        u("vector_element"),
        s("vector_value", 32),
        u("update_slot"),
        u("update_tok"),
        u("update_magnitude"),
        u("update_restart"),
      ]);
    }
    if (u("score_valid"))
      got.score.push([s("score_value", 24), u("score_aux"), u("score_row"), u("score_last")]);
    if (u("logit_valid")) got.logit.push([s("logit_value", 32), u("logit_row"), u("logit_last")]);
    if (u("cache_valid"))
      got.cache.push([
        s("cache_value", 24),
        u("cache_isValue"),
        u("cache_row"),
        u("cache_tok"),
        u("cache_last"),
      ]);
    if (u("cacheStart")) {
      assert.equal(u("cacheFree"), 1, "a head starts without a buffer");
      got.heads.push(
        ["addr", "headStride", "headGroups", "slot", "toks", "isValue", "first"].map((f) =>
          u(`cacheJob_${f}`),
        ),
      );
    }
    if (u("signal_mask")) got.signals.push([u("signal_mask"), u("signal_amount")]);
    if (u("signalScore")) got.scoreSignals.push(u("signalScore"));
  });
  const { sim, random } = bench;
  for (const port of ["load_enable", "load_ram", "load_beat", "load_data", "squaresTok"]) sim.poke(port, 0);
  const jobs = bench.send("job", [], 0.3);
  const results = bench.send("result", [], 0.9);
  const load = (
    ram: (typeof CONSTANT_RAMS)[number],
    stride: number,
    set: (i: number, bits: bigint) => void,
    entries: number,
  ): void => {
    const perBeat = beatBits(c) / stride;
    for (let beat = 0; beat < entries / perBeat; beat++) {
      let data = randomBits(random, beatBits(c));
      if (ram === "gain" && wild && beat % 2 === 0)
        data = (BigInt.asUintN(beatBits(c), -1n) / 65535n) * (beat % 4 === 0 ? 32768n : 32767n);
      for (let i = 0; i < perBeat; i++) set(beat * perBeat + i, slice(data, i * stride, stride));
      for (const [field, v] of Object.entries({ enable: 1, ram: CONSTANT_RAMS.indexOf(ram), beat, data }))
        sim.poke(`load_${field}`, v);
      bench.cycle();
    }
    sim.poke("load_enable", 0);
  };
  const number = (): number => {
    if (!wild) return between(random, -(2 ** 20), 2 ** 20);
    const pick = between(random, 0, 8);
    return pick < 3 ? [LO, HI, 0][pick]! : Math.floor((random() - 0.5) * 2 ** between(random, 1, 32));
  };
  load(
    "gain",
    16,
    (i, bits) => {
      model.gain[i] = Number(BigInt.asIntN(16, bits));
    },
    c.gainEntries,
  );
  load(
    "kmean",
    32,
    (i, bits) => {
      model.mean[i] = Number(BigInt.asIntN(24, bits));
    },
    c.kmeanEntries,
  );
  load(
    "rope",
    32,
    (i, bits) => {
      model.increments[i] = Number(bits);
    },
    c.ropeEntries,
  );
  for (let batch = 0; batch < batches; batch++) {
    for (let n = 0; n < 12; n++) {
      // x of every token first
      const job =
        batch === 0 && n === 0
          ? { ...makeJob(c, random, "embed"), toks: c.tokens, tok: 0, rows: c.residualElements / c.tokens }
          : makeJob(c, random, EPILOGUES[between(random, 0, EPILOGUES.length - 1)]!);
      jobs.items.push(job);
      const evens = new Array<number>(job.toks).fill(0);
      let left = job.toks * job.rows;
      inResultOrder(job.rows, 2 ** between(random, 0, 2), job.toks, (relative, row) => {
        const [value, aux, last] = [number(), between(random, 0, 255), --left === 0];
        model.take(job, relative, row, value, evens[relative]!, aux, last);
        evens[relative] = value;
        results.items.push({
          value: value >>> 0,
          aux,
          row,
          tok: job.tok + relative,
          lastRow: row === job.rows - 1 ? 1 : 0,
          last: last ? 1 : 0,
        });
      });
    }
    bench.run(() => results.sent === results.items.length && sim.peek("idle") === 1n, 60_000);
    bench.cycle();
    for (const what of Object.keys(got) as (keyof typeof got)[])
      assert.deepEqual(got[what].splice(0), model.expected[what].splice(0), `${what}, batch ${batch}`);
    for (const [tok, squares] of model.squares.entries()) {
      sim.poke("squaresTok", tok);
      assert.deepEqual(peekSquares(sim), squares, `SS of token ${tok}, batch ${batch}`);
    }
    assert.equal(sim.peek("saturated") === 1n, model.saturated, `saturation in batch ${batch}`);
  }
};

describe("epilogue", () => {
  for (const [rows, tokens] of [
    [2, 1],
    [2, 2],
    [4, 1],
    [4, 2],
  ] as const) {
    for (const wild of [false, true])
      it(`sends results where their jobs say: ${rows} rows, ${tokens} token(s), ${wild ? "with saturations" : "small values"}`, () =>
        run({ ...defaultConfig, rows, tokens, headDim: 64 }, 10 * rows + tokens, 5, wild));
  }
});
