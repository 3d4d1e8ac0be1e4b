/**
 * An AXI4 slave that is never predictable: random latency, random back-pressure on every channel, injected errors, or no answer
 * at all. Reads see memory as it was when they were accepted, writes reach it with their response: the worst that AXI allows.
 */
import type { Handle, Simulation } from "../../generator/simulate/index.js";
import type { AxiBytes } from "./axibytes.js";
import { AxiMonitor, type AxiRules } from "./aximonitor.js";

export const OKAY = 0;
export const SLVERR = 2;
export const DECERR = 3;

export interface AxiBehaviour {
  /** How often each channel is ready, or has something to say: 0..1. */
  readonly rate: number;
  /** Cycles from a burst to its first answer, at most. */
  readonly latency: number;
  /** The response of a burst; beyond the memory it is DECERR anyway. */
  readonly response?: (address: bigint, write: boolean) => number;
  /** Never answers the bursts for which this is true. */
  readonly silent?: (address: bigint, write: boolean) => boolean;
}
type Random = () => number;
interface ReadBurst {
  readonly words: bigint[];
  readonly from: number;
  readonly response: number;
  silent: boolean;
}
interface WriteBurst {
  readonly addr: bigint;
  readonly len: number;
}

const READ_OUT = ["araddr", "arlen", "arsize", "arburst", "arvalid", "rready"] as const;
const WRITE_OUT = [
  "awaddr",
  "awlen",
  "awsize",
  "awburst",
  "awvalid",
  "wdata",
  "wstrb",
  "wlast",
  "wvalid",
  "bready",
] as const;

const handles = <const N extends string>(
  sim: Simulation,
  prefix: string,
  names: readonly N[],
): Readonly<Record<N, Handle>> =>
  Object.fromEntries(names.map((n) => [n, sim.handle(`${prefix}_${n}`)])) as Record<N, Handle>;

/** One port. `drive` before outputs are looked at, `sample` when everything of the cycle is settled, before the edge. */
export class AxiSlave {
  readonly monitor: AxiMonitor;
  behaviour: AxiBehaviour;
  readonly injected = { slverr: 0, decerr: 0 };
  private readonly read: Readonly<Record<(typeof READ_OUT)[number], Handle>> | null;
  private readonly write: Readonly<Record<(typeof WRITE_OUT)[number], Handle>> | null;
  private readonly bytes: number;
  private cycle = 0;
  private ready = { ar: false, aw: false, w: false };

  private readonly reads: ReadBurst[] = [];
  private readAt = 0;
  private offersRead = false;

  private readonly addresses: WriteBurst[] = [];
  private readonly words: { data: bigint; strobe: bigint }[] = [];
  private readonly responses: { apply: () => void; from: number; response: number; silent: boolean }[] = [];
  private offersResponse = false;

  constructor(
    private readonly sim: Simulation,
    private readonly prefix: string,
    private readonly memory: AxiBytes,
    private readonly random: Random,
    behaviour: AxiBehaviour,
    rules: Omit<AxiRules, "name">,
    { reads = true, writes = true }: { readonly reads?: boolean; readonly writes?: boolean } = {},
  ) {
    this.behaviour = behaviour;
    this.bytes = rules.dataBits / 8;
    this.monitor = new AxiMonitor({ ...rules, name: prefix });
    this.read = reads ? handles(sim, prefix, READ_OUT) : null;
    this.write = writes ? handles(sim, prefix, WRITE_OUT) : null;
  }

  private poke(port: string, value: bigint | number): void {
    this.sim.poke(`${this.prefix}_${port}`, value);
  }
  private chance(): boolean {
    return this.random() < this.behaviour.rate;
  }

  /** Answers what it has kept silent about. */
  wake(): void {
    for (const burst of [...this.reads, ...this.responses]) burst.silent = false;
  }

  /** Inputs of this cycle: they depend on nothing that the master says in it. */
  drive(): void {
    if (this.read !== null) {
      this.ready.ar = this.chance();
      this.poke("arready", this.ready.ar ? 1 : 0);
      const next = this.reads[0];
      this.offersRead ||= next !== undefined && !next.silent && this.cycle >= next.from && this.chance();
      this.poke("rvalid", this.offersRead ? 1 : 0);
      if (this.offersRead && next !== undefined) {
        this.poke("rdata", next.words[this.readAt]!);
        this.poke("rresp", next.response);
        this.poke("rlast", this.readAt === next.words.length - 1 ? 1 : 0);
      }
    }
    if (this.write !== null) {
      this.ready.aw = this.chance();
      this.ready.w = this.chance();
      this.poke("awready", this.ready.aw ? 1 : 0);
      this.poke("wready", this.ready.w ? 1 : 0);
      const next = this.responses[0];
      if (
        !this.offersResponse &&
        next !== undefined &&
        !next.silent &&
        this.cycle >= next.from &&
        this.chance()
      ) {
        this.offersResponse = true;
        next.apply();
      }
      this.poke("bvalid", this.offersResponse ? 1 : 0);
      if (this.offersResponse && next !== undefined) this.poke("bresp", next.response);
    }
  }

  sample(): void {
    if (this.read !== null) this.sampleRead(this.read);
    if (this.write !== null) this.sampleWrite(this.write);
    this.cycle++;
  }

  private answer(address: bigint, length: number, write: boolean): number {
    const response =
      this.memory.offset(address, length) === null
        ? DECERR
        : (this.behaviour.response?.(address, write) ?? OKAY);
    if (response === DECERR) this.injected.decerr++;
    if (response === SLVERR) this.injected.slverr++;
    return response;
  }
  private from(): number {
    return this.cycle + 1 + Math.floor(this.random() * (this.behaviour.latency + 1));
  }

  private sampleRead(h: Readonly<Record<(typeof READ_OUT)[number], Handle>>): void {
    if (this.offersRead && h.rready.get() === 1) {
      this.offersRead = false;
      const last = ++this.readAt === this.reads[0]!.words.length;
      this.monitor.wordRead(last);
      if (last) {
        this.readAt = 0;
        this.reads.shift();
      }
    }
    const offer = () => ({
      addr: h.araddr.getBig(),
      len: h.arlen.get(),
      size: h.arsize.get(),
      burst: h.arburst.get(),
    });
    const valid = h.arvalid.get() === 1;
    this.monitor.address("ar", valid, this.ready.ar, offer, this.cycle);
    if (!valid || !this.ready.ar) return;
    const { addr, len } = offer();
    const length = (len + 1) * this.bytes;
    const at = this.memory.offset(addr, length);
    const words = Array.from({ length: len + 1 }, (_, i) =>
      at === null ? 0n : this.memory.word(at + i * this.bytes, this.bytes),
    );
    const silent = this.behaviour.silent?.(addr, false) ?? false;
    this.reads.push({ words, from: this.from(), response: this.answer(addr, length, false), silent });
  }

  private sampleWrite(h: Readonly<Record<(typeof WRITE_OUT)[number], Handle>>): void {
    if (this.offersResponse && h.bready.get() === 1) {
      this.offersResponse = false;
      this.responses.shift();
      this.monitor.writeDone();
    }
    const offer = () => ({
      addr: h.awaddr.getBig(),
      len: h.awlen.get(),
      size: h.awsize.get(),
      burst: h.awburst.get(),
    });
    const announced = h.awvalid.get() === 1;
    this.monitor.address("aw", announced, this.ready.aw, offer, this.cycle);
    if (announced && this.ready.aw) this.addresses.push({ addr: offer().addr, len: offer().len });
    const valid = h.wvalid.get() === 1;
    const last = h.wlast.get() === 1;
    const fields = () => [h.wdata.getBig(), h.wstrb.getBig(), h.wlast.get()];
    this.monitor.data(valid, this.ready.w, last, fields, this.cycle);
    this.monitor.judge();
    if (valid && this.ready.w) this.words.push({ data: h.wdata.getBig(), strobe: h.wstrb.getBig() });
    this.respond();
  }

  private respond(): void {
    const head = this.addresses[0];
    if (head === undefined || this.words.length <= head.len) return;
    this.addresses.shift();
    const words = this.words.splice(0, head.len + 1);
    const length = words.length * this.bytes;
    const response = this.answer(head.addr, length, true);
    const silent = this.behaviour.silent?.(head.addr, true) ?? false;
    this.responses.push({
      response,
      silent,
      from: this.from(),
      apply: () => {
        const at = this.memory.offset(head.addr, length);
        if (at === null || response !== OKAY) return;
        for (const [i, w] of words.entries())
          this.memory.write(at + i * this.bytes, w.data, w.strobe, this.bytes);
      },
    });
  }
}
