/**
 * A simulated accelerator for host programs that run as processes of their own: they reach it over a Unix socket, through stubs
 * of the vendor's libraries. Behind AXI the words are lines: "R offset", "W offset value", "A bytes bank" (memory; answered by
 * its address), "S address hexadecimal" (bytes that the host has flushed). Behind a UART they are the bytes on the wire.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { AxiConfig } from "../../generator/accelerator/axiaccelerator.js";
import type { Design } from "../../generator/hdl/ir.js";
import type { RegisterMap } from "../../generator/isa/registers.js";
import { simulate, type Simulation } from "../../generator/simulate/index.js";
import { AxiBytes } from "./axibytes.js";
import { LiteHost } from "./axilite.js";
import { type AxiBehaviour, AxiSlave } from "./axislave.js";
import type { SerialHost } from "./serial.js";

/** A socket that one program after the other may open. */
class SocketServer {
  readonly address: string;
  private readonly folder = mkdtempSync(path.join(tmpdir(), "gateloom-bridge-"));
  private readonly server: Server;
  private readonly open = new Set<Socket>();

  constructor(serve: (socket: Socket) => void) {
    this.address = path.join(this.folder, "socket");
    this.server = createServer((socket) => {
      this.open.add(socket);
      socket.on("close", () => this.open.delete(socket));
      socket.on("error", () => socket.destroy()); // the program has ended
      serve(socket);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(this.address, resolve);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface AxiBridgeOptions {
  /** What may be read and written. */
  readonly map: RegisterMap;
  readonly behaviour: AxiBehaviour;
  readonly random: () => number;
  /** Bytes of each bank of memory. */
  readonly bankBytes: number;
  /** As many banks as channels, of which each reading port reaches its own; else one that all ports reach. */
  readonly banks: boolean;
}

const MEMORY = 0x1000_0000n;
const PAGE = 4096n;
/** Where a program looks while it waits, and the cycles that pass with every look. */
const AP_CTRL = 0;
const CYCLES_A_LOOK = 500;

/** `design` is axiAccelerator's. Memory holds junk until the program writes it. */
export class AxiBridge {
  /** Reading ports by channel, then the one that writes the cache. */
  readonly slaves: readonly AxiSlave[];
  private readonly sim: Simulation;
  private readonly host: LiteHost;
  private readonly memory: AxiBytes;
  private readonly next: bigint[];
  private readonly server = new SocketServer((socket) => this.serve(socket));
  /** What registers say in place of what they hold, by offset. */
  readonly instead = new Map<number, number>();
  /** Writes, by the offset of the register: what the program did. */
  readonly writes: { readonly offset: number; readonly value: number }[] = [];

  constructor(
    design: Design,
    axi: AxiConfig,
    private readonly options: AxiBridgeOptions,
  ) {
    const { behaviour, random, bankBytes } = options;
    const { masters, dataBits, burst, outstanding } = axi;
    const banks = options.banks ? masters : 1;
    this.sim = simulate(design, { seed: 1 });
    const all = Uint8Array.from({ length: banks * bankBytes }, () => Math.floor(random() * 256));
    this.memory = new AxiBytes(MEMORY, all);
    this.next = Array.from({ length: banks }, (_, i) => MEMORY + BigInt(i * bankBytes));
    const rules = { dataBits, burst, outstanding };
    this.slaves = [
      ...Array.from({ length: masters }, (_, c) => {
        const own = new AxiBytes(
          MEMORY + BigInt(c * bankBytes),
          all.subarray(c * bankBytes, (c + 1) * bankBytes),
        );
        const part = options.banks ? own : this.memory;
        return new AxiSlave(this.sim, `m_axi_gmem${c}`, part, random, behaviour, rules, { writes: false });
      }),
      new AxiSlave(this.sim, "m_axi_cache", this.memory, random, behaviour, { ...rules, burst: 1 }),
    ];
    this.host = new LiteHost(this.sim, "s_axi_control", () => this.tick());
    this.sim.poke("rst", 1);
    for (const s of this.slaves) s.drive();
    this.sim.step(4);
    this.sim.poke("rst", 0);
  }

  get address(): string {
    return this.server.address;
  }
  listen(): Promise<void> {
    return this.server.listen();
  }
  close(): Promise<void> {
    return this.server.close();
  }

  /** How every port's memory behaves from now on; what was kept silent is answered. */
  set behaviour(behaviour: AxiBehaviour) {
    for (const slave of this.slaves) {
      slave.behaviour = behaviour;
      slave.wake();
    }
  }

  private tick(): void {
    for (const s of this.slaves) s.sample();
    this.sim.step();
    for (const s of this.slaves) s.drive();
  }

  private serve(socket: Socket): void {
    createInterface({ input: socket }).on("line", (line) => {
      try {
        socket.write(`${this.answer(line.split(" "))}\n`);
      } catch (error) {
        socket.end(`! ${error instanceof Error ? error.message : String(error)}\n`);
      }
    });
  }

  /** Throws where neither a register nor a word of a window lies. */
  private checked(offset: number): number {
    const { registers, windows } = this.options.map;
    const inside = (from: number, bytes: number): boolean =>
      offset >= from && offset < from + bytes && offset % 4 === 0;
    const known =
      registers.some((r) => inside(r.offset, r.width / 8)) ||
      windows.some((w) => inside(w.offset, w.words * w.wordBytes));
    if (!known) throw new RangeError(`nothing lies at register offset ${offset}`);
    return offset;
  }

  private answer([verb, first = "", second = ""]: readonly string[]): string {
    switch (verb) {
      case "R": {
        const offset = this.checked(Number(first));
        if (offset === AP_CTRL) for (let i = 0; i < CYCLES_A_LOOK; i++) this.tick();
        return String(this.instead.get(offset) ?? this.host.read(offset));
      }
      case "W": {
        const write = { offset: this.checked(Number(first)), value: Number(second) };
        this.writes.push(write);
        this.host.write(write.offset, write.value);
        return "ok";
      }
      case "A":
        return String(this.allocate(Number(first), Number(second)));
      case "S": {
        const bytes = Buffer.from(second, "hex");
        const at = this.memory.offset(BigInt(first), bytes.length);
        if (at === null) throw new RangeError(`no memory at ${first}`);
        this.memory.bytes.set(bytes, at);
        return "ok";
      }
      default:
        throw new RangeError(`no such request: ${verb}`);
    }
  }

  private allocate(bytes: number, bank: number): bigint {
    const { bankBytes } = this.options;
    const at = this.next[bank];
    if (at === undefined) throw new RangeError(`no bank ${bank}`);
    const pages = (BigInt(bytes) + PAGE - 1n) / PAGE;
    const end = at + pages * PAGE;
    if (end > MEMORY + BigInt((bank + 1) * bankBytes))
      throw new RangeError(`${bytes} bytes do not fit bank ${bank}`);
    this.next[bank] = end;
    return at;
  }
}

/** Cycles between two looks at the socket. */
const CYCLES_A_TURN = 5000;

/** A chip behind its UART. Time passes while a program has the line open. */
export class SerialBridge {
  private readonly server = new SocketServer((socket) => this.serve(socket));
  private sent = 0;

  constructor(private readonly host: Pick<SerialHost, "send" | "advance" | "received">) {}

  get address(): string {
    return this.server.address;
  }
  listen(): Promise<void> {
    return this.server.listen();
  }
  close(): Promise<void> {
    return this.server.close();
  }

  private serve(socket: Socket): void {
    socket.on("data", (data) => this.host.send([...data]));
    const turn = (): void => {
      if (socket.destroyed) return;
      this.host.advance(CYCLES_A_TURN);
      const { received } = this.host;
      if (this.sent < received.length) socket.write(Uint8Array.from(received.slice(this.sent)));
      this.sent = received.length;
      setImmediate(turn);
    };
    turn();
  }
}
