import assert from "node:assert/strict";
import type { AxiConfig } from "../../generator/accelerator/axiaccelerator.js";
import { compile } from "../../generator/compile/compile.js";
import { type AcceleratorConfig, defaultConfig } from "../../generator/isa/config.js";
import { constantsOf } from "../../generator/isa/registers.js";
import { STREAM_COUNTERS } from "../../generator/isa/trace.js";
import { randomFrom } from "../../generator/library/testing.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { randomModel } from "../../golden/model/random.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import { type AxiBehaviour, DECERR, OKAY, SLVERR } from "../harness/axislave.js";
import { AxiSystem, type AxiTiming } from "../harness/axisystem.js";
import { demoModel, demoTokenizer } from "./demo.js";

const ROUGH: AxiBehaviour = { rate: 0.8, latency: 30 };
const base = { addressBits: 64, outstanding: 8, burst: 16, clocks: 1 } as const;
const SMALL = {
  dim: 64,
  hidden: 96,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  vocab: 64,
  context: 64,
} as const;

const system = (
  model: QuantisedModel,
  config: AcceleratorConfig,
  axi: AxiConfig,
  seed: number,
  behaviour = ROUGH,
  timing?: AxiTiming,
): AxiSystem => new AxiSystem(config, axi, compile(model, config), behaviour, randomFrom(seed), timing);

/** Golden's tokens behind the prompt. */
const expected = (model: QuantisedModel, prompt: readonly number[], total: number): number[] =>
  generate(new IntegerState(model), prompt, total).slice(prompt.length);

describe("the accelerator behind AXI", () => {
  const prompt = demoTokenizer().encode("Once upon a time");
  const total = prompt.length + 1;
  for (const [what, axi, timing] of [
    ["1 master of 64 bits", { ...base, masters: 1, dataBits: 64 }, undefined],
    [
      "2 masters of 32 bits, two clocks",
      { ...base, masters: 2, dataBits: 32, clocks: 2 },
      { axi: 1, core: 1.7 },
    ],
    [
      "1 master of 512 bits, two clocks at random phases",
      { ...base, masters: 1, dataBits: 512, burst: 64, clocks: 2 },
      { axi: 1, core: 0.6, jitter: 0.9 },
    ],
  ] as const)
    it(`writes golden's tokens of the demo model: ${what}`, () => {
      const model = demoModel();
      const s = system(model, defaultConfig, axi, 3, ROUGH, timing);
      s.loadProgram();
      s.start({ prompt, total });
      s.finish(2_000_000);
      assert.deepEqual(s.tokens(prompt), expected(model, prompt, total));
      assert.equal(s.flag("status", "fault"), false);
      for (const slave of s.slaves) slave.monitor.finish();
      assert.ok(s.slaves.at(-1)!.monitor.counts.writeBursts > 100, "the cache is written");
    });

  it("writes golden's tokens behind 32 masters of 32 bits, run after run", () => {
    const config: AcceleratorConfig = { ...defaultConfig, rows: 16, headDim: 64, programInstructions: 128 };
    const model = randomModel(SMALL, 5);
    const s = system(model, config, { ...base, masters: 32, dataBits: 32 }, 4);
    s.loadProgram();
    for (const [first, length] of [
      [1, 3],
      [9, 2],
    ] as const) {
      const tokens = Array.from({ length }, (_, i) => first + 3 * i);
      s.start({ prompt: tokens, total: length + 2 });
      s.finish(500_000);
      assert.deepEqual(s.tokens(tokens), expected(model, tokens, length + 2));
    }
    for (const slave of s.slaves) slave.monitor.finish();
  });

  const small: AcceleratorConfig = { ...defaultConfig, programInstructions: 128 };
  const one: AxiConfig = { ...base, masters: 2, dataBits: 64 };
  const tokens = [3, 5, 7];
  const run = { prompt: tokens, total: 6 };

  it("ends a run on an error of memory, tells which port it was, and runs again", () => {
    const model = randomModel(SMALL, 6);
    const wanted = expected(model, run.prompt, run.total);
    for (const [bad, clocks] of [
      [0, 1],
      [1, 2],
      [2, 1],
    ] as const) {
      const s = system(model, small, { ...one, clocks }, 7 + bad);
      s.loadProgram();
      s.set("gie", 1);
      s.set("ier", 0b101);
      const slave = s.slaves[bad]!;
      let left = 30;
      slave.behaviour = {
        ...ROUGH,
        response: () => (left-- === 0 ? (clocks === 1 ? SLVERR : DECERR) : OKAY),
      };
      s.start(run);
      s.finish(500_000);
      assert.ok(s.flag("isr", "fault"), "the first event is the error");
      s.command("isr", "fault");
      s.finish(500_000);
      assert.ok(s.flag("isr", "done"));
      assert.ok(s.flag("status", "fault") && s.flag("status", "stopped"));
      assert.equal(s.get(clocks === 1 ? "slverr" : "decerr"), 1n << BigInt(bad));
      assert.equal(s.get(clocks === 1 ? "decerr" : "slverr"), 0n);
      for (let i = 0; !s.flag("ap_ctrl", "ap_idle"); i++) assert.ok(i < 200, "never idle");
      for (const x of s.slaves) x.monitor.finish();
      s.command("isr", "done");

      s.start(run);
      s.finish(500_000);
      assert.deepEqual(s.tokens(tokens), wanted);
      assert.equal(s.get("slverr") + s.get("decerr") + s.get("timeouts"), 0n);
    }
  });

  it("ends a run when memory does not answer in time; a start waits until it has", () => {
    const model = randomModel(SMALL, 8);
    const s = system(model, small, one, 9);
    s.loadProgram();
    s.set("timeout", 1000);
    let left = 40;
    let silent = true;
    s.slaves[1]!.behaviour = { ...ROUGH, silent: () => silent && left-- < 0 };
    s.start(run);
    s.finish(500_000);
    assert.equal(s.get("timeouts"), 2n);
    assert.ok(s.flag("status", "draining"));
    assert.equal(s.flag("ap_ctrl", "ap_idle"), false);
    silent = false;
    s.slaves[1]!.wake();
    for (let i = 0; !s.flag("ap_ctrl", "ap_idle"); i++) assert.ok(i < 200, "never idle");
    s.start(run);
    s.finish(500_000);
    assert.deepEqual(s.tokens(tokens), expected(model, run.prompt, run.total));
  });

  it("stops behind the tokens at hand, aborts at once, and starts again after both", () => {
    const model = randomModel(SMALL, 10);
    const wanted = expected(model, tokens, 30);
    const s = system(model, small, one, 11);
    s.loadProgram();
    for (const [how, after] of [
      ["stop", 5000],
      ["abort", 2500],
      ["abort", 333],
      ["stop", 10],
    ] as const) {
      s.start({ prompt: tokens, total: 30 });
      s.run(after);
      s.command("command", how);
      s.finish(100_000, 20);
      assert.ok(s.flag("status", "stopped"));
      assert.equal(s.flag("status", "fault"), false);
      const got = s.tokens(tokens);
      assert.ok(got.length < wanted.length);
      if (how === "stop") assert.deepEqual(got, wanted.slice(0, got.length));
      for (let i = 0; !s.flag("ap_ctrl", "ap_idle"); i++) assert.ok(i < 200, "never idle");
      for (const x of s.slaves) x.monitor.finish();
    }
    s.start(run);
    s.finish(500_000);
    assert.deepEqual(s.tokens(tokens), expected(model, tokens, run.total));
  });

  it("counts every cycle once, takes snapshots, and restarts by itself", () => {
    const model = randomModel(SMALL, 12);
    const s = system(model, small, one, 13);
    s.loadProgram();
    s.start(run);
    s.run(2000);
    s.command("command", "snapshot");
    while (s.flag("status", "snapshotPending")) s.run(1);
    const early = s.get("count_cycles");
    assert.ok(early > 1500n && early < 4000n, `${early}`);
    s.finish(500_000, 1);
    const cycles = s.get("count_cycles");
    const parts = STREAM_COUNTERS.reduce((sum, name) => sum + s.get(`count_${name}`), 0n);
    assert.equal(parts, cycles);
    const words = s.slaves[0]!.monitor.counts.readBursts;
    assert.ok(s.get("count_beats") > BigInt(words));

    s.set("ap_ctrl", 0x81);
    for (let i = 0; i < 2; i++) {
      s.finish(500_000);
      assert.ok(s.flag("status", "running"), "the next run is under way");
    }
    s.set("ap_ctrl", 0);
    s.finish(500_000);
    s.run(100);
    assert.ok(s.flag("ap_ctrl", "ap_idle"));
    assert.deepEqual(s.tokens(tokens), expected(model, tokens, run.total));
  });

  it("controls as Vitis' kernels do: clear on read, toggle on write, enables, the line", () => {
    const model = randomModel(SMALL, 16);
    const s = system(model, small, { ...one, masters: 1 }, 17);
    const line = (): boolean => {
      s.run(2);
      return s.sim.peek("irq") === 1n;
    };
    const bits = (name: string): number => Number(s.get(name));
    // ISR turns round where 1 is written, whatever it was; bytes without strobe stay.
    for (const [written, now] of [
      [0b001, 0b001],
      [0b110, 0b111],
      [0b011, 0b100],
      [0b100, 0],
    ] as const) {
      s.set("isr", written);
      assert.equal(bits("isr"), now);
    }
    s.host.write(s.register("isr").offset, 0b111, 0b1110);
    assert.equal(bits("isr"), 0);
    s.set("isr", 0b010);
    assert.equal(line(), false, "GIE is 0");
    s.set("gie", 1);
    assert.equal(line(), true);
    s.set("isr", 0b010);
    assert.equal(line(), false);
    // What IER leaves out leaves no trace in ISR.
    s.loadProgram();
    const [START, DONE, IDLE, READY] = [1, 2, 4, 8];
    assert.equal(bits("ap_ctrl"), IDLE);
    s.start(run);
    assert.equal(bits("ap_ctrl"), START, "until the run is over");
    s.run(100_000);
    assert.equal(bits("ap_ctrl"), DONE | IDLE | READY);
    assert.equal(bits("ap_ctrl"), IDLE, "cleared by the read");
    assert.deepEqual([bits("isr"), line()], [0, false]);
    for (const [enable, events] of [
      [0b001, 0b001],
      [0b010, 0b010],
      [0b111, 0b011],
    ] as const) {
      s.set("ier", enable);
      s.start(run);
      s.run(100_000);
      assert.deepEqual([bits("isr"), line()], [events, true]);
      assert.equal(bits("ap_ctrl"), DONE | IDLE | READY, "ISR and ap_done are two things");
      s.set("isr", events);
      assert.equal(line(), false);
    }
    assert.deepEqual(s.tokens(tokens), expected(model, tokens, run.total));
  });

  it("has the registers of its map, and nothing else", () => {
    const s = system(randomModel(SMALL, 14), small, one, 15);
    const constants = constantsOf(small, one);
    const offsets = new Set(
      s.map.registers.flatMap((r) => (r.width === 64 ? [r.offset, r.offset + 4] : [r.offset])),
    );
    for (const r of s.map.registers) {
      if (r.kind === "constant") assert.equal(s.get(r.name), BigInt(constants[r.name]!), r.name);
      if (r.kind === "counter" || r.kind === "state") assert.equal(s.get(r.name), 0n, r.name);
      if (r.kind !== "pointer" && r.kind !== "scalar") continue;
      const value = 0x1234_5678_9abc_def0n & ((1n << BigInt(r.width)) - 1n);
      s.set(r.name, value);
      assert.equal(s.get(r.name), value, r.name);
      s.host.write(r.offset, 0xff00_ff00, 0b0101);
      assert.equal(s.host.read(r.offset), 0x9a00_de00, `${r.name} by bytes`);
    }
    for (let offset = 0; offset < 0x1000; offset += 4)
      if (!offsets.has(offset)) assert.equal(s.host.read(offset), 0, `0x${offset.toString(16)}`);
  });
});
