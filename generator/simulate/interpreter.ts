/**
 * The reference: every node a bigint, every cycle evaluated in full, nothing clever. Other engines are judged by it,
 * and it by Icarus and Verilator.
 */
import {
  checkFailure,
  type Engine,
  forWords,
  initialRegisters,
  initialWord,
  recordWords,
  type RunRequest,
  type RunResult,
} from "./engine.js";
import type { FlatGraph, FlatId, FlatMemory, FlatMemoryWrite } from "./graph.js";
import { evaluate, maskOf, type Operands } from "./semantics.js";

interface State {
  readonly cycles: number;
  readonly inputs: readonly bigint[];
  readonly registers: readonly bigint[];
  readonly reads: readonly bigint[];
  readonly memories: readonly ReadonlyMap<number, bigint>[];
  readonly boxes: readonly unknown[];
}

export class Interpreter implements Engine {
  cycles = 0;
  private inputs: bigint[];
  private registers: bigint[];
  private reads: bigint[];
  /** Words written so far, over the initial contents. */
  private memories: Map<number, bigint>[];
  private readonly initial: ((addr: number) => bigint)[];
  private boxes: unknown[];
  private readonly values: bigint[];
  private settled = false;
  private readonly operands: Operands;

  constructor(
    readonly graph: FlatGraph,
    seed: number,
  ) {
    const first = initialRegisters(graph, seed);
    this.inputs = graph.inputs.map(() => 0n);
    this.registers = first.registers;
    this.reads = first.reads;
    this.memories = graph.memories.map(() => new Map());
    this.initial = graph.memories.map((_, m) => initialWord(graph, m, seed));
    this.boxes = graph.boxes.map((b) => b.box.model.create());
    this.values = graph.nodes.map(() => 0n);
    this.operands = {
      value: (id) => this.values[id]!,
      width: (id) => graph.nodes[id]!.width,
      fetch: (mem, addr) => this.fetch(mem, addr),
    };
  }

  read(node: FlatId): bigint {
    this.settle();
    return this.values[node]!;
  }

  reader(node: FlatId): { number(): number; big(): bigint } {
    return { number: () => Number(this.read(node)), big: () => this.read(node) };
  }

  setInput(input: number, value: bigint): void {
    this.inputs[input] = value;
    this.settled = false;
  }

  inputSetter(input: number): (value: number) => void {
    const { width } = this.graph.inputs[input]!;
    return (value) => this.setInput(input, BigInt.asUintN(width, BigInt(value)));
  }

  run(request: RunRequest): RunResult {
    for (let stepped = 0; ; stepped++) {
      this.settle();
      const reached = request.until !== undefined && this.values[request.until] === 1n;
      if (reached || stepped === request.cycles) return { stepped, reached };
      if (request.record !== undefined) this.record(request);
      this.edge(request.domains);
    }
  }

  private record(request: RunRequest): void {
    for (const [index, watch] of (request.watches ?? []).entries()) {
      if (watch.valid !== null && this.values[watch.valid] !== 1n) continue;
      const words = [this.cycles, index];
      for (const id of watch.data) {
        for (let w = 0; w < recordWords(this.graph.nodes[id]!.width); w++) {
          words.push(Number((this.values[id]! >> BigInt(32 * w)) & 0xffffffffn));
        }
      }
      request.record?.(Uint32Array.from(words));
    }
  }

  /** One pass over the nodes, which stand after their operands. */
  private settle(): void {
    if (this.settled) return;
    const { graph, values } = this;
    const boxOutputs = new Map<number, Record<string, bigint>>();
    for (let id = 0; id < graph.nodes.length; id++) {
      const node = graph.nodes[id]!;
      switch (node.op) {
        case "input":
          values[id] = this.inputs[node.input]!;
          break;
        case "reg":
          values[id] = this.registers[node.reg]!;
          break;
        case "read":
          values[id] = this.reads[node.read]!;
          break;
        case "box": {
          let outputs = boxOutputs.get(node.box);
          if (outputs === undefined) {
            outputs = graph.boxes[node.box]!.box.model.outputs(
              this.boxes[node.box],
              this.boxInputs(node.box),
            );
            boxOutputs.set(node.box, outputs);
          }
          values[id] = BigInt.asUintN(node.width, outputs[node.port] ?? 0n);
          break;
        }
        default:
          values[id] = evaluate(node, this.operands);
      }
    }
    this.settled = true;
  }

  private boxInputs(box: number): Record<string, bigint> {
    return Object.fromEntries(
      Object.entries(this.graph.boxes[box]!.inputs).map(([port, id]) => [port, this.values[id]!]),
    );
  }

  private fetch(mem: number, addr: bigint): bigint {
    if (addr >= BigInt(this.graph.memories[mem]!.depth)) return 0n;
    return this.memories[mem]!.get(Number(addr)) ?? this.initial[mem]!(Number(addr));
  }

  /** All next values from settled present ones, then all at once. */
  private edge(domains: readonly number[]): void {
    const { graph, values } = this;
    const clocked = (domain: number | null): boolean => domain !== null && domains.includes(domain);
    const isOne = (id: FlatId | null): boolean => id === null || values[id] === 1n;
    const inReset = (domain: number): boolean => {
      const reset = graph.domains[domain]!.reset;
      return reset !== null && values[reset] === 1n;
    };

    for (const [i, c] of graph.checks.entries()) {
      if (c.kind === "cover" || !clocked(c.domain) || inReset(c.domain)) continue;
      if (isOne(c.enable) && values[c.condition] === 0n) throw checkFailure(graph, i, this.cycles);
    }

    const registers = graph.registers.map((r, i) => {
      const held = this.registers[i]!;
      if (!clocked(r.domain)) return held;
      if (r.reset !== undefined && inReset(r.domain)) return r.reset;
      const update = r.updates.findLast((u) => isOne(u.guard));
      return update === undefined ? held : values[update.value]!;
    });

    const happening = (m: FlatMemory): FlatMemoryWrite[] =>
      m.writes.filter((w) => clocked(w.domain) && isOne(w.enable));
    const reads = graph.reads.map((r, i) => {
      if (!clocked(r.domain) || !isOne(r.enable)) return this.reads[i]!;
      const m = graph.memories[r.mem]!;
      const addr = values[r.addr]!;
      let word = this.fetch(r.mem, addr);
      if (addr >= BigInt(m.depth)) return word;
      for (const w of happening(m)) {
        if (values[w.addr] !== addr) continue;
        if (m.readDuringWrite === "new") word = this.merged(m, w, word);
        // Nobody may rely on such a word, so it is made surely wrong.
        else if (m.readDuringWrite === "undefined" && this.merged(m, w, 0n, maskOf(m.width)) !== 0n) {
          return ~this.fetch(r.mem, addr) & maskOf(m.width);
        }
      }
      return word;
    });

    for (const [i, m] of graph.memories.entries()) {
      for (const w of happening(m)) {
        const addr = values[w.addr]!;
        if (addr < BigInt(m.depth))
          this.memories[i]!.set(Number(addr), this.merged(m, w, this.fetch(i, addr)));
      }
    }
    this.boxes = graph.boxes.map((b, i) =>
      clocked(b.domain) ? b.box.model.edge(this.boxes[i], this.boxInputs(i)) : this.boxes[i],
    );
    this.registers = registers;
    this.reads = reads;
    this.cycles++;
    this.settled = false;
  }

  /** The word after a write: granules with a mask bit are new. */
  private merged(m: FlatMemory, w: FlatMemoryWrite, old: bigint, data = this.values[w.data]!): bigint {
    if (w.mask === null) return data;
    let bits = 0n;
    for (let lo = 0, bit = 0n; lo < m.width; lo += w.granule, bit++) {
      if ((this.values[w.mask]! >> bit) & 1n) bits |= maskOf(w.granule) << BigInt(lo);
    }
    return (data & bits) | (old & ~bits);
  }

  readWord(mem: number, addr: number): bigint {
    return this.fetch(mem, BigInt(addr));
  }

  writeWord(mem: number, addr: number, value: bigint): void {
    this.memories[mem]!.set(addr, value);
    this.settled = false;
  }

  writeBytes(mem: number, addr: number, bytes: Uint8Array): void {
    forWords(this.graph.memories[mem]!.width, bytes, (i, value) => this.writeWord(mem, addr + i, value));
  }

  snapshot(): State {
    const { cycles, inputs, registers, reads, memories, boxes } = this;
    return {
      cycles,
      inputs: [...inputs],
      registers,
      reads,
      memories: memories.map((m) => new Map(m)),
      boxes: structuredClone(boxes),
    };
  }

  restore(state: unknown): void {
    const s = state as State;
    this.cycles = s.cycles;
    this.inputs = [...s.inputs];
    this.registers = [...s.registers];
    this.reads = [...s.reads];
    this.memories = s.memories.map((m) => new Map(m));
    this.boxes = structuredClone([...s.boxes]);
    this.settled = false;
  }
}
