/**
 * The accelerator behind AXI, with a host on its control port and memory models on the others: what a driver does, cycle by cycle.
 * The image is cut over the channels as library/axi/split.ts has it.
 */
import assert from "node:assert/strict";
import { type AxiConfig, axiAccelerator } from "../../generator/accelerator/axiaccelerator.js";
import type { Compiled } from "../../generator/compile/compile.js";
import { elaborate } from "../../generator/hdl/index.js";
import type { AcceleratorConfig } from "../../generator/isa/config.js";
import { type Register, type RegisterMap, registerMap } from "../../generator/isa/registers.js";
import { type Handle, simulate, type Simulation } from "../../generator/simulate/index.js";
import { AxiBytes } from "./axibytes.js";
import { LiteHost } from "./axilite.js";
import { type AxiBehaviour, AxiSlave } from "./axislave.js";

/** Where the channels lie for the reading ports, and the same bytes for the one that writes. */
const IMAGE = 0x40_0000_0000n;
const CACHE = 0x7_0000_0000n;
const PAGE = 4096;
type Random = () => number;

export interface AxiRun {
  readonly prompt: readonly number[];
  readonly total: number;
}
export interface AxiTiming {
  /** Times between two edges. */
  readonly axi: number;
  readonly core: number;
  /** The core's periods vary at random by so much of one: its edges come at any phase. */
  readonly jitter?: number;
}

export class AxiSystem {
  readonly sim: Simulation;
  readonly host: LiteHost;
  readonly slaves: AxiSlave[];
  readonly map: RegisterMap;
  cycles = 0;
  private readonly next = { axi: 0, core: 0 };
  private readonly period: Readonly<Record<"axi" | "core", () => number>>;
  private readonly interrupt: Handle;

  constructor(
    config: AcceleratorConfig,
    private readonly axi: AxiConfig,
    private readonly compiled: Compiled,
    behaviour: AxiBehaviour,
    random: Random,
    { axi: axiPeriod, core, jitter = 0 }: AxiTiming = { axi: 1, core: 1 },
  ) {
    this.period = {
      axi: () => axiPeriod,
      core: () => core * (1 + (jitter === 0 ? 0 : jitter * (random() - 0.5))),
    };
    this.map = registerMap(config, axi);
    this.sim = simulate(elaborate(axiAccelerator(config, axi)), { seed: 1 });
    const { sim } = this;
    const { masters, dataBits, burst, outstanding } = axi;
    const slice = compiled.beatBytes / masters;
    // A last word may reach beyond the last beat.
    const stride = Math.ceil((compiled.memoryBeats * slice) / PAGE + 1) * PAGE;
    const all = new Uint8Array(stride * masters);
    for (let i = 0; i < compiled.image.length; i++) {
      const [beat, at] = [Math.floor(i / compiled.beatBytes), i % compiled.beatBytes];
      all[Math.floor(at / slice) * stride + beat * slice + (at % slice)] = compiled.image[i]!;
    }
    const rules = { dataBits, burst, outstanding };
    this.slaves = Array.from({ length: masters }, (_, c) => {
      const part = new AxiBytes(IMAGE * BigInt(c + 1), all.subarray(c * stride, (c + 1) * stride));
      return new AxiSlave(sim, `m_axi_gmem${c}`, part, random, behaviour, rules, { writes: false });
    });
    const whole = new AxiBytes(CACHE, all);
    this.slaves.push(new AxiSlave(sim, "m_axi_cache", whole, random, behaviour, { ...rules, burst: 1 }));
    this.interrupt = sim.handle("irq");
    this.host = new LiteHost(
      sim,
      "s_axi_control",
      () => this.tick(),
      () => (random() < 0.7 ? 0 : 2),
    );
    const resets = axi.clocks === 2 ? ["rst", "core_rst"] : ["rst"];
    for (const r of resets) sim.poke(r, 1);
    for (const s of this.slaves) s.drive();
    for (let i = 0; i < 4; i++) sim.edge(axi.clocks === 2 ? ["", "core"] : [""]);
    for (const r of resets) sim.poke(r, 0);
    for (let c = 0; c < masters; c++) {
      this.set(`image_${c}`, IMAGE * BigInt(c + 1));
      this.set(`cache_${c}`, CACHE + BigInt(c * stride));
    }
  }

  /** Edges up to and with the next one of the AXI clock. */
  private tick(): void {
    const { next, period, sim } = this;
    for (const s of this.slaves) s.sample();
    if (this.axi.clocks === 1) sim.step();
    else {
      while (next.core < next.axi) {
        sim.edge("core");
        next.core += period.core();
      }
      const together = next.core === next.axi;
      sim.edge(together ? ["", "core"] : [""]);
      if (together) next.core += period.core();
      next.axi += period.axi();
    }
    for (const s of this.slaves) s.drive();
    this.cycles++;
  }
  run(cycles: number): void {
    for (let i = 0; i < cycles; i++) this.tick();
  }

  register(name: string): Register {
    const r = this.map.registers.find((x) => x.name === name);
    assert.ok(r !== undefined, `no register ${name}`);
    return r;
  }
  set(name: string, value: bigint | number): void {
    const { offset, width } = this.register(name);
    if (width === 64) this.host.write64(offset, BigInt(value));
    else this.host.write(offset, Number(value));
  }
  get(name: string): bigint {
    const { offset, width } = this.register(name);
    return width === 64 ? this.host.read64(offset) : BigInt(this.host.read(offset));
  }
  flag(register: string, field: string): boolean {
    const r = this.register(register);
    assert.ok(r.kind === "flags");
    const bit = r.fields.find((f) => f.name === field)?.bit;
    assert.ok(bit !== undefined, `no field ${register}.${field}`);
    return ((Number(this.get(register)) >>> bit) & 1) === 1;
  }
  command(register: string, field: string): void {
    const r = this.register(register);
    assert.ok(r.kind === "flags");
    this.set(register, 2 ** r.fields.find((f) => f.name === field)!.bit);
  }

  loadProgram(): void {
    const window = this.map.windows.find((w) => w.name === "program")!;
    for (const [i, word] of this.compiled.program.entries()) this.host.write64(window.offset + 8 * i, word);
  }

  start({ prompt, total }: AxiRun): void {
    const { registers } = this.compiled;
    const window = this.map.windows.find((w) => w.name === "tokens")!;
    for (const [i, token] of prompt.entries()) this.host.write(window.offset + 4 * i, token);
    this.set("promptLength", prompt.length);
    this.set("total", total);
    for (const name of ["epsilonSum", "sinks", "window"] as const) this.set(name, registers[name]);
    this.command("ap_ctrl", "ap_start");
  }

  /** Until the interrupt, if it is enabled, else until ap_done. */
  finish(limit: number, poll = 200): void {
    const by = this.cycles + limit;
    const interrupts = this.get("gie") === 1n;
    while (interrupts ? this.interrupt.get() === 0 : !this.flag("ap_ctrl", "ap_done")) {
      assert.ok(this.cycles < by, `not done after ${limit} cycles`);
      this.run(interrupts ? 1 : poll);
    }
  }

  /** What follows the prompt. */
  tokens(prompt: readonly number[]): number[] {
    const window = this.map.windows.find((w) => w.name === "tokens")!;
    const n = Number(this.get("generated"));
    return Array.from({ length: n }, (_, i) => this.host.read(window.offset + 4 * (prompt.length + i)));
  }
}
