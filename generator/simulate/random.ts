/**
 * Random valid designs from a seed: every node kind, registers with several guarded updates, memories of all kinds,
 * hierarchy, and widths where engines change representation. Engines and tools are compared on them.
 */
import type {
  BinaryFn,
  Design,
  Instance,
  MemId,
  Memory,
  MemWrite,
  Module,
  Node,
  NodeId,
  OutPort,
  Port,
  Reg,
  UnaryFn,
} from "../hdl/ir.js";
import { mulberry32, type Prng } from "./prng.js";

export interface RandomOptions {
  /** Rough number of nodes per module. */
  readonly nodes: number;
  readonly maxWidth: number;
  /**
   * For four-state tools: nothing is undefined after `INIT_CYCLES` with `rst` and `init` high. Every register has a
   * reset, memories start at 0 and are not written before, addresses stay inside. Shift counts have at most 31 bits:
   * Verilator takes no more.
   */
  readonly defined: boolean;
  /** A second clock, `aux`, with a reset of its own. Values go from one domain to the other freely. */
  readonly twoClocks?: boolean;
}

/** Enough for values to run down chains of memory reads. */
export const INIT_CYCLES = 6;

/** Name of the top module; others are `<name>_0` and so on. */
export function randomDesign(seed: number, name: string, options: RandomOptions): Design {
  const random = mulberry32(seed);
  const modules = new Map<string, Module>();
  for (let i = random.below(3); i > 0; i--) {
    const child = `${name}_${modules.size}`;
    modules.set(
      child,
      new ModuleMaker(random, child, { ...options, nodes: Math.ceil(options.nodes / 2) }, [
        ...modules.values(),
      ]).make(),
    );
  }
  modules.set(name, new ModuleMaker(random, name, options, [...modules.values()]).make());
  return { top: name, modules, blackboxes: new Map() };
}

/** Input values of one cycle: `rst` and `init` first, corner values often. */
export function randomInputs(random: Prng, design: Design, cycle: number): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const p of design.modules.get(design.top)!.inputs) {
    if (p.name === "clk" || p.name === "aux") continue;
    const ones = (1n << BigInt(p.width)) - 1n;
    if (p.name === "rst" || p.name === "aux_rst")
      values.set(p.name, cycle < INIT_CYCLES || random.oneIn(24) ? 1n : 0n);
    else if (p.name === "init") values.set(p.name, cycle < INIT_CYCLES ? 1n : 0n);
    else values.set(p.name, random.oneIn(8) ? 0n : random.oneIn(8) ? ones : random.bits(p.width));
  }
  return values;
}

const UNARY: readonly UnaryFn[] = ["not", "neg", "andr", "orr", "xorr"];
const BINARY: readonly BinaryFn[] = [
  "add",
  "sub",
  "and",
  "or",
  "xor",
  "mul",
  "eq",
  "ne",
  "lt",
  "le",
  "shl",
  "shr",
];

class ModuleMaker {
  private readonly nodes: Node[] = [];
  /** Wires a node depends on within the cycle: wire i may only be driven by what depends on later wires. */
  private readonly wiresOf: Set<number>[] = [];
  private readonly wires: NodeId[] = [];
  private readonly inputs: Port[] = [];
  private readonly memories: Memory[] = [];
  private readonly instances: Instance[] = [];
  private readonly used = new Set<NodeId>();
  private init: NodeId = -1;

  constructor(
    private readonly random: Prng,
    private readonly name: string,
    private readonly options: RandomOptions,
    private readonly children: readonly Module[],
  ) {}

  make(): Module {
    const { random } = this;
    for (const port of this.clockPorts()) this.inputs.push({ name: port, width: 1, signed: false });
    if (this.options.defined) this.init = this.input("init", 1);
    for (let i = 1 + random.below(4); i > 0; i--) this.input(`in${this.inputs.length}`, this.width());
    const registers = Array.from({ length: 1 + random.below(4) }, (_, i) => this.register(i));
    for (let i = random.below(3); i > 0; i--) this.memory();
    for (let i = random.below(3); i > 0; i--) {
      this.wires.push(this.nodes.length);
      const id = this.add({ op: "wire", width: this.width(), driver: null }, []);
      this.wiresOf[id]!.add(this.wires.length - 1);
    }
    const wanted = this.nodes.length + this.options.nodes;
    for (const child of this.children) if (!random.oneIn(3)) this.instance(child);
    while (this.nodes.length < wanted) this.operator();
    for (const id of registers) this.finishRegister(id);
    for (const [m, memory] of this.memories.entries()) this.finishMemory(m, memory);
    for (const [i, id] of this.wires.entries()) this.drive(i, id);
    return {
      name: this.name,
      inputs: this.inputs,
      outputs: this.outputs(),
      nodes: this.nodes,
      memories: this.memories,
      instances: this.instances,
      checks: [],
      domains: [
        { name: "clk", clock: "clk", reset: "rst" },
        ...(this.options.twoClocks ? [{ name: "aux", clock: "aux", reset: "aux_rst" }] : []),
      ],
    };
  }

  private clockPorts(): string[] {
    return this.options.twoClocks ? ["clk", "rst", "aux", "aux_rst"] : ["clk", "rst"];
  }

  private domain(): number {
    return this.options.twoClocks && this.random.bool() ? 1 : 0;
  }

  private width(): number {
    const { random } = this;
    const limit = this.options.maxWidth;
    const drawn = random.oneIn(4)
      ? 1
      : random.oneIn(3)
        ? random.pick([8, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129])
        : random.oneIn(3)
          ? 1 + random.below(limit)
          : 1 + random.below(Math.min(limit, 24));
    return Math.min(drawn, limit);
  }

  private add(node: Node, operands: readonly NodeId[]): NodeId {
    const named = this.random.oneIn(5) && node.op !== "input" && node.op !== "const";
    this.nodes.push(named ? { ...node, name: node.name ?? `n${this.nodes.length}`, named: true } : node);
    const wires = new Set<number>();
    for (const o of operands) {
      this.used.add(o);
      for (const w of this.wiresOf[o]!) wires.add(w);
    }
    this.wiresOf.push(wires);
    return this.nodes.length - 1;
  }

  private input(port: string, width: number): NodeId {
    this.inputs.push({ name: port, width, signed: this.random.bool() });
    return this.add({ op: "input", width, port }, []);
  }

  private constant(width: number): NodeId {
    const { random } = this;
    const ones = (1n << BigInt(width)) - 1n;
    const value = random.oneIn(3)
      ? random.pick([0n, 1n, ones, ones >> 1n, (ones >> 1n) + 1n])
      : random.bits(width);
    return this.add({ op: "const", width, value: value & ones }, []);
  }

  /** A node of this width, made from another if need be. */
  private operand(width = this.width(), allowed: (id: NodeId) => boolean = () => true): NodeId {
    const { random } = this;
    if (random.oneIn(10)) return this.constant(width);
    const fitting = this.nodes.flatMap((n, id) => (n.width === width && allowed(id) ? [id] : []));
    if (fitting.length > 0 && !random.oneIn(6))
      return random.pick(random.bool() ? fitting : fitting.slice(-3));
    const candidates = this.nodes.flatMap((_, id) => (allowed(id) ? [id] : []));
    const a = random.pick(candidates);
    const from = this.nodes[a]!.width;
    if (from > width) return this.add({ op: "slice", width, a, lo: random.below(from - width + 1) }, [a]);
    if (from === width) return a;
    if (random.bool())
      return this.add({ op: "extend", width, signedness: random.bool() ? "u" : "s", a }, [a]);
    const rest = this.operand(width - from, allowed);
    return this.add({ op: "cat", width, parts: random.bool() ? [a, rest] : [rest, a] }, [a, rest]);
  }

  private operator(): void {
    const { random } = this;
    const signedness = random.bool() ? "s" : "u";
    switch (random.below(10)) {
      case 0: {
        const fn = random.pick(UNARY);
        const a = this.operand();
        this.add({ op: "unary", fn, width: fn === "not" || fn === "neg" ? this.nodes[a]!.width : 1, a }, [a]);
        return;
      }
      case 1: {
        const [sel, t] = [this.operand(1), this.operand()];
        const f = this.operand(this.nodes[t]!.width);
        this.add({ op: "mux", width: this.nodes[t]!.width, sel, t, f }, [sel, t, f]);
        return;
      }
      case 2: {
        const index = this.operand(random.oneIn(6) ? this.width() : 1 + random.below(4));
        const width = this.width();
        const matches = new Set(
          Array.from({ length: random.below(9) }, () => random.bits(this.nodes[index]!.width)),
        );
        const constant = random.oneIn(4);
        const value = (): NodeId => (constant ? this.constant(width) : this.operand(width));
        const cases = [...matches].map((match) => ({ match, value: value() }));
        const other = value();
        this.add({ op: "select", width, index, cases, other }, [index, other, ...cases.map((c) => c.value)]);
        return;
      }
      case 3: {
        const a = this.operand();
        const width = 1 + random.below(this.nodes[a]!.width);
        this.add({ op: "slice", width, a, lo: random.below(this.nodes[a]!.width - width + 1) }, [a]);
        return;
      }
      case 4: {
        const parts = Array.from({ length: 1 + random.below(4) }, () => this.operand());
        const width = parts.reduce((sum, p) => sum + this.nodes[p]!.width, 0);
        if (width <= this.options.maxWidth) this.add({ op: "cat", width, parts }, parts);
        return;
      }
      case 5: {
        const a = this.operand();
        const from = this.nodes[a]!.width;
        this.add(
          { op: "extend", width: from + random.below(this.options.maxWidth - from + 1), signedness, a },
          [a],
        );
        return;
      }
      default:
        this.binary(random.pick(BINARY), signedness);
    }
  }

  private binary(fn: BinaryFn, signedness: "u" | "s"): void {
    const { random } = this;
    const a = this.operand();
    const wa = this.nodes[a]!.width;
    switch (fn) {
      case "mul": {
        const b = this.operand();
        const width = Math.min(this.options.maxWidth, 1 + random.below(wa + this.nodes[b]!.width));
        this.add({ op: "binary", fn, signedness, width, a, b }, [a, b]);
        return;
      }
      case "shl":
      case "shr": {
        // Mostly counts around the width: with wide counts nearly everything is shifted out.
        const b = this.operand(
          random.oneIn(5)
            ? Math.min(this.width(), this.options.defined ? 31 : Infinity)
            : 1 + random.below(Math.ceil(Math.log2(wa + 1)) + 1),
        );
        this.add({ op: "binary", fn, signedness, width: wa, a, b }, [a, b]);
        return;
      }
      default: {
        const b = this.operand(wa);
        const compares = fn === "eq" || fn === "ne" || fn === "lt" || fn === "le";
        this.add({ op: "binary", fn, signedness, width: compares ? 1 : wa, a, b }, [a, b]);
      }
    }
  }

  private register(i: number): NodeId {
    const width = this.width();
    const reset = this.options.defined || this.random.bool() ? { reset: this.random.bits(width) } : {};
    return this.add(
      {
        op: "reg",
        width,
        domain: this.domain(),
        updates: [],
        name: `r${i}`,
        named: true,
        signed: this.random.bool(),
        ...reset,
      },
      [],
    );
  }

  private finishRegister(id: NodeId): void {
    const reg = this.nodes[id] as Reg;
    const updates = Array.from({ length: this.random.below(4) }, (_, i) => ({
      guard:
        i === 0
          ? this.random.bool()
            ? null
            : this.operand(1)
          : this.random.oneIn(8)
            ? null
            : this.operand(1),
      value: this.operand(reg.width),
    }));
    for (const u of updates) for (const o of [u.guard, u.value]) if (o !== null) this.used.add(o);
    this.nodes[id] = { ...reg, updates };
  }

  private memory(): void {
    const { random } = this;
    const mem: MemId = this.memories.length;
    const { defined } = this.options;
    const bits = 1 + random.below(4);
    const depth = defined || random.bool() ? 2 ** bits : 1 + random.below(2 ** bits);
    const width = this.width();
    const contents = random.oneIn(3)
      ? { contents: Array.from({ length: random.below(depth + 1) }, () => random.bits(width)) }
      : {};
    this.memories.push({
      name: `mem${mem}`,
      width,
      depth,
      readDuringWrite: random.pick(
        defined ? (["old", "new"] as const) : (["old", "new", "undefined"] as const),
      ),
      ...contents,
      ...(defined || random.bool() ? { zero: true } : {}),
      style: "auto",
      writes: [],
    });
    for (let i = 1 + random.below(2); i > 0; i--) {
      const addr = this.address(bits);
      const registered = random.bool();
      let enable: NodeId | null = registered && random.bool() ? this.operand(1) : null;
      if (enable !== null && defined) {
        enable = this.add({ op: "binary", fn: "or", signedness: "u", width: 1, a: enable, b: this.init }, [
          enable,
          this.init,
        ]);
      }
      // Depends on wires through the address only when it is combinational.
      this.add(
        { op: "memRead", width, mem, addr, domain: registered ? this.domain() : null, enable },
        registered ? [] : [addr],
      );
      if (registered) for (const o of [addr, enable]) if (o !== null) this.used.add(o);
    }
  }

  private address(bits: number): NodeId {
    if (this.options.defined) return this.operand(this.random.bool() ? bits : 1 + this.random.below(bits));
    return this.operand(this.random.oneIn(4) ? this.width() : bits);
  }

  private finishMemory(mem: MemId, memory: Memory): void {
    const { random } = this;
    const bits = Math.max(1, Math.ceil(Math.log2(memory.depth)));
    const granules = [1, 2, 4, 8, 16, memory.width].filter(
      (g) => memory.width % g === 0 && memory.width / g <= this.options.maxWidth,
    );
    const writes = Array.from({ length: random.below(this.options.defined ? 2 : 3) }, (): MemWrite => {
      const granule = random.bool() ? memory.width : random.pick(granules);
      const masked = granule < memory.width || random.oneIn(4);
      let enable = this.operand(1);
      if (this.options.defined) {
        const ready = this.add({ op: "unary", fn: "not", width: 1, a: this.init }, [this.init]);
        enable = this.add({ op: "binary", fn: "and", signedness: "u", width: 1, a: enable, b: ready }, [
          enable,
          ready,
        ]);
      }
      return {
        domain: this.domain(),
        addr: this.address(bits),
        data: this.operand(memory.width),
        enable,
        mask: masked ? this.operand(memory.width / granule) : null,
        granule,
      };
    });
    this.memories[mem] = { ...memory, writes };
  }

  private instance(module: Module): void {
    const inst = this.instances.length;
    const inputs: Record<string, NodeId> = {};
    for (const p of module.inputs) {
      if (this.clockPorts().includes(p.name)) continue;
      inputs[p.name] = p.name === "init" ? this.init : this.operand(p.width);
    }
    this.instances.push({
      name: `u${inst}`,
      module: module.name,
      inputs,
      domains: this.options.twoClocks ? { clk: this.domain(), aux: this.domain() } : { clk: 0 },
    });
    for (const p of module.outputs)
      this.add({ op: "instOut", width: p.width, inst, port: p.name }, Object.values(inputs));
  }

  private drive(index: number, id: NodeId): void {
    const wire = this.nodes[id]!;
    if (wire.op !== "wire") return;
    const driver = this.operand(wire.width, (o) => [...this.wiresOf[o]!].every((w) => w > index));
    this.nodes[id] = { ...wire, driver };
  }

  /** What nobody uses, and a few more. */
  private outputs(): OutPort[] {
    const values = this.nodes.flatMap((_, id) => (!this.used.has(id) || this.random.oneIn(12) ? [id] : []));
    return values.slice(-12).map((value, i) => ({
      name: `out${i}`,
      width: this.nodes[value]!.width,
      signed: this.random.bool(),
      value,
    }));
  }
}
