import assert from "node:assert/strict";
import { simulate, type SimulateOptions } from "./index.js";
import { mulberry32 } from "./prng.js";
import { randomDesign, randomInputs, type RandomOptions } from "./random.js";

/** Every signal and memory word of both engines, cycle by cycle, from random first values. */
function compare(seed: number, cycles: number, options: RandomOptions, engine: SimulateOptions = {}): void {
  const design = randomDesign(seed, "top", options);
  const wasm = simulate(design, { ...engine, seed });
  const reference = simulate(design, { seed, engine: "interpreter" });
  const random = mulberry32(seed);
  const signals = wasm.signals();
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const [port, value] of randomInputs(random, design, cycle)) {
      wasm.poke(port, value);
      reference.poke(port, value);
    }
    for (const name of signals) {
      assert.equal(wasm.peekBits(name), reference.peekBits(name), `seed ${seed}, cycle ${cycle}, ${name}`);
    }
    const clocks = options.twoClocks ? random.pick([["clk"], ["aux"], ["clk", "aux"]]) : ["clk"];
    wasm.edge(clocks);
    reference.edge(clocks);
  }
  for (const m of wasm.memories()) {
    for (let addr = 0; addr < m.depth; addr++) {
      assert.equal(
        wasm.readMemory(m.name, addr),
        reference.readMemory(m.name, addr),
        `seed ${seed}, ${m.name}[${addr}]`,
      );
    }
  }
}

/** The same watch points and the same flag to stop at. */
function compareRecords(seed: number): void {
  const design = randomDesign(seed, "top", { nodes: 20, maxWidth: 130, defined: false });
  const sims = [simulate(design, { seed }), simulate(design, { seed, engine: "interpreter" })];
  const random = mulberry32(seed);
  const signals = sims[0]!.signals();
  const bits = signals.filter((name) => sims[0]!.handle(name).width === 1);
  const points = Array.from({ length: 5 }, () => ({
    valid: random.oneIn(5) ? null : random.pick(bits),
    data: Array.from({ length: random.below(4) }, () => random.pick(signals)),
  }));
  const inputs = randomInputs(random, design, 99);
  const flag = random.pick(bits);
  const [a, b] = sims.map((sim) => {
    for (const [port, value] of inputs) sim.poke(port, value);
    sim.watch(points);
    const first = sim.runWatched(20);
    const second = sim.runWatched(20, flag);
    const { records } = second;
    const cycles = sim.runUntil(flag, 10);
    return [
      first.records.words,
      first.records.cycle,
      second.stepped,
      second.reached,
      records.words,
      records.watch,
      cycles,
    ];
  });
  assert.deepEqual(a, b, `seed ${seed}`);
}

describe("simulate: both engines agree", () => {
  const start = Number(process.env.SEED ?? 1);
  const range = (n: number): number[] => Array.from({ length: n }, (_, i) => start + i);
  it("on 1,000 small designs", () => {
    for (const seed of range(1000))
      compare(seed, 30, { nodes: 10 + (seed % 30), maxWidth: 130, defined: false });
  });
  it("on 300 designs of at most 64 bits", () => {
    for (const seed of range(300)) compare(seed + 10_000, 30, { nodes: 40, maxWidth: 64, defined: false });
  });
  it("on 300 designs in very small functions", () => {
    for (const seed of range(300))
      compare(seed + 30_000, 30, { nodes: 30, maxWidth: 130, defined: false }, { functionCost: 9 });
  });
  it("on what 200 designs record", () => {
    for (const seed of range(200)) compareRecords(seed + 60_000);
  });
  it("on 200 designs with two clocks", () => {
    for (const seed of range(200))
      compare(seed + 40_000, 40, { nodes: 25, maxWidth: 70, defined: false, twoClocks: true });
  });
  it("on 200 designs with very wide values", () => {
    for (const seed of range(200)) compare(seed + 20_000, 20, { nodes: 20, maxWidth: 1100, defined: false });
  });
});
