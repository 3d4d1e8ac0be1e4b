/** A host behind an AXI4-Lite port: writes and reads, with pauses of its own on every channel, and the slave's manners checked. */
import assert from "node:assert/strict";
import type { Handle, Simulation } from "../../generator/simulate/index.js";

const MASK32 = 0xffff_ffffn;
const PATIENCE = 10_000;

export class LiteHost {
  private readonly h: Readonly<Record<string, Handle>>;

  /** `tick` runs one cycle of the port's clock; `pause` gives the cycles to wait before each channel's part. */
  constructor(
    private readonly sim: Simulation,
    private readonly prefix: string,
    private readonly tick: () => void,
    private readonly pause: () => number = () => 0,
  ) {
    const names = ["awready", "wready", "bvalid", "bresp", "arready", "rvalid", "rdata", "rresp"];
    this.h = Object.fromEntries(names.map((n) => [n, sim.handle(`${prefix}_${n}`)]));
  }

  private set(port: string, value: number): void {
    this.sim.poke(`${this.prefix}_${port}`, value);
  }

  private idle(): void {
    for (let i = this.pause(); i > 0; i--) this.tick();
  }
  /** Cycles until `flag` is 1. */
  private await(flag: string): void {
    for (let i = 0; this.h[flag]!.get() === 0; i++) {
      assert.ok(i < PATIENCE, `${this.prefix}: no ${flag}`);
      this.tick();
    }
  }
  /** One side's part of a handshake: the cycle in which the other side's flag is 1. */
  private offer(valid: string, flag: string): void {
    this.set(valid, 1);
    this.await(flag);
    this.tick();
    this.set(valid, 0);
  }

  write(offset: number, value: number, strobe = 15): void {
    const address = (): void => {
      this.idle();
      this.set("awaddr", offset);
      this.offer("awvalid", "awready");
    };
    const data = (): void => {
      this.idle();
      this.set("wdata", value >>> 0);
      this.set("wstrb", strobe);
      this.offer("wvalid", "wready");
    };
    for (const channel of this.pause() % 2 === 0 ? [address, data] : [data, address]) channel();
    this.await("bvalid");
    this.idle();
    assert.equal(this.h.bresp!.get(), 0);
    this.offer("bready", "bvalid");
    assert.equal(this.h.bvalid!.get(), 0, "one response a write");
  }

  read(offset: number): number {
    this.set("araddr", offset);
    this.offer("arvalid", "arready");
    this.await("rvalid");
    const data = this.h.rdata!.get();
    // An answer stands until it is taken.
    for (let i = this.pause(); i > 0; i--) {
      this.tick();
      assert.deepEqual([this.h.rvalid!.get(), this.h.rdata!.get()], [1, data]);
    }
    assert.equal(this.h.rresp!.get(), 0);
    this.offer("rready", "rvalid");
    assert.equal(this.h.rvalid!.get(), 0, "one answer a read");
    return data >>> 0;
  }

  write64(offset: number, value: bigint): void {
    this.write(offset, Number(value & MASK32));
    this.write(offset + 4, Number((value >> 32n) & MASK32));
  }
  read64(offset: number): bigint {
    const low = BigInt(this.read(offset));
    return (BigInt(this.read(offset + 4)) << 32n) | low;
  }
}
