import assert from "node:assert/strict";
import { cacheCode, cacheScale, mul, norm16, rsqrt, Sticky } from "../../golden/model/ops.js";
import type { CacheBits } from "../../golden/model/types.js";
import { type AcceleratorConfig, beatBits, defaultConfig, NO_FEATURES } from "../isa/config.js";
import { CACHE_STRIDE_BEATS } from "../isa/instruction.js";
import { Bench, between, type Random } from "../library/testing.js";
import { cacheWriter } from "./cachewriter.js";
import { type Squares, squaresPorts } from "./squares.testing.js";

const EPILOGUE_DELAY = 8; // cycles from the start of a head to its first value
/** Vectors by kind: zeros, the ends of int24, magnitudes around the knots of the scale byte, saturated ones. */
const vector = (random: Random, n: number): Int32Array => {
  const size = 2 ** between(random, 0, 22) + between(random, -2, 2);
  const kind = between(random, 0, 7);
  return Int32Array.from({ length: n }, () => {
    switch (kind) {
      case 0:
        return 0;
      case 1:
        return [-(2 ** 23), 2 ** 23 - 1, 0][between(random, 0, 2)]!;
      case 2:
        return [size, -size, size - 1, 0][between(random, 0, 3)]!;
      case 3:
        return between(random, -1, 1);
      default:
        return Math.trunc((random() * 2 - 1) * Math.abs(size));
    }
  });
};

const HEAD_FIELDS = ["addr", "headStride", "headGroups", "slot", "toks", "isValue", "first"] as const;
/** Bits of the codes of a job, and of the keys that its scale bytes lie in. */
interface Widths {
  readonly bits: CacheBits;
  readonly keyBits: CacheBits;
}
/** What the norm of keys needs of the model. */
interface Norm {
  readonly mean: Int32Array;
  readonly epsilon: number;
  readonly k: { readonly m: number; readonly e: number };
}
const sat24 = (v: bigint): bigint => {
  const most = 1n << 23n;
  return v >= most ? most - 1n : v < -most ? -most : v;
};
/** Contract section 5a: k·R of its sum of squares (`sums`: the key has a norm), then minus the mean. */
const normedKey = (
  k: Int32Array,
  row: number,
  { mean, epsilon, k: scale }: Norm,
  sums: Squares | undefined,
  saturates: () => void,
): Int32Array => {
  const clip = (v: bigint): bigint => {
    if (sat24(v) !== v) saturates();
    return sat24(v);
  };
  const rooted = ((): ((v: bigint) => bigint) => {
    if (sums === undefined) return (v) => v;
    const { m, e } = norm16(sums.sum + Math.floor(epsilon / 4 ** sums.shift));
    const r = mul(rsqrt({ m, e: e + 2 * sums.shift }), scale);
    if (r.e > 0) saturates();
    const shift = BigInt(Math.max(0, -r.e));
    return (v) => clip(shift > 62n ? 0n : (v * BigInt(r.m) + ((1n << shift) >> 1n)) >> shift);
  })();
  return k.map((v, i) => Number(clip(rooted(BigInt(v)) - BigInt(mean[row + i]!))));
};

/** Ports that say so, where the hardware has more than four bits. */
const widthPorts = ({ features }: AcceleratorConfig, { bits, keyBits }: Widths): [string, number][] => [
  ...(features.cache8
    ? ([
        ["job_eight_0", bits === 8 ? 1 : 0],
        ["job_keys8_0", keyBits === 8 ? 1 : 0],
      ] as [string, number][])
    : []),
  ...(features.cache3 ? ([["job_three_0", bits === 3 ? 1 : 0]] as [string, number][]) : []),
];
interface Job {
  readonly heads: readonly Readonly<Record<(typeof HEAD_FIELDS)[number], number>>[];
  readonly values: readonly {
    readonly value: number;
    readonly row: number;
    readonly tok: number;
    readonly last: boolean;
  }[];
  /** Nibbles by `address.nibble`. */
  readonly memory: ReadonlyMap<string, number>;
  readonly codes: readonly number[];
  readonly scales: readonly number[];
  readonly saturated: boolean;
  /** Keys with a norm: their sums of squares, token by token of each head. */
  readonly sums: readonly Squares[];
  /** What becomes codes: value, row, token. */
  readonly coded: readonly (readonly number[])[];
  readonly widths: Widths;
}
interface Shape {
  readonly groups: number;
  readonly stride: number;
  readonly sinks: number;
  readonly slots: number;
}

const makeJob = (
  c: AcceleratorConfig,
  random: Random,
  shape: Shape,
  isValue: boolean,
  keys: number,
  widths: Widths,
  sticky: Sticky,
  norm: Norm | undefined,
): Job => {
  const { bits, keyBits } = widths;
  const [beats, keyBeats] = [bits === 8 ? 2 : 1, keyBits === 8 ? 2 : 1];
  const { groups, stride, sinks, slots } = shape;
  const headDim = 32 * groups;
  const pairs = c.rows / 2;
  const count = between(random, 1, 3);
  const addr = isValue ? between(random, 2 ** 22, 2 ** 23) : keys;
  const slot = random() < 0.2 ? slots - 1 : between(random, 0, slots - 1);
  const toks = between(random, 1, c.tokens);
  const data = Array.from({ length: count }, () =>
    Array.from({ length: toks }, () => vector(random, headDim)),
  );
  const memory = new Map<string, number>();
  const codes: number[] = [];
  const scales: number[] = [];
  const coded: number[][] = [];
  const normed = norm !== undefined && !isValue && random() < 0.8;
  const sums: Squares[] = [];
  let saturated = false;
  for (const [h, head] of data.entries()) {
    for (const [t, k] of head.entries()) {
      if (normed)
        sums.push({
          sum: Math.floor(random() * 2 ** between(random, 0, 46)),
          shift: 7 * between(random, 0, 2),
        });
      const v =
        norm === undefined || isValue
          ? k
          : normedKey(k, h * headDim, norm, normed ? sums.at(-1) : undefined, () => {
              saturated = true;
            });
      coded.push(...[...v].map((x, d) => [x, h * headDim + d, t]));
      const s = slot + t < slots ? slot + t : sinks + (slot + t - slots);
      const maximum = v.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      const scale = cacheScale(maximum, sticky, bits);
      const block = Math.floor(s / pairs);
      const j = s % pairs;
      const unit = keys + h * stride + Math.floor(block / 8) * (1 + 8 * groups * keyBeats);
      const byte = c.rows * (block % 8) + 2 * j + (isValue ? 1 : 0);
      memory.set(`${unit}.${2 * byte}`, scale & 15);
      memory.set(`${unit}.${2 * byte + 1}`, scale >> 4);
      scales.push(scale);
      for (const [d, x] of v.entries()) {
        const code = cacheCode(x, scale, bits);
        codes.push(code);
        const [beat, nibble] = isValue
          ? [
              addr + h * stride + (Math.floor(d / pairs) * Math.ceil(slots / 32) + (s >> 5)) * beats,
              32 * (d % pairs) + (s & 31),
            ]
          : [unit + 1 + ((block % 8) * groups + (d >> 5)) * beats, 32 * j + (d & 31)];
        const high = bits === 8 ? Math.round(code / 16 + 1 / 64) : 0; // -8..7 is left for the low digit
        if (bits === 8) memory.set(`${beat}.${nibble}`, high + 8);
        memory.set(`${beat + beats - 1}.${nibble}`, code - 16 * high + 8);
      }
    }
  }
  return {
    heads: data.map((_, h) => ({
      addr,
      headStride: stride / CACHE_STRIDE_BEATS,
      headGroups: groups,
      slot,
      toks,
      isValue: isValue ? 1 : 0,
      first: h === 0 ? 1 : 0,
      ...(norm === undefined ? {} : { normed_0: normed ? 1 : 0 }),
    })),
    values: Array.from({ length: count * headDim * toks }, (_, i) => {
      const [row, tok] = [Math.floor(i / toks), i % toks];
      return {
        value: data[Math.floor(row / headDim)]![tok]![row % headDim]!,
        row,
        tok,
        last: i === count * headDim * toks - 1,
      };
    }),
    memory,
    codes,
    scales,
    saturated: saturated || sticky.cache > 0,
    sums,
    coded,
    widths,
  };
};

/** Means and constants as LOAD leaves them. */
const loadNorm = (c: AcceleratorConfig, bench: Bench): Norm => {
  const { sim, random } = bench;
  const norm: Norm = {
    mean: Int32Array.from({ length: c.kmeanEntries }, () =>
      Math.floor((random() - 0.5) * 2 ** between(random, 1, 20)),
    ),
    epsilon: between(random, 1, 2 ** 30),
    k: { m: between(random, 32768, 65535), e: -5 },
  };
  const perBeat = beatBits(c) / 32;
  for (let beat = 0; beat < norm.mean.length / perBeat; beat++) {
    let data = 0n;
    for (let i = perBeat; i-- > 0; ) data = (data << 32n) | BigInt(norm.mean[beat * perBeat + i]! >>> 0);
    sim.poke("norm_0_mean_enable", 1);
    sim.poke("norm_0_mean_beat", beat);
    sim.poke("norm_0_mean_data", data);
    sim.step();
  }
  for (const [port, value] of Object.entries({
    norm_0_mean_enable: 0,
    norm_0_key_valid: 0,
    norm_0_constants_epsilon: norm.epsilon,
    norm_0_constants_m: norm.k.m,
    norm_0_constants_e: norm.k.e & 1023,
  }))
    sim.poke(port, value);
  return norm;
};

const run = (c: AcceleratorConfig, seed: number, count: number, take: number): void => {
  const jobs: Job[] = [];
  const feed = { job: 0, index: 0 };
  const pipe: { at: number; values: Readonly<Record<string, number>> }[] = [];
  const trace = { codes: [] as number[], scales: [] as number[], coded: [] as number[][] };
  const { qkNorm } = c.features;
  let written = 0;
  const bench = new Bench(cacheWriter(c), seed, ({ sim, random: r, cycles }) => {
    sim.poke("start", 0);
    sim.poke("x_valid", 0);
    if (qkNorm) sim.poke("norm_0_key_valid", 0);
    if (pipe[0]?.at === cycles)
      for (const [field, v] of Object.entries(pipe.shift()!.values)) sim.poke(`x_${field}`, v);
    const job = jobs[feed.job];
    if (job !== undefined && r() < 0.9) {
      const v = job.values[feed.index]!;
      const head = job.heads[0]!;
      const starts = v.tok === 0 && v.row % (32 * head.headGroups) === 0;
      if (!starts || sim.peek("free") === 1n) {
        if (starts) {
          sim.poke("start", 1);
          for (const [field, x] of Object.entries(job.heads[v.row / (32 * head.headGroups)]!))
            sim.poke(`job_${field}`, x);
          for (const [port, x] of widthPorts(c, job.widths)) sim.poke(port, x);
        }
        pipe.push({
          at: cycles + EPILOGUE_DELAY,
          values: {
            valid: 1,
            value: v.value & 0xffffff,
            isValue: head.isValue,
            row: v.row,
            tok: v.tok,
            last: v.last ? 1 : 0,
          },
        });
        const headDim = 32 * head.headGroups;
        // a sum comes when the last element of its token passes, long before that is filled
        if (qkNorm && job.sums.length > 0 && v.row % headDim === headDim - 1) {
          const sums = job.sums[Math.floor(v.row / headDim) * head.toks + v.tok]!;
          for (const [port, x] of Object.entries(squaresPorts("norm_0_key_squares", sums))) sim.poke(port, x);
          sim.poke("norm_0_key_valid", 1);
        }
        feed.index++;
        if (v.last) {
          feed.index = 0;
          feed.job++;
        }
      }
    }
    if (sim.peek("trace_code_valid") === 1n)
      trace.codes.push(Number(BigInt.asIntN(8, sim.peek("trace_code_code"))));
    if (sim.peek("trace_cachescale_valid") === 1n)
      trace.scales.push(Number(sim.peek("trace_cachescale_data")));
    if (qkNorm && sim.peek("values_0_valid") === 1n)
      trace.coded.push([
        Number(BigInt.asIntN(24, sim.peek("values_0_value"))),
        Number(sim.peek("values_0_row")),
        Number(sim.peek("values_0_tok")),
      ]);
    if (sim.peek("written") === 1n) written++;
  });
  const { sim, random } = bench;
  const shape: Shape = {
    groups: 2 ** between(random, 0, Math.log2(c.headDim / 32)),
    stride: 4000,
    sinks: 3,
    slots: between(random, 40, c.context),
  };
  for (const port of [
    "x_value",
    "x_isValue",
    "x_row",
    "x_tok",
    "x_last",
    ...HEAD_FIELDS.map((f) => `job_${f}`),
  ])
    sim.poke(port, 0);
  sim.poke("sinks", shape.sinks);
  sim.poke("slots", shape.slots);
  const sticky = new Sticky();
  const norm = qkNorm ? loadNorm(c, bench) : undefined;
  let keys = 0;
  let keyBits: CacheBits = 4;
  const widths: CacheBits[] = [
    4,
    ...(c.features.cache8 ? [8 as const] : []),
    ...(c.features.cache3 ? [3 as const] : []),
  ];
  const anyWidth = (): CacheBits => widths[between(random, 0, widths.length - 1)]!;
  for (let i = 0; i < count; i++) {
    const isValue = i > 0 && random() < 0.5;
    if (!isValue) {
      keys = between(random, 0, 2 ** 21);
      keyBits = anyWidth();
    }
    const bits = isValue ? anyWidth() : keyBits;
    jobs.push(makeJob(c, random, shape, isValue, keys, { bits, keyBits }, sticky, norm));
  }
  let saturated = false;
  const writes = bench.collect("write", ["addr", "data", "mask"], take);
  for (const [i, job] of jobs.entries()) {
    bench.run(() => written > i, 30_000);
    assert.equal(written, i + 1);
    const got = new Map<string, number>();
    for (const [addr, data, mask] of writes.items.splice(0)) {
      for (let n = 0; n < beatBits(c) / 4; n++) {
        if (((mask! >> BigInt(n)) & 1n) === 0n) continue;
        assert.ok(!got.has(`${addr}.${n}`), `job ${i} writes nibble ${n} of ${addr} twice`);
        got.set(`${addr}.${n}`, Number((data! >> BigInt(4 * n)) & 15n));
      }
    }
    const sorted = (m: ReadonlyMap<string, number>): [string, number][] =>
      [...m].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(got), sorted(job.memory), `memory after job ${i}`);
    assert.deepEqual(
      [trace.codes.splice(0), trace.scales.splice(0)],
      [job.codes, job.scales],
      `trace of job ${i}`,
    );
    if (qkNorm) assert.deepEqual(trace.coded.splice(0), job.coded, `values of job ${i}`);
    saturated ||= job.saturated;
    assert.equal(sim.peek("saturated") === 1n, saturated, `saturation after job ${i}`);
  }
  assert.ok(sticky.cache > 0, "no scale saturated");
  for (let i = 0; i < 3; i++) bench.cycle();
  assert.equal(sim.peek("idle"), 1n);
};

describe("cache writer", () => {
  for (const [rows, tokens, take] of [
    [2, 1, 1],
    [2, 2, 0.4],
    [4, 1, 0.4],
    [4, 2, 1],
    [16, 2, 0.7],
  ] as const) {
    it(`writes keys and values: ${rows} rows, ${tokens} token(s), writes taken at rate ${take}`, () => {
      for (const seed of [1, 2]) run({ ...defaultConfig, rows, tokens, headDim: 64 }, seed, 30, take);
      const features = { ...NO_FEATURES, cache8: true, cache3: true };
      run({ ...defaultConfig, rows, tokens, headDim: 64, features }, 3, 40, take);
    });
  }

  for (const [rows, tokens, take] of [
    [2, 1, 1],
    [4, 2, 0.5],
  ] as const)
    it(`writes keys behind a norm: ${rows} rows, ${tokens} token(s), writes taken at rate ${take}`, () => {
      const features = { ...NO_FEATURES, cache8: true, qkNorm: true };
      for (const seed of [1, 2])
        run({ ...defaultConfig, rows, tokens, headDim: 64, features }, seed, 30, take);
    });
});
