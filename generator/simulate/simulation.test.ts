import assert from "node:assert/strict";
import type { BlackBox, Design } from "../hdl/ir.js";
import { CheckFailure, simulate, type Simulation, type SimulateOptions } from "./index.js";
import { Sketch } from "./sketch.js";

/** Counts while `en` is 1; inside it, a doubler, so that there is a hierarchy. */
function counter(): Design {
  const doubler = new Sketch("doubler");
  const x = doubler.input("x", 8);
  const twice = doubler.named("twice", doubler.cat(doubler.slice(x, 0, 7), doubler.constant(1, 0)));
  doubler.output("y", twice);

  const s = new Sketch("counter");
  const en = s.input("en", 1);
  const step = s.input("step", 8, true);
  const count = s.reg("count", 8, { reset: 3 });
  s.set(count, s.binary("add", count, step), en);
  const { y } = s.instance("u_double", "doubler", { x: count }, { y: 8 });
  s.output("value", count, true);
  s.output("double", y!);
  s.output("is_ten", s.binary("eq", count, s.constant(8, 10)));
  return s.design(doubler.module([]));
}

const engines: readonly NonNullable<SimulateOptions["engine"]>[] = ["wasm", "interpreter"];
for (const engine of engines) {
  const start = (design: Design, options: SimulateOptions = {}): Simulation =>
    simulate(design, { engine, ...options });

  describe(`simulate with the ${engine}`, () => {
    it("pokes, steps and peeks", () => {
      const sim = start(counter());
      assert.equal(sim.peek("value"), 3n);
      sim.poke("en", 1);
      sim.poke("step", 2);
      sim.step();
      assert.equal(sim.peek("value"), 5n);
      assert.equal(sim.peek("u_double.twice"), 10n);
      sim.poke("step", -7);
      sim.step();
      assert.equal(sim.peek("value"), -2n);
      assert.equal(sim.peekBits("value"), 254n);
      sim.poke("rst", 1);
      sim.step();
      assert.equal(sim.peek("value"), 3n);
      assert.equal(sim.cycles, 3);
    });

    it("shows combinational values before the edge", () => {
      const s = new Sketch("sum");
      s.output("y", s.binary("add", s.input("a", 70), s.input("b", 70)));
      const sim = start({ ...s.design() });
      sim.poke("a", (1n << 70n) - 1n);
      sim.poke("b", 5);
      assert.equal(sim.peek("y"), 4n);
      sim.poke("b", 6);
      assert.equal(sim.peek("y"), 5n);
    });

    it("gives handles for speed", () => {
      const sim = start(counter());
      const [en, step, value, double] = ["en", "step", "value", "double"].map((name) => sim.handle(name));
      en!.set!(1);
      step!.set!(-9);
      sim.step();
      assert.equal(value!.get(), -6);
      assert.equal(value!.getBig(), -6n);
      assert.equal(double!.get(), 244);
      assert.equal(value!.set, undefined);
    });

    it("says what is wrong with a name or a value", () => {
      const sim = start(counter());
      assert.throws(() => sim.peek("twice"), /counter has no signal twice \(there is: u_double.twice\)/);
      assert.throws(() => sim.poke("value", 1), /counter has no input value/);
      assert.throws(() => sim.poke("step", 256), /256 does not fit step of 8 bits/);
      assert.throws(() => sim.poke("step", -129), RangeError);
    });

    it("runs until a flag is up", () => {
      const sim = start(counter());
      sim.poke("en", 1);
      sim.poke("step", 1);
      assert.equal(sim.runUntil("is_ten", 100), 7);
      assert.equal(sim.runUntil("is_ten", 100), 0);
      sim.poke("en", 0);
      sim.step();
      sim.poke("rst", 1);
      sim.step();
      assert.equal(sim.runUntil("is_ten", 1000), -1);
    });

    it("comes back to a snapshot", () => {
      const sim = start(counter());
      sim.poke("en", 1);
      sim.poke("step", 1);
      sim.step(5);
      const saved = sim.snapshot();
      sim.poke("step", 50);
      sim.step(3);
      assert.equal(sim.peekBits("value"), 158n);
      sim.restore(saved);
      assert.equal(sim.cycles, 5);
      sim.step();
      assert.equal(sim.peek("value"), 9n);
    });

    it("records at watch points", () => {
      const s = new Sketch("watched");
      const count = s.reg("count", 40, { reset: 0 });
      s.set(count, s.binary("add", count, s.constant(40, 0x1_0000_0001)));
      s.named("odd", s.slice(count, 0, 1));
      s.named("third", s.binary("eq", s.slice(count, 0, 2), s.constant(2, 3)));
      s.named("wide", s.cat(count, s.constant(40, 5)));
      const sim = start(s.design());
      sim.watch([
        { valid: "odd", data: ["count"] },
        { valid: "third", data: ["wide", "odd"] },
      ]);
      const { records, stepped } = sim.runWatched(8);
      assert.equal(stepped, 8);
      assert.deepEqual([...records.cycle], [1, 3, 3, 5, 7, 7]);
      assert.deepEqual([...records.watch], [0, 0, 1, 0, 0, 1]);
      assert.equal(records.number(3, 0), 0x5_0000_0005);
      assert.equal(records.value(2, 0), (0x3_0000_0003n << 40n) | 5n);
      assert.equal(records.value(2, 1), 1n);
      assert.equal(sim.runWatched(100, "third").stepped, 3);
      assert.equal(sim.cycles, 11);
    });

    it("records more than its ring holds", () => {
      const s = new Sketch("many");
      const count = s.reg("count", 128, { reset: 0 });
      s.set(count, s.binary("add", count, s.constant(128, 1)));
      const sim = start(s.design());
      sim.watch([{ valid: null, data: ["count", "count"] }]);
      const n = engine === "wasm" ? 100_000 : 3000;
      const { records } = sim.runWatched(n);
      assert.equal(records.count, n);
      assert.equal(records.value(n - 1, 1), BigInt(n - 1));
      assert.equal(records.cycle[n - 1], n - 1);
    });

    it("loads and reads memories", () => {
      const s = new Sketch("rom");
      const mem = s.memory("table", 12, 10);
      s.output("y", s.read(mem, s.input("addr", 5), { async: true }));
      const parent = new Sketch("parent");
      const { y } = parent.instance("u_rom", "rom", { addr: parent.input("addr", 5) }, { y: 12 });
      parent.output("y", y!);
      const sim = start(parent.design(s.module()));
      sim.loadMemory("u_rom.table", Uint8Array.of(0x34, 0x12, 0xff, 0xff), 3);
      sim.writeMemory("u_rom.table", 9, -1);
      assert.equal(sim.readMemory("u_rom.table", 3), 0x234n);
      const at = (addr: number): bigint => {
        sim.poke("addr", addr);
        return sim.peek("y");
      };
      assert.deepEqual([3, 4, 9, 10, 31].map(at), [0x234n, 0xfffn, 0xfffn, 0n, 0n]);
      assert.throws(
        () => sim.loadMemory("u_rom.table", [1n, 2n], 9),
        /u_rom.table has 10 words; address 10 is none of them/,
      );
      assert.deepEqual(sim.memories(), [{ name: "u_rom.table", width: 12, depth: 10 }]);
    });

    it("starts what has no reset at random values of the seed", () => {
      const s = new Sketch("unset");
      s.reg("x", 40);
      const [a, b, c] = [
        start(s.design(), { seed: 1 }),
        start(s.design(), { seed: 1 }),
        start(s.design(), { seed: 2 }),
      ];
      assert.equal(a.peek("x"), b.peek("x"));
      assert.notEqual(a.peek("x"), c.peek("x"));
    });

    it("steps several clocks", () => {
      const s = new Sketch("two_clocks");
      const x = s.reg("x", 8, { reset: 1 });
      const y = s.reg("y", 8, { domain: 1 });
      s.set(x, y);
      s.set(y, s.binary("add", x, s.constant(8, 16)));
      const sim = start({
        top: "two_clocks",
        modules: new Map([["two_clocks", s.module(["fast", "slow"])]]),
        blackboxes: new Map(),
      });
      const both = (): number[] => [Number(sim.peek("x")), Number(sim.peek("y"))];
      sim.edge("slow");
      assert.deepEqual(both(), [1, 17]);
      sim.edge(["fast", "slow"]); // at the same moment: each sees the other's old value
      assert.deepEqual(both(), [17, 17]);
      sim.edge("slow");
      assert.deepEqual(both(), [17, 33]);
      assert.throws(() => sim.edge("other"), /two_clocks has no clock domain other/);
    });

    it("asks black boxes for their models", () => {
      const sim = start(boxes());
      sim.poke("a", 5);
      assert.equal(sim.peek("y"), 105n);
      assert.equal(sim.peek("total"), 0n);
      sim.step();
      sim.step();
      assert.equal(sim.peek("total"), 210n);
      const saved = sim.snapshot();
      sim.step();
      assert.equal(sim.peek("total"), 315n);
      sim.restore(saved);
      sim.poke("a", 6);
      sim.step();
      assert.equal(sim.peek("total"), 316n);
    });

    it("stops at a check that fails", () => {
      const s = new Sketch("checked");
      const count = s.reg("count", 8, { reset: 0 });
      s.set(count, s.binary("add", count, s.constant(8, 1)));
      s.assert("small", s.binary("lt", count, s.constant(8, 5)), "the count went too far");
      const sim = start(s.design());
      const fails = (run: () => void): void =>
        assert.throws(
          run,
          (error: unknown) =>
            error instanceof CheckFailure &&
            error.check === "small" &&
            error.cycle === 5 &&
            error.message === "check small failed in cycle 5: the count went too far",
        );
      fails(() => sim.step(10));
      assert.equal(sim.cycles, 5);
      assert.equal(sim.peek("count"), 5n);
      const waves = start(s.design());
      const recorder = waves.trace(["count"]);
      fails(() => waves.step(10));
      assert.match(recorder.text(), /#40\n1!\nb100 "\n/);
      sim.poke("rst", 1);
      sim.step(); // in reset nothing is checked
      assert.equal(sim.peek("count"), 0n);
    });

    it("draws waves", () => {
      const sim = start(counter());
      sim.poke("en", 1);
      sim.poke("step", 1);
      const recorder = sim.trace(["en", "value", "u_double.twice"]);
      sim.step(2);
      sim.poke("en", 0);
      assert.equal(
        recorder.text(),
        `\
$timescale 1ns $end
$scope module counter $end
$var wire 1 ! clk $end
$var wire 1 " en $end
$var wire 8 # value [7:0] $end
$scope module u_double $end
$var wire 8 $ twice [7:0] $end
$upscope $end
$upscope $end
$enddefinitions $end
#0
1!
1"
b11 #
b110 $
#5
0!
#10
1!
b100 #
b1000 $
#15
0!
#20
1!
0"
b101 #
b1010 $
`,
      );
    });

    it("keeps the last cycles of a long trace", () => {
      const sim = start(counter());
      sim.poke("en", 1);
      sim.poke("step", 1);
      const recorder = sim.trace(["value"], { cycles: 3 });
      sim.step(1000);
      recorder.stop();
      const times = recorder.text().match(/^#\d+0$/gm);
      assert.deepEqual(times, ["#9970", "#9980", "#9990", "#10000"]);
    });
  });
}

/** An adder of 100 without state, and an accumulator behind it. */
function boxes(): Design {
  const port = (name: string, width: number) => ({ name, width, signed: false });
  const adder: BlackBox = {
    name: "PLUS_100",
    inputs: [port("a", 8)],
    outputs: [port("y", 70)],
    domains: [],
    parameters: {},
    model: {
      combinational: true,
      create: () => null,
      edge: (state) => state,
      outputs: (_, { a }) => ({ y: a! + 100n }),
    },
  };
  const total: BlackBox = {
    name: "TOTAL",
    inputs: [port("x", 70)],
    outputs: [port("sum", 70)],
    parameters: {},
    domains: [{ name: "clk", clock: "CLK", reset: null }],
    model: {
      combinational: false,
      create: () => 0n,
      edge: (state, { x }) => (state as bigint) + x!,
      outputs: (state) => ({ sum: state as bigint }),
    },
  };
  const s = new Sketch("boxes");
  const { y } = s.instance("u_plus", "PLUS_100", { a: s.input("a", 8) }, { y: 70 });
  const { sum } = s.instance("u_total", "TOTAL", { x: y! }, { sum: 70 });
  s.output("y", y!);
  s.output("total", sum!);
  return {
    ...s.design(),
    blackboxes: new Map([
      [adder.name, adder],
      [total.name, total],
    ]),
  };
}
