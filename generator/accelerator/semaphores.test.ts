import assert from "node:assert/strict";
import { defaultConfig } from "../isa/config.js";
import { SEMAPHORES, type Semaphore } from "../isa/instruction.js";
import { Bench, between, type Random } from "../library/testing.js";
import { semaphores } from "./semaphores.js";

const NAMES = Object.keys(SEMAPHORES) as Semaphore[];
const MOST = 63; // six bits a count
/** Few bits at a time, and none often. */
const mask = (random: Random): number => {
  let bits = 0;
  for (let i = between(random, 0, 3); i > 0; i--)
    bits |= 1 << SEMAPHORES[NAMES[between(random, 0, NAMES.length - 1)]!].bit;
  return bits;
};

const run = (tokens: number, cycles: number): void => {
  const bench = new Bench(semaphores({ ...defaultConfig, tokens }), tokens);
  const { sim, random } = bench;
  let counts = new Map<Semaphore, number>(NAMES.map((name) => [name, SEMAPHORES[name].initial]));
  const grants = { stream: 0, quant: 0, softmax: 0, refused: 0 };
  for (let cycle = 0; cycle < cycles; cycle++) {
    const want = { stream: mask(random), quant: mask(random), softmax: mask(random) };
    // two units never wait for the same semaphore: both could take its last count
    want.quant &= ~want.stream;
    want.softmax &= ~(want.stream | want.quant);
    const amount = between(random, 1, tokens);
    const signals = {
      epilogue: mask(random),
      score: mask(random),
      quantSignal: mask(random),
      softmaxSignal: mask(random),
    };
    const [epilogueAmount, release] = [between(random, 1, tokens), random() < 0.2 ? 1 : 0];
    const short = (wanted: number, n: number): number =>
      NAMES.reduce(
        (bits, name) =>
          bits |
          ((wanted >> SEMAPHORES[name].bit) & 1 && counts.get(name)! < n ? 1 << SEMAPHORES[name].bit : 0),
        0,
      );
    const missing = {
      stream: short(want.stream, amount),
      quant: short(want.quant, 1),
      softmax: short(want.softmax, 1),
    };
    const take = {
      stream: missing.stream === 0 && random() < 0.7,
      quant: missing.quant === 0 && random() < 0.7,
      softmax: missing.softmax === 0 && random() < 0.7,
    };
    const restart = random() < 0.002;
    const after = new Map(
      NAMES.map((name) => {
        const bit = SEMAPHORES[name].bit;
        const has = (m: number): number => (m >> bit) & 1;
        const given =
          has(signals.epilogue) * epilogueAmount +
          has(signals.score) +
          has(signals.quantSignal) +
          has(signals.softmaxSignal) +
          (name === "probFree" ? release : 0);
        const taken =
          (take.stream ? has(want.stream) * amount : 0) +
          (take.quant ? has(want.quant) : 0) +
          (take.softmax ? has(want.softmax) : 0);
        return [name, restart ? SEMAPHORES[name].initial : counts.get(name)! + given - taken];
      }),
    );
    // a count never goes over in a real program; here a full one gets nothing for a while
    const full = NAMES.some((name) => after.get(name)! > MOST);
    const inputs = {
      restart: restart || full ? 1 : 0,
      stream_want: want.stream,
      stream_take: take.stream ? 1 : 0,
      stream_amount: amount,
      quant_want: want.quant,
      quant_take: take.quant ? 1 : 0,
      softmax_want: want.softmax,
      softmax_take: take.softmax ? 1 : 0,
      epilogue_mask: signals.epilogue,
      epilogue_amount: epilogueAmount,
      score: signals.score,
      quantSignal: signals.quantSignal,
      softmaxSignal: signals.softmaxSignal,
      probRelease: release,
    };
    for (const [port, value] of Object.entries(inputs)) sim.poke(port, value);
    assert.deepEqual(
      ["streamGranted", "streamMissing", "quantGranted", "softmaxGranted"].map((port) =>
        Number(sim.peek(port)),
      ),
      [
        missing.stream === 0 ? 1 : 0,
        missing.stream,
        missing.quant === 0 ? 1 : 0,
        missing.softmax === 0 ? 1 : 0,
      ],
      `cycle ${cycle}`,
    );
    for (const unit of ["stream", "quant", "softmax"] as const)
      grants[missing[unit] === 0 ? unit : "refused"]++;
    bench.cycle();
    counts = full ? new Map(NAMES.map((name) => [name, SEMAPHORES[name].initial])) : after;
  }
  for (const [what, count] of Object.entries(grants))
    assert.ok(count > cycles / 50, `${what}: only ${count} times`);
};

describe("semaphores", () => {
  for (const tokens of [1, 2, 4])
    it(`count what is given and taken: ${tokens} token(s)`, () => run(tokens, 4000));

  it("have the initial counts after a reset, and no unit gets a job for more", () => {
    const bench = new Bench(semaphores({ ...defaultConfig, tokens: 4 }), 1);
    const { sim } = bench;
    for (const port of [
      "restart",
      "stream_take",
      "quant_want",
      "quant_take",
      "softmax_want",
      "softmax_take",
      "epilogue_mask",
      "epilogue_amount",
      "score",
      "quantSignal",
      "softmaxSignal",
      "probRelease",
    ])
      sim.poke(port, 0);
    for (const name of NAMES) {
      const { bit, initial } = SEMAPHORES[name];
      sim.poke("stream_want", 1 << bit);
      for (let amount = 1; amount <= 4; amount++) {
        sim.poke("stream_amount", amount);
        assert.equal(Number(sim.peek("streamGranted")), amount <= initial ? 1 : 0, `${name}, ${amount}`);
        assert.equal(Number(sim.peek("streamMissing")), amount <= initial ? 0 : 1 << bit);
      }
    }
  });
});
