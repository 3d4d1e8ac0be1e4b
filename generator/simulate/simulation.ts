/** A running design by names: what tests and the harness talk to. */
import type { Engine, RunResult, WatchPoint } from "./engine.js";
import type { FlatGraph, FlatId, FlatSignal } from "./graph.js";
import { recordWords } from "./engine.js";
import { RecordLog, recordLayout, type Watch, type WatchRecords } from "./watch.js";
import { SampleRing, type VcdRecorder, VcdWriter } from "./vcd.js";

/** Fast access to one signal, without looking up its name each time. */
export interface Handle {
  readonly width: number;
  readonly signed: boolean;
  /** As a number, read as the signal is meant (signed or not); exact up to 53 bits. */
  get(): number;
  getBig(): bigint;
  /** For top-level inputs. The low bits are taken; nothing is checked. */
  set?(value: number): void;
}

export interface MemoryInfo {
  readonly name: string;
  readonly width: number;
  readonly depth: number;
}

export interface Simulation {
  /** Sets a top-level input. The value must fit the port, as a signed or as an unsigned number. */
  poke(port: string, value: bigint | number): void;
  /**
   * Value of a top-level port or of a named signal such as `u_core.acc`, all combinational logic settled. Signals of
   * signed type give negative numbers.
   */
  peek(name: string): bigint;
  /** The same bits without sign. */
  peekBits(name: string): bigint;
  handle(name: string): Handle;
  /** `n` rising edges (1 unless given) of the first clock domain. */
  step(n?: number): void;
  /** The same of a named domain, or of several whose clocks rise at the same moment. */
  edge(domain: string | readonly string[], n?: number): void;
  /**
   * Steps until a 1-bit signal is 1. Returns the number of cycles, 0 when it is 1 already; -1 when it was not reached
   * in `maxCycles`.
   */
  runUntil(flag: string, maxCycles: number): number;
  /** Sets the watch points for `runWatched`. */
  watch(points: readonly Watch[]): void;
  /** Steps and records at the watch points; with `until`, no further than where that signal is 1. */
  runWatched(cycles: number, until?: string): RunResult & { readonly records: WatchRecords };
  readMemory(path: string, addr: number): bigint;
  writeMemory(path: string, addr: number, value: bigint | number): void;
  /** Fills from address `from` (0 unless given); bytes are words of whole little-endian bytes. */
  loadMemory(path: string, words: readonly bigint[] | Uint8Array, from?: number): void;
  signals(): string[];
  memories(): MemoryInfo[];
  /** Everything that `restore` needs to come back to this point. */
  snapshot(): Snapshot;
  restore(state: Snapshot): void;
  /** Number of edges so far. */
  readonly cycles: number;
  /** Records waves from now on: of the signals named (else all), the last `cycles` cycles (else all). */
  trace(names?: readonly string[], options?: { readonly cycles?: number }): VcdRecorder;
}

/** Opaque. */
export interface Snapshot {
  readonly engine: unknown;
}

interface Tracer {
  readonly point: WatchPoint;
  readonly ring: SampleRing;
}

export class EngineSimulation implements Simulation {
  private readonly graph: FlatGraph;
  private readonly inputs = new Map<string, { index: number; width: number; set: (value: number) => void }>();
  private readonly handles = new Map<string, Handle>();
  private readonly memoryIndex: Map<string, number>;
  private readonly tracers: Tracer[] = [];
  private watches: readonly WatchPoint[] = [];

  constructor(private readonly engine: Engine) {
    this.graph = engine.graph;
    for (const [index, p] of this.graph.inputs.entries()) {
      this.inputs.set(p.name, { index, width: p.width, set: engine.inputSetter(index) });
    }
    this.memoryIndex = new Map(this.graph.memories.map((m, i) => [m.name, i]));
  }

  get cycles(): number {
    return this.engine.cycles;
  }

  poke(port: string, value: bigint | number): void {
    const input = this.inputs.get(port);
    if (input === undefined)
      throw new Error(`${this.graph.name} has no input ${port}${hint(port, [...this.inputs.keys()])}`);
    const { width } = input;
    if (typeof value === "number" && width <= 32) {
      if (!Number.isInteger(value) || value < -(2 ** (width - 1)) || value >= 2 ** width)
        throw unfit(port, width, value);
      input.set(value);
      return;
    }
    const big = BigInt(value);
    if (big < -(1n << BigInt(width - 1)) || big >> BigInt(width) > 0n) throw unfit(port, width, value);
    this.engine.setInput(input.index, BigInt.asUintN(width, big));
  }

  peek(name: string): bigint {
    const s = this.signal(name);
    const bits = this.engine.read(s.node);
    return s.signed ? BigInt.asIntN(s.width, bits) : bits;
  }

  peekBits(name: string): bigint {
    return this.engine.read(this.signal(name).node);
  }

  handle(name: string): Handle {
    let handle = this.handles.get(name);
    if (handle === undefined) {
      handle = this.makeHandle(name);
      this.handles.set(name, handle);
    }
    return handle;
  }

  private makeHandle(name: string): Handle {
    const { node, width, signed } = this.signal(name);
    const reader = this.engine.reader(node);
    const input = this.inputs.get(name);
    const half = 2 ** (width - 1);
    return {
      width,
      signed,
      get: signed
        ? () => {
            const value = reader.number();
            return value >= half ? value - 2 * half : value;
          }
        : reader.number,
      getBig: signed ? () => BigInt.asIntN(width, reader.big()) : reader.big,
      ...(input === undefined ? {} : { set: input.set }),
    };
  }

  step(n = 1): void {
    this.advance(this.graph.domains.length === 0 ? [] : [0], n);
  }

  edge(domain: string | readonly string[], n = 1): void {
    const names = typeof domain === "string" ? [domain] : domain;
    this.advance(
      names.map((name) => {
        const index = this.graph.domains.findIndex((d) => d.name === name);
        if (index < 0) {
          throw new Error(
            `${this.graph.name} has no clock domain ${name}${hint(
              name,
              this.graph.domains.map((d) => d.name),
            )}`,
          );
        }
        return index;
      }),
      n,
    );
  }

  runUntil(flag: string, maxCycles: number): number {
    const { stepped, reached } = this.advance(
      this.graph.domains.length === 0 ? [] : [0],
      maxCycles,
      this.bit(flag),
    );
    return reached ? stepped : -1;
  }

  watch(points: readonly Watch[]): void {
    this.watches = points.map((p) => ({
      valid: p.valid === null ? null : this.bit(p.valid),
      data: p.data.map((name) => this.signal(name).node),
    }));
  }

  runWatched(cycles: number, until?: string): RunResult & { readonly records: WatchRecords } {
    const log = new RecordLog();
    const start = this.cycles;
    const flag = until === undefined ? undefined : this.bit(until);
    const result = this.advance(this.graph.domains.length === 0 ? [] : [0], cycles, flag, log);
    return { ...result, records: log.finish(this.graph, this.watches, start) };
  }

  /** All edges go through here, so that traces see each of them. */
  private advance(domains: readonly number[], cycles: number, until?: FlatId, log?: RecordLog): RunResult {
    const { engine, tracers } = this;
    if (!Number.isInteger(cycles) || cycles < 0) throw new RangeError(`${cycles} is no number of cycles`);
    const request = { domains, cycles, ...(until === undefined ? {} : { until }) };
    if (tracers.length === 0) {
      if (log === undefined) return engine.run(request);
      return engine.run({ ...request, watches: this.watches, record: (words) => log.append(words) });
    }
    const watches = [...(log === undefined ? [] : this.watches), ...tracers.map((t) => t.point)];
    const own = watches.length - tracers.length;
    const sizes = watches.map((w) => 2 + recordLayout(this.graph, w).size);
    return engine.run({
      ...request,
      watches,
      record(words) {
        for (let at = 0; at < words.length; ) {
          const index = words[at + 1]!;
          const end = at + sizes[index]!;
          if (index < own) log?.append(words.subarray(at, end));
          else tracers[index - own]!.ring.push(words[at]!, words, at + 2);
          at = end;
        }
      },
    });
  }

  readMemory(path: string, addr: number): bigint {
    return this.engine.readWord(this.memory(path, addr), addr);
  }

  writeMemory(path: string, addr: number, value: bigint | number): void {
    const index = this.memory(path, addr);
    const { width } = this.graph.memories[index]!;
    const big = BigInt(value);
    if (big < -(1n << BigInt(width - 1)) || big >> BigInt(width) > 0n)
      throw unfit(`${path}[${addr}]`, width, value);
    this.engine.writeWord(index, addr, BigInt.asUintN(width, big));
  }

  loadMemory(path: string, words: readonly bigint[] | Uint8Array, from = 0): void {
    if (words.length === 0) return;
    if (words instanceof Uint8Array) {
      const size = (this.graph.memories[this.memory(path, from)]!.width + 7) >>> 3;
      if (words.length % size !== 0)
        throw new Error(`${path}: ${words.length} bytes are no whole number of ${size}-byte words`);
      this.engine.writeBytes(this.memory(path, from + words.length / size - 1), from, words);
      return;
    }
    this.memory(path, from + words.length - 1);
    for (const [i, word] of words.entries()) this.writeMemory(path, from + i, word);
  }

  signals(): string[] {
    return [...this.graph.signals.keys()];
  }

  memories(): MemoryInfo[] {
    return this.graph.memories.map(({ name, width, depth }) => ({ name, width, depth }));
  }

  snapshot(): Snapshot {
    return { engine: this.engine.snapshot() };
  }

  restore(state: Snapshot): void {
    this.engine.restore(state.engine);
  }

  trace(names: readonly string[] = this.signals(), options: { readonly cycles?: number } = {}): VcdRecorder {
    const traced = names.map((name) => ({ name, ...this.signal(name) }));
    const point: WatchPoint = { valid: null, data: traced.map((s) => s.node) };
    const { starts, size } = recordLayout(this.graph, point);
    const tracer: Tracer = { point, ring: new SampleRing(size, options.cycles ?? Number.POSITIVE_INFINITY) };
    this.tracers.push(tracer);
    const clock = this.graph.domains[0]?.clock ?? null;
    return {
      text: () => {
        const writer = new VcdWriter(this.graph.name, traced, clock);
        tracer.ring.forEach((cycle, words) => {
          writer.sample(
            cycle,
            traced.map((s, i) => {
              let value = 0n;
              for (let w = recordWords(s.width) - 1; w >= 0; w--)
                value = (value << 32n) | BigInt(words[starts[i]! + w]!);
              return value;
            }),
          );
        });
        writer.sample(
          this.cycles,
          traced.map((s) => this.engine.read(s.node)),
        );
        return writer.text();
      },
      stop: () => {
        const at = this.tracers.indexOf(tracer);
        if (at >= 0) this.tracers.splice(at, 1);
      },
    };
  }

  private signal(name: string): FlatSignal {
    const s = this.graph.signals.get(name);
    if (s === undefined)
      throw new Error(`${this.graph.name} has no signal ${name}${hint(name, this.signals())}`);
    return s;
  }

  private bit(name: string): FlatId {
    const s = this.signal(name);
    if (s.width !== 1) throw new Error(`${name} has ${s.width} bits; 1 is needed`);
    return s.node;
  }

  private memory(path: string, addr: number): number {
    const index = this.memoryIndex.get(path);
    if (index === undefined)
      throw new Error(`${this.graph.name} has no memory ${path}${hint(path, [...this.memoryIndex.keys()])}`);
    const { depth } = this.graph.memories[index]!;
    if (!Number.isInteger(addr) || addr < 0 || addr >= depth)
      throw new RangeError(`${path} has ${depth} words; address ${addr} is none of them`);
    return index;
  }
}

const unfit = (name: string, width: number, value: bigint | number): RangeError =>
  new RangeError(`${value} does not fit ${name} of ${width} bits`);

/** A few names like the one that was not found. */
function hint(name: string, known: readonly string[]): string {
  const last = name.split(".").pop()!.toLowerCase();
  const near = known
    .filter((k) => k.toLowerCase().includes(last) || last.includes(k.split(".").pop()!.toLowerCase()))
    .slice(0, 5);
  const shown = near.length > 0 ? near : known.length <= 12 ? known : [];
  return shown.length === 0 ? "" : ` (there is: ${shown.join(", ")})`;
}
