/** The netlist IR written by hand, node by node, for tests and measurements of this room: no checks, no sugar. */
import type {
  BinaryFn,
  Check,
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

export class Sketch {
  private readonly nodes: Node[] = [];
  private readonly inputs: Port[] = [];
  private readonly outputs: OutPort[] = [];
  private readonly memories: Memory[] = [];
  private readonly instances: Instance[] = [];
  private readonly checks: Check[] = [];

  constructor(readonly name: string) {}

  private add(node: Node): NodeId {
    this.nodes.push(node);
    return this.nodes.length - 1;
  }

  width(id: NodeId): number {
    return this.nodes[id]!.width;
  }

  input(port: string, width: number, signed = false): NodeId {
    this.inputs.push({ name: port, width, signed });
    return this.add({ op: "input", width, port });
  }

  output(name: string, value: NodeId, signed = false): void {
    this.outputs.push({ name, width: this.width(value), signed, value });
  }

  constant(width: number, value: bigint | number): NodeId {
    return this.add({ op: "const", width, value: BigInt.asUintN(width, BigInt(value)) });
  }

  unary(fn: UnaryFn, a: NodeId): NodeId {
    return this.add({ op: "unary", fn, width: fn === "not" || fn === "neg" ? this.width(a) : 1, a });
  }

  binary(fn: BinaryFn, a: NodeId, b: NodeId, signedness: "u" | "s" = "u", width?: number): NodeId {
    const one = fn === "eq" || fn === "ne" || fn === "lt" || fn === "le";
    return this.add({ op: "binary", fn, signedness, width: width ?? (one ? 1 : this.width(a)), a, b });
  }

  mux(sel: NodeId, t: NodeId, f: NodeId): NodeId {
    return this.add({ op: "mux", width: this.width(t), sel, t, f });
  }

  slice(a: NodeId, lo: number, width: number): NodeId {
    return this.add({ op: "slice", width, a, lo });
  }

  cat(...parts: NodeId[]): NodeId {
    return this.add({ op: "cat", width: parts.reduce((sum, p) => sum + this.width(p), 0), parts });
  }

  extend(a: NodeId, width: number, signedness: "u" | "s"): NodeId {
    return width === this.width(a) ? a : this.add({ op: "extend", width, signedness, a });
  }

  /** The same value under a name that can be peeked. */
  named(name: string, driver: NodeId, signed = false): NodeId {
    return this.add({ op: "wire", width: this.width(driver), driver, name, named: true, signed });
  }

  reg(
    name: string,
    width: number,
    options: { reset?: bigint | number; signed?: boolean; domain?: number } = {},
  ): NodeId {
    const { reset, signed = false, domain = 0 } = options;
    return this.add({
      op: "reg",
      width,
      domain,
      updates: [],
      name,
      named: true,
      signed,
      ...(reset === undefined ? {} : { reset: BigInt.asUintN(width, BigInt(reset)) }),
    });
  }

  set(reg: NodeId, value: NodeId, guard: NodeId | null = null): void {
    const node = this.nodes[reg] as Reg;
    this.nodes[reg] = { ...node, updates: [...node.updates, { guard, value }] };
  }

  /** A register that takes the value at every edge. */
  delayed(name: string, value: NodeId): NodeId {
    const reg = this.reg(name, this.width(value));
    this.set(reg, value);
    return reg;
  }

  memory(name: string, width: number, depth: number, options: Partial<Memory> = {}): MemId {
    this.memories.push({ name, width, depth, readDuringWrite: "old", style: "auto", writes: [], ...options });
    return this.memories.length - 1;
  }

  read(mem: MemId, addr: NodeId, options: { enable?: NodeId; async?: boolean; name?: string } = {}): NodeId {
    const { enable = null, async = false, name } = options;
    return this.add({
      op: "memRead",
      width: this.memories[mem]!.width,
      mem,
      addr,
      domain: async ? null : 0,
      enable,
      ...(name === undefined ? {} : { name, named: true }),
    });
  }

  write(
    mem: MemId,
    addr: NodeId,
    data: NodeId,
    enable: NodeId,
    mask: NodeId | null = null,
    granule = this.memories[mem]!.width,
  ): void {
    const m = this.memories[mem]!;
    const write: MemWrite = { domain: 0, addr, data, enable, mask, granule };
    this.memories[mem] = { ...m, writes: [...m.writes, write] };
  }

  /** Gives the value of one output port at a time. */
  instance(
    name: string,
    module: string,
    inputs: Record<string, NodeId>,
    ports: Record<string, number>,
  ): Record<string, NodeId> {
    const inst = this.instances.length;
    this.instances.push({ name, module, inputs, domains: { clk: 0 } });
    return Object.fromEntries(
      Object.entries(ports).map(([port, width]) => [port, this.add({ op: "instOut", width, inst, port })]),
    );
  }

  assert(name: string, condition: NodeId, message: string, enable: NodeId | null = null): void {
    this.checks.push({ kind: "assert", name, domain: 0, enable, condition, message });
  }

  module(domains: readonly string[] = ["clk"]): Module {
    const clocks = domains.flatMap((name, i) => (i === 0 ? [name, "rst"] : [name]));
    return {
      name: this.name,
      inputs: [...clocks.map((name) => ({ name, width: 1, signed: false })), ...this.inputs],
      outputs: this.outputs,
      nodes: this.nodes,
      memories: this.memories,
      instances: this.instances,
      checks: this.checks,
      domains: domains.map((name, i) => ({ name, clock: name, reset: i === 0 ? "rst" : null })),
    };
  }

  design(...children: Module[]): Design {
    return {
      top: this.name,
      modules: new Map([...children, this.module()].map((m) => [m.name, m])),
      blackboxes: new Map(),
    };
  }
}
