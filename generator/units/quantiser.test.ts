import assert from "node:assert/strict";
import { maximumOf, quantise } from "../../golden/model/ops.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { Bench, between, type Random } from "../library/testing.js";
import { quantiser } from "./quantiser.js";

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;
/** An int32 of at most `bits` bits and a sign. */
const element = (random: Random, bits: number): number => {
  const size = Math.floor(random() * 2 ** bits);
  return random() < 0.5 ? size : -size;
};
/** Vectors by kind: zeros, extremes, one large among small ones, all of one size, ties of rounding. */
const vector = (random: Random, kind: number, n: number): Int32Array => {
  const bits = between(random, 1, 31);
  const v = Int32Array.from({ length: n }, () => element(random, bits));
  switch (kind) {
    case 0:
      return v.fill(0);
    case 1:
      return v.map(() => [MIN, MAX, -MAX, 0, 1, -1][between(random, 0, 5)]!);
    case 2: {
      v[between(random, 0, n - 1)] = MIN; // M = 2^31
      return v;
    }
    case 3:
      return v.map((x) => Math.sign(x) * 2 ** Math.min(bits, 30));
    case 4:
      return v.map((x) => x % 2); // M = 1
    case 5:
      return v.fill(2 ** between(random, 0, 30) - 1);
    default:
      return v;
  }
};

const run = (c: AcceleratorConfig, seed: number, count: number): void => {
  const memory = new Int32Array(c.vectorElements);
  const statistics = new Map<string, number>();
  let word = 0;
  const taken: number[] = [];
  const signals: number[] = [];
  const writes: string[] = [];
  const bench: Bench = new Bench(quantiser(c), seed, ({ sim }) => {
    const bits = [3, 2, 1, 0].reduce((all, i) => (all << 32n) | BigInt(memory[4 * word + i]! >>> 0), 0n);
    sim.poke("quad", bits);
    sim.poke("maximum", statistics.get(`${sim.peek("stat_slot")} ${sim.peek("stat_tok")}`) ?? 0);
    sim.poke("granted", sim.peek("want") !== 0n && bench.random() < 0.3 ? 1 : 0);
    word = Number(sim.peek("word"));
    if (sim.peek("take") === 1n) taken.push(Number(sim.peek("want")));
    if (sim.peek("write_enable") === 1n)
      writes.push(
        `${sim.peek("write_word")}.${sim.peek("write_quad")}: ${sim.peek("write_data").toString(16)}`,
      );
    if (sim.peek("signal") !== 0n) signals.push(Number(sim.peek("signal")));
  });
  const { sim, random } = bench;
  for (const port of ["scaleRead_slot", "scaleRead_tok"]) sim.poke(port, 0);
  for (let i = 0; i < count; i++) {
    const elements = 4 * between(random, 1, random() < 0.1 ? 256 : 24);
    const src = 4 * between(random, 0, (c.vectorElements - elements) / 4);
    const act = between(random, 0, c.actWords - 1);
    const slot = between(random, 0, c.slots - 1);
    const tok = between(random, 0, c.tokens - 1);
    const [wait, signal] = [between(random, 1, 4095), between(random, 1, 4095)];
    for (let k = 0; k < memory.length; k++) memory[k] = element(random, 31);
    const values = vector(random, between(random, 0, 9), elements);
    memory.set(values, src);
    const own = maximumOf(values);
    const lowest = own === 0 ? 0 : 2 ** Math.floor(Math.log2(own));
    // now and then another maximum of as many bits: codes must stop at 127
    const maximum =
      own > 0 && random() < 0.3 ? lowest + Math.floor(random() * Math.min(lowest, 2 ** 31 - lowest)) : own;
    statistics.set(`${slot} ${tok}`, maximum);
    const codes = new Int8Array(elements);
    const scale = quantise(values, maximum, codes);
    writes.length = 0;
    const job = bench.send("job", [{ src, elements, act, slot, tok, wait, signal }], 0.5);
    bench.run(() => signals.length > 0, 2000);
    assert.deepEqual([taken.splice(0), signals.splice(0)], [[wait], [signal]], `semaphores of job ${i}`);
    assert.equal(job.sent, 1);
    const expected = Array.from({ length: elements / 4 }, (_, q) => {
      const data = [3, 2, 1, 0].reduce((all, k) => (all << 8n) | BigInt(codes[4 * q + k]! & 255), 0n);
      return `${(act + (q >> 3)) % c.actWords}.${q % 8}: ${data.toString(16)}`;
    });
    assert.deepEqual(writes, expected, `job ${i}, M = ${maximum}`);
    sim.poke("scaleRead_slot", slot);
    sim.poke("scaleRead_tok", tok);
    assert.deepEqual(
      [sim.peek("scale_m"), BigInt.asIntN(6, sim.peek("scale_e"))].map(Number),
      [scale.m, scale.e],
      `S of job ${i}`,
    );
  }
};

describe("quantiser", () => {
  for (const tokens of [1, 2])
    it(`codes and scales of vectors: ${tokens} token(s)`, () =>
      run({ ...defaultConfig, tokens }, tokens, 400));
});
