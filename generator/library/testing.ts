/** For unit tests: drives and collects the streams of a module with random stalls, and checks that offers are held. */
import assert from "node:assert/strict";
import { elaborate, type ModuleDef } from "../hdl/index.js";
import { type Handle, simulate, type Simulation } from "../simulate/index.js";

export type Item = Readonly<Record<string, number | bigint>>;
/** A number in 0..1. */
export type Random = () => number;

export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};
/** A whole number lo..hi. */
export const between = (random: Random, lo: number, hi: number): number =>
  lo + Math.floor(random() * (hi - lo + 1));
export const randomBits = (random: Random, width: number): bigint => {
  let value = 0n;
  for (let i = 0; i < width; i += 16) value = (value << 16n) | BigInt(Math.floor(random() * 65536));
  return BigInt.asUintN(width, value);
};

export interface Sender {
  readonly items: Item[];
  rate: number;
  sent: number;
}
export interface Receiver {
  readonly items: bigint[][];
  readonly at: number[];
  rate: number;
}

export class Bench {
  readonly sim: Simulation;
  readonly random: Random;
  cycles = 0;
  private readonly senders: { port: string; sender: Sender; offered: boolean; ready: Handle }[] = [];
  private readonly receivers: {
    port: string;
    receiver: Receiver;
    fields: readonly Handle[];
    valid: Handle;
    waiting: bigint[] | null;
  }[] = [];

  /** `respond` runs when this cycle's offers are set: it may peek outputs and poke inputs that depend on them. */
  constructor(
    def: ModuleDef | Parameters<typeof elaborate>[0],
    seed: number,
    private readonly respond: (bench: Bench) => void = () => {},
  ) {
    this.sim = simulate(elaborate(def), { seed });
    this.random = randomFrom(seed);
    this.reset();
  }

  reset(): void {
    this.sim.poke("rst", 1);
    this.sim.step();
    this.sim.poke("rst", 0);
  }

  /** Offers items to an input stream; each cycle without an offer starts one with probability `rate`. */
  send(port: string, items: Item[], rate = 1): Sender {
    const sender = { items, rate, sent: 0 };
    this.sim.poke(`${port}_valid`, 0);
    this.senders.push({ port, sender, offered: false, ready: this.sim.handle(`${port}_ready`) });
    return sender;
  }

  /** Collects an output stream, ready with probability `rate`. */
  collect(port: string, fields: readonly string[], rate = 1): Receiver {
    const receiver = { items: [], at: [], rate };
    this.sim.poke(`${port}_ready`, 0);
    this.receivers.push({
      port,
      receiver,
      fields: fields.map((f) => this.sim.handle(`${port}_${f}`)),
      valid: this.sim.handle(`${port}_valid`),
      waiting: null,
    });
    return receiver;
  }

  cycle(): void {
    const { sim, random } = this;
    for (const s of this.senders) {
      if (s.offered || s.sender.sent >= s.sender.items.length || random() >= s.sender.rate) continue;
      s.offered = true;
      sim.poke(`${s.port}_valid`, 1);
      for (const [field, value] of Object.entries(s.sender.items[s.sender.sent]!))
        sim.poke(`${s.port}_${field}`, value);
    }
    const ready = this.receivers.map((r) => random() < r.receiver.rate);
    for (const [i, r] of this.receivers.entries()) sim.poke(`${r.port}_ready`, ready[i]! ? 1 : 0);
    this.respond(this);

    const sent = this.senders.map((s) => s.offered && s.ready.get() === 1);
    for (const [i, r] of this.receivers.entries()) {
      const valid = r.valid.get() === 1;
      if (r.waiting !== null) assert.ok(valid, `${r.port}: an offer is withdrawn in cycle ${this.cycles}`);
      if (!valid) continue;
      const item = r.fields.map((f) => f.getBig());
      if (r.waiting !== null)
        assert.deepEqual(item, r.waiting, `${r.port}: an offer changes in cycle ${this.cycles}`);
      r.waiting = ready[i]! ? null : item;
      if (!ready[i]!) continue;
      r.receiver.items.push(item);
      r.receiver.at.push(this.cycles);
    }
    sim.step();
    this.cycles++;
    for (const [i, s] of this.senders.entries()) {
      if (!sent[i]!) continue;
      s.sender.sent++;
      s.offered = false;
      sim.poke(`${s.port}_valid`, 0);
    }
  }

  /** Cycles until `done`; an error after `limit` of them. */
  run(done: () => boolean, limit = 100_000): void {
    const from = this.cycles;
    while (!done()) {
      if (this.cycles - from >= limit) assert.fail(`not done after ${limit} cycles`);
      this.cycle();
    }
  }
}
