/**
 * For tests: drives a bridge from both sides, each by its own clock, and judges every beat: a nibble is what it was when the
 * request was taken, or what a write taken since then made of it.
 */
import assert from "node:assert/strict";
import { AxiBytes } from "../../../testbenches/harness/axibytes.js";
import { type AxiBehaviour, AxiSlave } from "../../../testbenches/harness/axislave.js";
import { elaborate } from "../../hdl/index.js";
import { type Handle, simulate, type Simulation } from "../../simulate/index.js";
import { between, type Random, randomBits, randomFrom } from "../testing.js";
import { type BridgeConfig, bridge } from "./bridge.js";
import { sliceBits } from "./split.js";

/** Where the channels lie, and the same bytes as the writing port sees them. */
const IMAGE = 0x8_0000_0000n;
const CACHE = 0x23_0000_0000n;
const NIBBLE = 4;

export interface Rates {
  /** Probability of an offer of a request and of a write, and of taking a beat, at each edge of the core. */
  readonly request: number;
  readonly write: number;
  readonly take: number;
}
interface Write {
  readonly addr: number;
  readonly data: bigint;
  readonly mask: bigint;
  readonly at: number;
}
interface Owed {
  readonly addr: number;
  readonly was: bigint;
  readonly at: number;
}
/** All bits of the nibbles of a mask. */
const bitsOf = (mask: bigint): bigint => {
  let bits = 0n;
  for (let m = mask, i = 0n; m !== 0n; m >>= 1n, i += 4n) if (m & 1n) bits |= 15n << i;
  return bits;
};

export class BridgeBench {
  readonly sim: Simulation;
  readonly random: Random;
  readonly slaves: AxiSlave[];
  /** The memory as the core sees it. */
  private readonly model: bigint[];
  private readonly owed: Owed[] = [];
  private readonly writes: Write[] = [];
  private readonly channels: Uint8Array[];
  private time = 0;
  private next = { axi: 0, core: 0 };
  private offers: { request: { addr: number; beats: number } | null; write: Omit<Write, "at"> | null } = {
    request: null,
    write: null,
  };
  private takes = false;
  requests = 0;
  beats = 0;
  written = 0;
  /** Edges at which a request stood behind a write. */
  rates: Rates = { request: 0.5, write: 0.5, take: 1 };
  private readonly h: Readonly<Record<string, Handle>>;
  readonly faults = new Set<string>();

  constructor(
    private readonly config: BridgeConfig,
    /** Beats of the memory. */
    private readonly size: number,
    behaviour: AxiBehaviour,
    private readonly periods: { readonly axi: number; readonly core: number },
    seed: number,
  ) {
    const { channels, dataBits, burst, outstanding } = config;
    this.random = randomFrom(seed);
    this.sim = simulate(elaborate(bridge(config)), { seed });
    const { sim } = this;
    this.model = Array.from({ length: size }, () => randomBits(this.random, config.beatBits));
    const bytes = (size * sliceBits(config)) / 8;
    // All channels' memories side by side, as the writing port sees them; rounded up to whole words.
    const stride = Math.ceil(bytes / 4096) * 4096;
    const all = new Uint8Array(stride * channels);
    this.channels = Array.from({ length: channels }, (_, c) => all.subarray(c * stride, (c + 1) * stride));
    this.fill();
    const rules = { dataBits, burst, outstanding };
    this.slaves = this.channels.map(
      (part, c) =>
        new AxiSlave(
          sim,
          `gmem_${c}`,
          new AxiBytes(IMAGE * BigInt(c + 1), part),
          this.random,
          behaviour,
          rules,
          {
            writes: false,
          },
        ),
    );
    this.slaves.push(
      new AxiSlave(sim, "cacheAxi", new AxiBytes(CACHE, all), this.random, behaviour, { ...rules, burst: 1 }),
    );
    for (let c = 0; c < channels; c++) {
      sim.poke(`image_${c}`, IMAGE * BigInt(c + 1));
      sim.poke(`cache_${c}`, CACHE + BigInt(c * stride));
    }
    this.domains(true, true);
    for (const rst of ["rst", ...(config.clocks === 2 ? ["core_rst"] : [])]) sim.poke(rst, 1);
    for (let i = 0; i < 4; i++) this.rise(true, true);
    for (const rst of ["rst", ...(config.clocks === 2 ? ["core_rst"] : [])]) sim.poke(rst, 0);
    this.h = Object.fromEntries(
      ["request_ready", "write_ready", "beat_valid", "beat_data", "written"].map((n) => [n, sim.handle(n)]),
    );
    for (const s of this.slaves) s.drive();
  }

  private domains(axi: boolean, core: boolean): readonly string[] {
    if (this.config.clocks === 1) return [""];
    return [...(axi ? [""] : []), ...(core ? ["core"] : [])];
  }
  private rise(axi: boolean, core: boolean): void {
    this.sim.edge(this.domains(axi, core));
  }

  /** Slice c of beat b lies in channel c's memory. */
  private fill(): void {
    const slice = sliceBits(this.config);
    for (const [c, part] of this.channels.entries())
      for (const [b, beat] of this.model.entries())
        for (let i = 0; i < slice; i += 8)
          part[(b * slice + i) / 8] = Number((beat >> BigInt(c * slice + i)) & 255n);
  }

  /** What lies in the channels' memories, as beats. */
  private held(): bigint[] {
    const slice = sliceBits(this.config);
    return this.model.map((_, b) => {
      let beat = 0n;
      for (const [c, part] of this.channels.entries())
        for (let i = 0; i < slice; i += 8)
          beat |= BigInt(part[(b * slice + i) / 8]!) << BigInt(c * slice + i);
      return beat;
    });
  }

  private offer(): void {
    const { sim, random, offers } = this;
    const { beatBits, countBits } = this.config;
    if (offers.request === null && random() < this.rates.request) {
      const most = Math.min(this.size, 2 ** countBits - 1, random() < 0.8 ? 6 : 150);
      const beats = between(random, random() < 0.1 ? 0 : 1, most);
      offers.request = { addr: between(random, 0, this.size - beats), beats };
    }
    if (offers.write === null && random() < this.rates.write) {
      const nibbles = beatBits / NIBBLE;
      const at = BigInt(between(random, 0, nibbles - 1));
      const few = random() < 0.6;
      const mask = few ? 1n << at : random() < 0.5 ? 3n << (at & ~1n) : randomBits(random, nibbles);
      const last = this.writes.at(-1);
      // Neighbours in one beat, too: they are joined on their way.
      const addr = last !== undefined && random() < 0.5 ? last.addr : between(random, 0, this.size - 1);
      offers.write = { addr, data: randomBits(random, beatBits), mask };
    }
    sim.poke("request_valid", offers.request === null ? 0 : 1);
    if (offers.request !== null) {
      sim.poke("request_addr", offers.request.addr);
      sim.poke("request_beats", offers.request.beats);
    }
    sim.poke("write_valid", offers.write === null ? 0 : 1);
    if (offers.write !== null) {
      sim.poke("write_addr", offers.write.addr);
      sim.poke("write_data", offers.write.data);
      sim.poke("write_mask", offers.write.mask);
    }
    this.takes = random() < this.rates.take;
    sim.poke("beat_ready", this.takes ? 1 : 0);
  }

  private judge(got: bigint): void {
    const o = this.owed.shift();
    assert.ok(o !== undefined, "a beat that nobody asked for");
    let wrong = got ^ o.was;
    for (let i = this.writes.length - 1; wrong !== 0n && i >= 0 && this.writes[i]!.at >= o.at; i--) {
      const w = this.writes[i]!;
      if (w.addr !== o.addr) continue;
      const differs = (got ^ w.data) & bitsOf(w.mask);
      for (let n = 0n; n < BigInt(this.config.beatBits); n += 4n)
        if ((bitsOf(w.mask) >> n) & 15n && ((differs >> n) & 15n) === 0n) wrong &= ~(15n << n);
    }
    assert.equal(
      wrong,
      0n,
      `beat ${o.addr} is ${got.toString(16)}, was ${o.was.toString(16)} at the request`,
    );
    this.beats++;
  }

  private sampleCore(): void {
    const { offers, h, time } = this;
    const request = offers.request !== null && h.request_ready!.get() === 1 ? offers.request : null;
    const write = offers.write !== null && h.write_ready!.get() === 1 ? offers.write : null;
    if (this.takes && h.beat_valid!.get() === 1) this.judge(h.beat_data!.getBig());
    if (request !== null) {
      this.requests++;
      offers.request = null;
      for (let i = 0; i < request.beats; i++)
        this.owed.push({ addr: request.addr + i, was: this.model[request.addr + i]!, at: time });
    }
    if (write !== null) {
      this.written++;
      offers.write = null;
      this.writes.push({ ...write, at: time });
      const bits = bitsOf(write.mask);
      this.model[write.addr] = (this.model[write.addr]! & ~bits) | (write.data & bits);
    }
  }

  private watchFaults(): void {
    for (const [i] of this.slaves.entries())
      for (const f of ["slverr", "decerr", "timeout"])
        if (this.sim.peek(`faults_${i}_${f}`) === 1n) this.faults.add(`${f} ${i}`);
  }

  /** One edge, or two at once. */
  edge(): void {
    const { next, periods } = this;
    const now = this.config.clocks === 1 ? next.axi : Math.min(next.axi, next.core);
    const axi = next.axi === now;
    const core = this.config.clocks === 1 || next.core === now;
    if (axi) for (const s of this.slaves) s.sample();
    if (axi) this.watchFaults();
    if (core) this.sampleCore();
    this.rise(axi, core);
    this.time++;
    if (axi) {
      next.axi += periods.axi;
      for (const s of this.slaves) s.drive();
    }
    if (core) {
      next.core += periods.core;
      this.offer();
    }
  }

  run(done: () => boolean, limit = 400_000): void {
    for (let i = 0; !done(); i++) {
      assert.ok(
        i < limit,
        `stuck: ${this.requests} requests, ${this.beats} beats, ${this.written} writes, ${this.owed.length} beats owed`,
      );
      this.edge();
    }
  }

  /** Offers nothing more, waits for everything, and compares the memories. */
  finish(): void {
    this.rates = { request: 0, write: 0, take: 1 };
    const { offers, h } = this;
    this.run(
      () =>
        offers.request === null && offers.write === null && this.owed.length === 0 && h.written!.get() === 1,
    );
    assert.deepEqual(this.held(), this.model);
    for (const s of this.slaves) s.monitor.finish();
  }

  /** Plays dead from now on: beats are zeros, writes are lost. Comes back when everything is drained, with a fresh model. */
  abort(): void {
    this.sim.poke("abort", 1);
  }
  drain(limit = 100_000): void {
    const h = this.sim.handle("drained");
    for (let i = 0; h.get() === 0; i++) {
      assert.ok(i < limit, "never drained");
      this.edgeDead();
    }
    this.sim.poke("abort", 0);
    for (let i = 0; i < 40; i++) this.edgeDead();
    this.owed.length = 0;
    this.writes.length = 0;
    this.offers = { request: null, write: null };
    for (const [i, beat] of this.held().entries()) this.model[i] = beat;
  }
  /** An edge without judging and without new offers. */
  private edgeDead(): void {
    const { next, periods } = this;
    const now = this.config.clocks === 1 ? next.axi : Math.min(next.axi, next.core);
    const axi = next.axi === now;
    const core = this.config.clocks === 1 || next.core === now;
    if (axi) for (const s of this.slaves) s.sample();
    this.rise(axi, core);
    if (axi) {
      next.axi += periods.axi;
      for (const s of this.slaves) s.drive();
    }
    if (core) {
      next.core += periods.core;
      this.sim.poke("request_valid", 0);
      this.sim.poke("write_valid", 0);
      this.sim.poke("beat_ready", 1);
    }
  }
}
