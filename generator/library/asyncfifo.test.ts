import assert from "node:assert/strict";
import { bool, defineModule, elaborate, type ModuleDef, sint, stream, uint, vec } from "../hdl/index.js";
import { type Handle, simulate } from "../simulate/index.js";
import { asyncFifo, asyncQueue } from "./asyncfifo.js";
import { randomBits, randomFrom } from "./testing.js";

interface Side {
  /** Time between two edges. */
  readonly period: number;
  /** Probability of an offer, or of taking one, at an edge. */
  readonly rate: number;
}
interface Clocks {
  readonly push: Side;
  readonly pop: Side;
  /** Names of the two domains. */
  readonly domains?: readonly [push: string, pop: string];
}

/** Sends items through, each side by its own clock; gives what came out and how many lay inside at most. */
const through = (
  def: ModuleDef | Parameters<typeof elaborate>[0],
  items: readonly Readonly<Record<string, bigint>>[],
  { push, pop, domains = ["push", "pop"] }: Clocks,
  seed: number,
): { out: bigint[][]; most: number } => {
  const sim = simulate(elaborate(def), { seed });
  const random = randomFrom(seed);
  const resets = domains.map((d) => (d === "" ? "rst" : `${d}_rst`));
  for (const reset of resets) sim.poke(reset, 1);
  for (let i = 0; i < 3; i++) for (const d of domains) sim.edge(d);
  for (const reset of resets) sim.poke(reset, 0);

  const pushReady = sim.handle("push_ready");
  const popValid = sim.handle("pop_valid");
  const fields: readonly Handle[] = Object.keys(items[0]!).map((f) => sim.handle(`pop_${f}`));
  const out: bigint[][] = [];
  let sent = 0;
  let most = 0;
  let offered = false;
  let ready = false;
  let waiting: bigint[] | null = null;
  /** What each side does behind its edge; inputs change with their own clock only. */
  const offer = (): void => {
    offered ||= sent < items.length && random() < push.rate;
    sim.poke("push_valid", offered ? 1 : 0);
    if (offered) for (const [f, v] of Object.entries(items[sent]!)) sim.poke(`push_${f}`, v);
  };
  const accept = (): void => {
    ready = random() < pop.rate;
    sim.poke("pop_ready", ready ? 1 : 0);
  };
  let [nextPush, nextPop] = [random() * push.period, random() * pop.period];
  for (let edges = 0; out.length < items.length; edges++) {
    assert.ok(edges < 40 * items.length + 1000, `stuck with ${sent} sent and ${out.length} received`);
    const now = Math.min(nextPush, nextPop);
    const [pushes, pops] = [nextPush === now, nextPop === now];
    const sends = pushes && offered && pushReady.get() === 1;
    const item = pops && popValid.get() === 1 ? fields.map((f) => f.getBig()) : null;
    if (pops && waiting !== null) assert.deepEqual(item, waiting, "an offer is held until it is taken");
    sim.edge([...(pushes ? [domains[0]] : []), ...(pops ? [domains[1]] : [])]);
    if (item !== null && ready) out.push(item);
    if (pops) waiting = ready ? null : item;
    if (sends) {
      sent++;
      offered = false;
    }
    most = Math.max(most, sent - out.length);
    if (pushes) {
      nextPush += push.period;
      offer();
    }
    if (pops) {
      nextPop += pop.period;
      accept();
    }
  }
  return { out, most };
};

const PERIODS = [
  [10, 10],
  [7, 10.3],
  [10.3, 7],
  [29.7, 4],
  [3, 31],
] as const;
const RATES = [
  [1, 1],
  [0.3, 1],
  [1, 0.3],
  [0.5, 0.5],
] as const;

describe("asynchronous fifo", () => {
  for (const depth of [2, 8])
    for (const [pushPeriod, popPeriod] of PERIODS)
      it(`loses and repeats nothing: depth ${depth}, periods ${pushPeriod} and ${popPeriod}`, () => {
        for (const [i, [pushRate, popRate]] of RATES.entries()) {
          const random = randomFrom(100 * depth + i);
          const items = Array.from({ length: 600 }, () => ({ data: randomBits(random, 17) }));
          const clocks = {
            push: { period: pushPeriod, rate: pushRate },
            pop: { period: popPeriod, rate: popRate },
          };
          const { out, most } = through(asyncFifo(17, depth), items, clocks, i);
          assert.deepEqual(
            out,
            items.map((item) => [item.data]),
          );
          // The words of the memory, and the one on offer; full when the pushing side is the faster one.
          assert.ok(most <= depth + 1);
          if (pushRate / pushPeriod > (2 * popRate) / popPeriod) assert.equal(most, depth + 1);
        }
      });

  it("meets edges at the same moment", () => {
    const items = Array.from({ length: 1000 }, (_, i) => ({ data: BigInt(i) }));
    const def = asyncFifo(10, 4);
    const sim = simulate(elaborate(def));
    for (const port of ["push_rst", "pop_rst"]) sim.poke(port, 1);
    sim.edge(["push", "pop"], 2);
    for (const port of ["push_rst", "pop_rst"]) sim.poke(port, 0);
    const out: bigint[] = [];
    sim.poke("pop_ready", 1);
    sim.poke("push_valid", 1);
    for (let sent = 0; out.length < items.length; ) {
      sim.poke("push_data", items[Math.min(sent, items.length - 1)]!.data);
      if (sent >= items.length) sim.poke("push_valid", 0);
      if (sim.peek("push_ready") === 1n) sent++;
      if (sim.peek("pop_valid") === 1n) out.push(sim.peek("pop_data"));
      sim.edge(["push", "pop"]);
    }
    assert.deepEqual(
      out,
      items.map((i) => i.data),
    );
  });

  it("carries records between domains of any name", () => {
    const shape = { flag: bool, pair: vec({ a: sint(5), b: uint(9) }, 2) };
    const def = defineModule(
      "records",
      { in: { push: stream(shape) }, out: { pop: stream(shape) }, clocks: ["video"] },
      ({ push }) => ({ pop: asyncQueue("u_records", shape, push, 4, { from: "", to: "video" }) }),
    );
    const items = Array.from({ length: 300 }, (_, i) => ({
      flag: BigInt(i & 1),
      pair_0_a: BigInt((i % 32) - 16),
      pair_0_b: BigInt(i),
      pair_1_a: BigInt(15 - (i % 32)),
      pair_1_b: BigInt(511 - i),
    }));
    const side = { rate: 0.7 };
    const { out } = through(
      def,
      items,
      { push: { ...side, period: 8 }, pop: { ...side, period: 6.1 }, domains: ["", "video"] },
      3,
    );
    assert.deepEqual(
      out,
      items.map((i) => Object.values(i)),
    );
  });

  it("refuses a depth that is no power of two", () => assert.throws(() => asyncFifo(8, 6), /power of two/));
});
