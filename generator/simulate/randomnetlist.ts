/** A random module while it grows: nodes of every width, made so that no combinational loop can close. */
import type { Instance, Memory, Node, NodeId, Port } from "../hdl/ir.js";
import type { Prng } from "./prng.js";

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

/** Widths where engines and tools change representation. */
const EDGES = [8, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129];

export class Netlist {
  readonly nodes: Node[] = [];
  /** Wires a node depends on within the cycle: wire i may only be driven by what depends on later wires. */
  private readonly wiresOf: ReadonlySet<number>[] = [];
  private readonly wires: NodeId[] = [];
  readonly inputs: Port[] = [];
  readonly memories: Memory[] = [];
  readonly instances: Instance[] = [];
  readonly used = new Set<NodeId>();
  /** Of a `defined` module. */
  init: NodeId = -1;

  constructor(
    readonly random: Prng,
    readonly options: RandomOptions,
  ) {}

  widthOf(id: NodeId): number {
    return this.node(id).width;
  }
  node(id: NodeId): Node {
    const node = this.nodes[id];
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }
  private wiresBehind(id: NodeId): ReadonlySet<number> {
    return this.wiresOf[id] ?? new Set();
  }

  clockPorts(): string[] {
    return this.options.twoClocks ? ["clk", "rst", "aux", "aux_rst"] : ["clk", "rst"];
  }

  domain(): number {
    return this.options.twoClocks && this.random.bool() ? 1 : 0;
  }

  width(): number {
    const { random } = this;
    const limit = this.options.maxWidth;
    const drawn = random.oneIn(4)
      ? 1
      : random.oneIn(3)
        ? random.pick(EDGES)
        : random.oneIn(3)
          ? 1 + random.below(limit)
          : 1 + random.below(Math.min(limit, 24));
    return Math.min(drawn, limit);
  }

  add(node: Node, operands: readonly NodeId[]): NodeId {
    const named = this.random.oneIn(5) && node.op !== "input" && node.op !== "const";
    this.nodes.push(named ? { ...node, name: node.name ?? `n${this.nodes.length}`, named: true } : node);
    const wires = new Set<number>();
    for (const o of operands) {
      this.used.add(o);
      for (const w of this.wiresBehind(o)) wires.add(w);
    }
    this.wiresOf.push(wires);
    return this.nodes.length - 1;
  }

  input(port: string, width: number): NodeId {
    this.inputs.push({ name: port, width, signed: this.random.bool() });
    return this.add({ op: "input", width, port }, []);
  }

  constant(width: number): NodeId {
    const { random } = this;
    const ones = (1n << BigInt(width)) - 1n;
    const value = random.oneIn(3)
      ? random.pick([0n, 1n, ones, ones >> 1n, (ones >> 1n) + 1n])
      : random.bits(width);
    return this.add({ op: "const", width, value: value & ones }, []);
  }

  /** A node of this width, made from another if need be. */
  operand(width = this.width(), allowed: (id: NodeId) => boolean = () => true): NodeId {
    const { random } = this;
    if (random.oneIn(10)) return this.constant(width);
    const fitting = this.nodes.flatMap((n, id) => (n.width === width && allowed(id) ? [id] : []));
    if (fitting.length > 0 && !random.oneIn(6))
      return random.pick(random.bool() ? fitting : fitting.slice(-3));
    const candidates = this.nodes.flatMap((_, id) => (allowed(id) ? [id] : []));
    const a = random.pick(candidates);
    const from = this.widthOf(a);
    if (from > width) return this.add({ op: "slice", width, a, lo: random.below(from - width + 1) }, [a]);
    if (from === width) return a;
    if (random.bool())
      return this.add({ op: "extend", width, signedness: random.bool() ? "u" : "s", a }, [a]);
    const rest = this.operand(width - from, allowed);
    return this.add({ op: "cat", width, parts: random.bool() ? [a, rest] : [rest, a] }, [a, rest]);
  }

  /** A wire that `driveWires` drives at the end. */
  wire(): void {
    const id = this.nodes.length;
    const node: Node = { op: "wire", width: this.width(), driver: null };
    this.wires.push(id);
    this.add(node, []);
    this.wiresOf[id] = new Set([this.wires.length - 1]);
  }

  driveWires(): void {
    for (const [i, id] of this.wires.entries()) {
      const wire = this.node(id);
      if (wire.op !== "wire") continue;
      const driver = this.operand(wire.width, (o) => [...this.wiresBehind(o)].every((w) => w > i));
      this.nodes[id] = { ...wire, driver };
    }
  }
}
