import assert from "node:assert/strict";
import { mul, norm16, normScale, reciprocal } from "../../golden/model/ops.js";
import { SCALINGS } from "../isa/instruction.js";
import { Bench, between, type Random } from "../library/testing.js";
import { type AcceleratorConfig, defaultConfig, NO_FEATURES } from "../isa/config.js";
import { otherNorms } from "./jobs.js";
import { scaler } from "./scaler.js";
import { STEP } from "./squares.js";
import { NO_SQUARES, squaresPorts } from "./squares.testing.js";

interface Scale {
  readonly m: number;
  readonly e: number;
}
const poke = (
  sim: { poke(port: string, value: number): void },
  ports: Readonly<Record<string, number>>,
): void => {
  for (const [port, value] of Object.entries(ports)) sim.poke(port, value);
};
const mantissa = (random: Random): number =>
  [32768, 65535, between(random, 32768, 65535), between(random, 32768, 65535)][between(random, 0, 3)]!;
/** A number of 1 to `bits` bits, all lengths alike, with corners. */
const spread = (random: Random, bits: number): number => {
  const length = between(random, 1, bits);
  const low = 2 ** (length - 1);
  const pick = between(random, 0, 3);
  return pick === 0 ? low : pick === 1 ? 2 * low - 1 : low + Math.floor(random() * low);
};

/** Jobs with random toks; the row scaler takes T in random order and releases late. Gives the cycles from start to known. */
const run = (c: AcceleratorConfig, seed: number, count: number): Map<string, number> => {
  const norms = 1 + otherNorms(c).length;
  const random = (() => {
    const b = new Bench(scaler(c), seed);
    return b.random;
  })();
  const jobs = Array.from({ length: count }, () => {
    const scaling = between(random, 0, 3);
    const softmaxJob = SCALINGS[scaling] === "softmax";
    const toks = softmaxJob ? 1 : between(random, 1, c.tokens);
    return {
      scaling,
      scaleM: random() < 0.05 ? 0 : mantissa(random),
      scaleE: between(random, -60, 60),
      scaleSlot: between(random, 0, c.slots - 1),
      toks,
      tok: between(random, 0, c.tokens - toks),
      s: Array.from(
        { length: c.tokens },
        (): Scale =>
          random() < 0.05 ? { m: 0, e: 0 } : { m: mantissa(random), e: between(random, -15, 16) },
      ),
      norm: between(random, 0, norms - 1),
      squares: Array.from({ length: norms }, () =>
        Array.from({ length: c.tokens }, () => ({
          sum: random() < 0.2 ? 0 : spread(random, 48),
          shift: STEP * between(random, 0, 2),
        })),
      ),
      sum: spread(random, 40),
      emax: between(random, -3, 20),
    };
  });
  const epsilon = Array.from({ length: norms }, () => spread(random, random() < 0.5 ? 20 : 48));
  const latency = new Map<string, number>();
  let started = 0;
  let current = 0; // whose T is looked at
  let next = 0; // job the scaler is at: its S and SS are on offer
  let stored = 0;
  const startedAt: number[] = [];
  const bench: Bench = new Bench(scaler(c), seed, ({ sim, cycles }) => {
    const job = jobs[Math.min(next, count - 1)]!;
    const tok = Number(sim.peek("scaleAddr_tok"));
    sim.poke("started", 0);
    if (started < count && started - next < 4 && started < sender.sent && random() < 0.1) {
      sim.poke("started", 1);
      startedAt.push(cycles);
      started++;
    }
    if (started > next) assert.equal(Number(sim.peek("scaleAddr_slot")), job.scaleSlot);
    sim.poke("scale_m", job.s[tok]?.m ?? 0);
    sim.poke("scale_e", job.s[tok]?.e ?? 0);
    job.squares.forEach((of, n) => {
      poke(sim, squaresPorts(n === 0 ? "squares" : `others_${n - 1}_squares`, of[tok] ?? NO_SQUARES));
    });
    // the row scaler
    const wanted = jobs[current];
    sim.poke("retire", 0);
    if (wanted !== undefined) {
      const look = between(random, 0, wanted.toks - 1);
      sim.poke("tok", look);
      if (sim.peek("known") === 1n) {
        const k = { m: wanted.scaleM, e: wanted.scaleE };
        const at = wanted.tok + look;
        const [s, squares] = [wanted.s[at]!, wanted.squares[wanted.norm]![at]!];
        const name = SCALINGS[wanted.scaling]!;
        const expected = ((): Scale => {
          switch (name) {
            case "constant":
              return k;
            case "activation":
              return mul(s, kZero(k));
            case "norm":
              return normScale(s, squares, epsilon[wanted.norm]!, kZero(k));
            case "softmax": {
              const t = mul(reciprocal(norm16(wanted.sum)), kZero(k));
              return t.m === 0 ? t : { m: t.m, e: t.e + wanted.emax };
            }
          }
        })();
        assert.deepEqual(
          [sim.peek("t_m"), sim.peek("t_e")].map(Number),
          [expected.m, expected.e],
          `job ${current}, ${name}`,
        );
        sim.poke("tok", wanted.toks - 1);
        const complete = sim.peek("known") === 1n;
        if (complete && !latency.has(`${current}`)) latency.set(`${current}`, cycles - startedAt[current]!);
        if (complete && random() < 0.1) {
          sim.poke("retire", 1);
          current++;
        }
      }
    }
    if (sim.peek("set_done") === 1n) stored++;
  });
  const sender = bench.send(
    "job",
    jobs.map(({ scaling, scaleM, scaleE, scaleSlot, toks, tok, norm }) => ({
      scaling,
      scaleM,
      scaleE,
      scaleSlot,
      toks,
      tok,
      ...(norms === 1 ? {} : { norm_0: norm }),
    })),
    0.5,
  );
  bench.send(
    "softmax",
    jobs.filter((j) => SCALINGS[j.scaling] === "softmax").map(({ sum, emax }) => ({ sum, emax })),
    0.5,
  );
  epsilon.forEach((e, n) => {
    bench.sim.poke(n === 0 ? "epsilonSum" : `others_${n - 1}_epsilon`, e);
  });
  poke(bench.sim, squaresPorts("squares", NO_SQUARES));
  for (const port of ["started", "retire", "tok", "scale_m", "scale_e"]) bench.sim.poke(port, 0);
  bench.run(() => {
    next = stored;
    return current === count;
  }, 400_000);
  return latency;
};
/** (0, 0) is the only zero. */
const kZero = (k: Scale): Scale => (k.m === 0 ? { m: 0, e: 0 } : k);

describe("scaler", () => {
  for (const tokens of [1, 2, 4])
    it(`computes T: ${tokens} token(s)`, () => void run({ ...defaultConfig, tokens }, tokens, 3000));

  it("computes T behind the norms that only some models have", () =>
    void run({ ...defaultConfig, tokens: 2, features: { ...NO_FEATURES, subNorms: true } }, 5, 1500));

  it("has every reciprocal and every root of the contract", () => {
    const bench = new Bench(scaler(defaultConfig), 1);
    const { sim } = bench;
    const one = { m: 32768, e: -15 }; // S and K are 1: T is the reciprocal or the root itself
    const port = (name: string): ((v: number) => void) => sim.handle(name).set!;
    for (const [name, value] of Object.entries({
      scale_m: one.m,
      scale_e: one.e,
      epsilonSum: 0,
      tok: 0,
      retire: 0,
      started: 0,
      job_scaleM: one.m,
      job_scaleE: one.e,
      job_scaleSlot: 0,
      job_toks: 1,
      job_tok: 0,
      softmax_emax: 0,
    }))
      sim.poke(name, value);
    const [known, m, e, retire, started, valid, softmax] = [
      sim.handle("known"),
      sim.handle("t_m"),
      sim.handle("t_e"),
      port("retire"),
      port("started"),
      port("job_valid"),
      port("softmax_valid"),
    ];
    const compute = (scaling: "norm" | "softmax", value: number): Scale => {
      sim.poke("job_scaling", SCALINGS.indexOf(scaling));
      port(scaling === "norm" ? "squares_sum" : "softmax_sum")(value);
      softmax(scaling === "softmax" ? 1 : 0);
      valid(1);
      started(1);
      sim.step();
      valid(0);
      started(0);
      for (let i = 0; known.get() === 0 && i < 20; i++) sim.step();
      const t = { m: m.get(), e: e.get() };
      softmax(0);
      retire(1);
      sim.step();
      retire(0);
      return t;
    };
    poke(sim, squaresPorts("squares", NO_SQUARES));
    for (let v = 32768; v < 65536; v++) {
      assert.deepEqual(compute("softmax", v), mul(reciprocal({ m: v, e: 0 }), one), `reciprocal of ${v}`);
      assert.deepEqual(compute("norm", v), normScale(one, { sum: v, shift: 0 }, 0, one), `root of ${v}`);
      assert.deepEqual(
        compute("norm", 2 * v),
        normScale(one, { sum: 2 * v, shift: 0 }, 0, one),
        `root of ${2 * v}`,
      );
    }
  });

  it("has T of a norm ten cycles after the start", () => {
    const bench = new Bench(scaler(defaultConfig), 1);
    for (const [port, value] of Object.entries({
      scale_m: 40000,
      scale_e: 3,
      ...squaresPorts("squares", { sum: 123456, shift: 7 }),
      epsilonSum: 7,
      tok: 0,
      retire: 0,
      started: 0,
    }))
      bench.sim.poke(port, value);
    bench.send("job", [
      { scaling: SCALINGS.indexOf("norm"), scaleM: 50000, scaleE: -20, scaleSlot: 0, toks: 1, tok: 0 },
    ]);
    for (let i = 0; i < 5; i++) bench.cycle();
    bench.sim.poke("started", 1);
    let cycles = 0;
    while (bench.sim.peek("known") === 0n) {
      bench.cycle();
      bench.sim.poke("started", 0);
      cycles++;
    }
    assert.equal(cycles, 10);
  });
});
