/** The fast engine: generated code on linear memory. Programs are compiled when they are first needed, in milliseconds. */
import {
  checkFailure,
  type Engine,
  forWords,
  initialRegisters,
  initialWord,
  randomParts,
  recordWords,
  type RunRequest,
  type RunResult,
  type WatchPoint,
} from "../engine.js";
import type { FlatGraph, FlatId } from "../graph.js";
import { cycleModule } from "./cycle.js";
import type { Slot } from "./layout.js";
import { makeModel, type Model } from "./model.js";
import { recordBytes, type SamplePlaces, sampleModule, settleModule } from "./probe.js";
import { isState } from "./uses.js";

interface State {
  readonly cycles: number;
  readonly memory: Uint8Array;
  readonly boxes: readonly unknown[];
}

/** Values to look at that are computed together. */
interface Probe {
  settle: () => void;
  at: number;
}

const RING_BYTES = 1 << 20;
/** V8 cannot replace code that is running: short calls at first let the optimised code in early. */
const FIRST_RUN = 64;
const LONGEST_RUN = 1 << 16;
/** After so many single names somebody wants to see everything. */
const MOST_SINGLES = 16;

export class WasmEngine implements Engine {
  cycles = 0;
  private readonly model: Model;
  private boxes: unknown[];
  /** Counts changes of state and inputs; a probe made at this version is up to date. */
  private version = 0;
  private readonly runs = new Map<string, (n: number) => void>();
  private readonly probes = new Map<FlatId, { slot: Slot; probe: Probe }>();
  private readonly samplers = new Map<string, (n: number) => number>();
  private readonly remaining: number;
  private readonly checks: boolean;
  private readonly imports: Record<string, unknown>;
  private pace = FIRST_RUN;
  /** Nodes that were looked at by name and got a probe of their own. */
  private singles = 0;
  private failed: number | null = null;
  /** Nodes with a reader that has not been used yet. */
  private readonly wanted = new Set<FlatId>();

  constructor(
    readonly graph: FlatGraph,
    seed: number,
    checks: boolean,
    functionCost?: number,
  ) {
    const model = makeModel(graph, functionCost);
    this.model = model;
    this.checks = checks && graph.checks.length > 0;
    const { layout, views } = model;
    this.remaining = model.scratch("remaining", 4);
    const slotOf = (node: FlatId): Slot => layout.slots.get(node)!;
    const first = initialRegisters(graph, seed);
    for (const [i, r] of model.graph.registers.entries()) views.write(slotOf(r.node), first.registers[i]!);
    for (const [i, r] of model.graph.reads.entries()) views.write(slotOf(r.node), first.reads[i]!);
    for (let i = 0; i < graph.memories.length; i++) this.fillMemory(i, seed);
    this.boxes = graph.boxes.map((b) => b.box.model.create());
    this.imports = {
      memory: views.memory,
      boxOutputs: (box: number) => this.writeBoxOutputs(box),
      boxEdge: (box: number) => this.boxEdge(box),
      fail: (check: number) => {
        this.failed = check;
        throw new Error("a check failed");
      },
    };
    this.refreshBoxes();
  }

  private fillMemory(mem: number, seed: number): void {
    const m = this.graph.memories[mem]!;
    const { slot } = this.model.layout.memories[mem]!;
    const { views } = this.model;
    const word = initialWord(this.graph, mem, seed);
    const given = Math.min(m.depth, m.contents.length);
    for (let addr = 0; addr < given; addr++) this.writeWord(mem, addr, word(addr));
    if (m.zero) return;
    // The same random words as `initialWord` gives, without bigint: memories are large.
    const part = randomParts(mem, seed);
    const parts = recordWords(m.width);
    const last = m.width % 32 === 0 ? -1 : 2 ** (m.width % 32) - 1;
    for (let addr = given; addr < m.depth; addr++) {
      for (let i = 0; i < parts; i++) {
        const value = part(addr * parts + i) & (i === parts - 1 ? last : -1);
        const at = slot.addr + addr * slot.bytes + 4 * i;
        if (slot.bytes >= 4) views.u32[at >>> 2] = value;
        else for (let b = 0; b < slot.bytes; b++) views.u8[at + b] = value >>> (8 * b);
      }
    }
  }

  read(node: FlatId): bigint {
    return this.model.views.read(this.settled(this.model.at(node)));
  }

  reader(node: FlatId): { number(): number; big(): bigint } {
    const id = this.model.at(node);
    const { views, graph } = this.model;
    const known = graph.nodes[id]!;
    if (known.op === "const") return { number: () => Number(known.value), big: () => known.value };
    if (isState(graph, known)) {
      const slot = this.model.layout.slots.get(id)!;
      return { number: views.loader(slot), big: () => views.read(slot) };
    }
    // All that were asked for before the first use are computed together.
    if (!this.probes.has(id)) this.wanted.add(id);
    let load: (() => number) | null = null;
    const slot = (): Slot => {
      if (!this.probes.has(id)) {
        this.addProbe([...this.wanted]);
        this.wanted.clear();
      }
      return this.settled(id);
    };
    return {
      number: () => {
        const place = slot();
        load ??= views.loader(place);
        return load();
      },
      big: () => views.read(slot()),
    };
  }

  setInput(input: number, value: bigint): void {
    this.model.views.write(this.inputSlot(input), value);
    this.version++;
  }

  inputSetter(input: number): (value: number) => void {
    const slot = this.inputSlot(input);
    const { views } = this.model;
    const { addr, width, bytes } = slot;
    if (bytes > 4) return (value) => this.setInput(input, BigInt.asUintN(width, BigInt(value)));
    const spare = 32 - width;
    const signed = slot.form === "s";
    return (value) => {
      const word = signed ? (value << spare) >> spare : (value << spare) >>> spare;
      if (bytes === 1) views.u8[addr] = word;
      else if (bytes === 2) {
        views.u8[addr] = word;
        views.u8[addr + 1] = word >> 8;
      } else views.u32[addr >>> 2] = word;
      this.version++;
    };
  }

  run(request: RunRequest): RunResult {
    const run = this.runner(request.domains);
    if (request.until !== undefined || request.record !== undefined) return this.sample(request, run);
    const { views } = this.model;
    for (let left = request.cycles; left > 0; ) {
      const n = this.paced(left);
      this.guarded(
        () => run(n),
        () => n - views.u32[this.remaining >>> 2]!,
      );
      this.cycles += n;
      left -= n;
    }
    return { stepped: request.cycles, reached: false };
  }

  private sample(request: RunRequest, run: (n: number) => void): RunResult {
    const { views } = this.model;
    const watches = request.record === undefined ? [] : (request.watches ?? []);
    const until = request.until === undefined ? null : this.model.at(request.until);
    const { sampler, places } = this.sampler(request.domains, until, watches, run);
    const cell = (addr: number): number => views.u32[addr >>> 2]!;
    const put = (addr: number, value: number): void => {
      views.u32[addr >>> 2] = value;
    };
    put(places.flag, 0);
    put(places.head, places.ring);
    let stepped = 0;
    do {
      const n = this.paced(request.cycles - stepped);
      const start = this.cycles;
      put(places.cycle, start);
      try {
        const done = this.guarded(
          () => sampler(n),
          () => cell(places.cycle) - (start >>> 0),
        );
        this.cycles += done;
        stepped += done;
      } finally {
        // After a failed check too: the records before it are what one wants to see.
        const end = cell(places.head);
        if (end > places.ring) request.record?.(views.u32.subarray(places.ring >>> 2, end >>> 2));
        put(places.head, places.ring);
      }
    } while (cell(places.flag) === 0 && stepped < request.cycles);
    return { stepped, reached: cell(places.flag) === 1 };
  }

  /** How many cycles to run in one call. */
  private paced(left: number): number {
    const n = Math.min(left, this.pace);
    if (this.pace < LONGEST_RUN) this.pace *= 2;
    return n;
  }

  /** Runs generated code; a failed check stops it in front of the edge of some cycle. */
  private guarded<T>(go: () => T, cyclesDone: () => number): T {
    this.version++;
    try {
      return go();
    } catch (error) {
      if (this.failed === null) throw error;
      const check = this.failed;
      this.failed = null;
      this.cycles += cyclesDone();
      throw checkFailure(this.graph, check, this.cycles);
    }
  }

  private runner(domains: readonly number[]): (n: number) => void {
    const key = domains.length === 1 ? String(domains[0]) : [...domains].sort((a, b) => a - b).join();
    let run = this.runs.get(key);
    if (run === undefined) {
      run = this.load(cycleModule(this.model, domains, this.checks, this.remaining), "run") as (
        n: number,
      ) => void;
      this.runs.set(key, run);
    }
    return run;
  }

  private sampler(
    domains: readonly number[],
    until: FlatId | null,
    watches: readonly WatchPoint[],
    run: (n: number) => void,
  ): { sampler: (n: number) => number; places: SamplePlaces } {
    const { model } = this;
    const points = watches.map((w) => ({
      valid: w.valid === null ? null : model.at(w.valid),
      data: w.data.map(model.at),
    }));
    const most = recordBytes(model, points);
    const size = Math.max(RING_BYTES, 4 * most);
    const ring = model.scratch(`ring ${size}`, size + 64);
    const place = (name: string): number => model.scratch(name, 4);
    const places = {
      flag: place("flag"),
      head: place("head"),
      cycle: place("cycle"),
      ring,
      limit: ring + size - most,
    };
    const key = `${domains.join()} ${until} ${points.map((p) => `${p.valid}:${p.data.join()}`).join(" ")}`;
    let sampler = this.samplers.get(key);
    if (sampler === undefined) {
      sampler = this.load(sampleModule(model, until, points, places), "sample", { run }) as (
        n: number,
      ) => number;
      this.samplers.set(key, sampler);
    }
    return { sampler, places };
  }

  /** The slot of a node of the simplified graph, computed now if it is not state. */
  private settled(id: FlatId): Slot {
    const { slot, probe } = this.observed(id);
    if (probe !== null) this.refresh(probe);
    return slot;
  }

  private refresh(probe: Probe): void {
    if (probe.at === this.version) return;
    probe.settle();
    probe.at = this.version;
  }

  private observed(id: FlatId): { slot: Slot; probe: Probe | null } {
    const { graph, layout } = this.model;
    if (isState(graph, graph.nodes[id]!)) return { slot: layout.slots.get(id)!, probe: null };
    const known = this.probes.get(id);
    if (known !== undefined) return known;
    this.addProbe(this.company(id));
    return this.probes.get(id)!;
  }

  /** What to compute together with a node: all outputs, or by itself at first and then everything with a name. */
  private company(id: FlatId): FlatId[] {
    const outputs = this.model.graph.outputs.map((o) => o.node);
    if (outputs.includes(id)) return outputs;
    if (this.singles++ < MOST_SINGLES) return [id];
    return [...this.model.graph.signals.values()].map((s) => s.node);
  }

  private addProbe(ids: readonly FlatId[]): void {
    const { graph, layout, views } = this.model;
    const fresh = [...new Set(ids)].filter((id) => !this.probes.has(id) && !isState(graph, graph.nodes[id]!));
    const nodes = fresh.map((node) => ({ node, slot: layout.slot(graph.nodes[node]!.width, "u") }));
    views.reserve(layout.size);
    const settle = this.load(settleModule(this.model, nodes), "settle") as () => void;
    const probe: Probe = { settle, at: -1 };
    for (const { node, slot } of nodes) this.probes.set(node, { slot, probe });
  }

  private load(bytes: Uint8Array, name: string, more: Record<string, unknown> = {}): unknown {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { ...this.imports, ...more },
    });
    return instance.exports[name];
  }

  private inputSlot(input: number): Slot {
    return this.model.layout.slots.get(this.model.graph.inputs[input]!.node)!;
  }

  readWord(mem: number, addr: number): bigint {
    const { slot, depth } = this.model.layout.memories[mem]!;
    return addr < depth ? this.model.views.read(slot, slot.addr + addr * slot.bytes) : 0n;
  }

  writeWord(mem: number, addr: number, value: bigint): void {
    const { slot } = this.model.layout.memories[mem]!;
    this.model.views.write(slot, value, slot.addr + addr * slot.bytes);
    this.version++;
  }

  writeBytes(mem: number, addr: number, bytes: Uint8Array): void {
    const { slot } = this.model.layout.memories[mem]!;
    if (slot.bytes * 8 === slot.width) {
      this.model.views.u8.set(bytes, slot.addr + addr * slot.bytes);
      this.version++;
    } else forWords(slot.width, bytes, (i, value) => this.writeWord(mem, addr + i, value));
  }

  snapshot(): State {
    const memory = this.model.views.u8.slice(0, this.model.layout.stateEnd);
    return { cycles: this.cycles, memory, boxes: structuredClone(this.boxes) };
  }

  restore(state: unknown): void {
    const s = state as State;
    this.cycles = s.cycles;
    this.model.views.u8.set(s.memory);
    this.boxes = structuredClone([...s.boxes]);
    this.version++;
  }

  private boxInputs(box: number): Record<string, bigint> {
    const { layout, views } = this.model;
    return Object.fromEntries([...layout.boxInputs[box]!].map(([port, slot]) => [port, views.read(slot)]));
  }

  private writeBoxOutputs(box: number): void {
    const { graph, layout, views } = this.model;
    const outputs = graph.boxes[box]!.box.model.outputs(this.boxes[box], this.boxInputs(box));
    for (const id of graph.boxes[box]!.outputs) {
      const node = graph.nodes[id]!;
      if (node.op === "box")
        views.write(layout.slots.get(id)!, BigInt.asUintN(node.width, outputs[node.port] ?? 0n));
    }
  }

  private boxEdge(box: number): void {
    const b = this.model.graph.boxes[box]!;
    this.boxes[box] = b.box.model.edge(this.boxes[box], this.boxInputs(box));
    if (!b.box.model.combinational) this.writeBoxOutputs(box);
  }

  private refreshBoxes(): void {
    for (const [i, b] of this.model.graph.boxes.entries())
      if (!b.box.model.combinational) this.writeBoxOutputs(i);
  }
}
