/**
 * The invariants of the netlist (head of `ir.ts`). A violation is a bug of the core, of a pass or of whoever wrote the
 * IR by hand, never of somebody who describes hardware: so one plain Error, with every violation found.
 */
import type { Design, Instance, Memory, Module, Node, NodeId, Port } from "../ir.js";
import { eachOperand } from "../operands.js";

/** Ports and clocks of what an instance may name. */
interface Interface {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly domains: Module["domains"];
}
export type Interfaces = ReadonlyMap<string, Interface>;

/** Port and module names appear in Verilog as they are; every other name is made legal later. */
const identifier = /^[A-Za-z_][A-Za-z0-9_$]*$/;

class Violations {
  readonly found: string[] = [];
  constructor(readonly module: Module) {}

  say(where: string, what: string): void {
    this.found.push(`${this.module.name}: ${where}: ${what}`);
  }
  must(holds: boolean, where: string, what: () => string): void {
    if (!holds) this.say(where, what());
  }
  /** True when the id names a node; said otherwise. */
  names(id: NodeId, where: string, what: string): boolean {
    const there = Number.isInteger(id) && id >= 0 && id < this.module.nodes.length;
    this.must(there, where, () => `${what} is node ${id}, of ${this.module.nodes.length} nodes`);
    return there;
  }
  /** The id names a node of this width. */
  wide(id: NodeId, width: number, where: string, what: string): void {
    if (!this.names(id, where, what)) return;
    const has = this.module.nodes[id]!.width;
    this.must(has === width, where, () => `${what} has ${has} bits instead of ${width}`);
  }
  value(bits: bigint, width: number, where: string, what: string): void {
    this.must(
      bits >= 0n && bits >> BigInt(width) === 0n,
      where,
      () => `${what} ${bits} has not ${width} bits`,
    );
  }
  domain(id: number, where: string): void {
    const { length } = this.module.domains;
    this.must(id in this.module.domains, where, () => `domain ${id}, of ${length} domains`);
  }
  distinct(names: readonly string[], where: string): void {
    const seen = new Set<string>();
    for (const name of names) {
      this.must(!seen.has(name), where, () => `'${name}' exists twice`);
      seen.add(name);
    }
  }
}

/** Throws when a module breaks an invariant; `known` are the modules and black boxes that it may instantiate. */
export function checkIr(module: Module, known: Interfaces): void {
  const { found } = violations(module, known);
  if (found.length > 0) throw new Error(`the netlist is broken:\n  ${found.join("\n  ")}`);
}

/** All modules of a design, each of which may instantiate those before it. */
export function checkDesign(design: Design): void {
  const known = new Map<string, Interface>(design.blackboxes);
  const found: string[] = [];
  for (const [key, module] of design.modules) {
    if (key !== module.name) found.push(`module '${module.name}' is filed under '${key}'`);
    found.push(...violations(module, known).found);
    known.set(key, module);
  }
  if (!design.modules.has(design.top)) found.push(`the top module '${design.top}' is missing`);
  if (found.length > 0) throw new Error(`the netlist is broken:\n  ${found.join("\n  ")}`);
}

function violations(module: Module, known: Interfaces): Violations {
  const v = new Violations(module);
  checkInterface(module, v);
  for (const [id, node] of module.nodes.entries())
    checkNode(
      node,
      `node ${id} (${node.op}${node.name === undefined ? "" : ` '${node.name}'`})`,
      module,
      known,
      v,
    );
  v.distinct(
    module.memories.map((m) => m.name),
    "memories",
  );
  for (const memory of module.memories) checkMemory(memory, v);
  v.distinct(
    module.instances.map((i) => i.name),
    "instances",
  );
  for (const instance of module.instances) checkInstance(instance, known.get(instance.module), v);
  for (const c of module.checks) {
    const where = `check '${c.name}'`;
    v.domain(c.domain, where);
    v.wide(c.condition, 1, where, "condition");
    if (c.enable !== null) v.wide(c.enable, 1, where, "enable");
  }
  return v;
}

function checkInterface(module: Module, v: Violations): void {
  const ports = [...module.inputs, ...module.outputs];
  v.must(identifier.test(module.name), "module", () => `'${module.name}' is no name in Verilog`);
  for (const p of ports) {
    v.must(identifier.test(p.name), `port '${p.name}'`, () => "no name in Verilog");
    v.must(Number.isInteger(p.width) && p.width >= 1, `port '${p.name}'`, () => `${p.width} bits`);
  }
  v.distinct(
    ports.map((p) => p.name),
    "ports",
  );
  for (const o of module.outputs) v.wide(o.value, o.width, `output '${o.name}'`, "value");
  v.distinct(
    module.domains.map((d) => d.name),
    "domains",
  );
  for (const d of module.domains)
    for (const name of d.reset === null ? [d.clock] : [d.clock, d.reset]) {
      const there = module.inputs.some((p) => p.name === name && p.width === 1);
      v.must(there, `domain '${d.name}'`, () => `no input '${name}' of one bit`);
    }
}

function checkNode(node: Node, where: string, module: Module, known: Interfaces, v: Violations): void {
  v.must(Number.isInteger(node.width) && node.width >= 1, where, () => `${node.width} bits`);
  let whole = true;
  eachOperand(node, (id) => {
    whole = v.names(id, where, "operand") && whole;
  });
  // Widths of operands that do not exist cannot be looked at.
  if (!whole) return;
  const width = (id: NodeId): number => module.nodes[id]!.width;
  const wide = (id: NodeId, bits: number, what: string): void => v.wide(id, bits, where, what);
  switch (node.op) {
    case "const":
      return v.value(node.value, node.width, where, "value");
    case "input": {
      const port = module.inputs.find((p) => p.name === node.port);
      return v.must(
        port?.width === node.width,
        where,
        () => `no input port '${node.port}' of ${node.width} bits`,
      );
    }
    case "wire":
      return node.driver === null ? v.say(where, "no driver") : wide(node.driver, node.width, "driver");
    case "unary": {
      const reduces = node.fn === "andr" || node.fn === "orr" || node.fn === "xorr";
      return v.must(
        node.width === (reduces ? 1 : width(node.a)),
        where,
        () => `${node.fn} of ${node.width} bits`,
      );
    }
    case "binary":
      return checkBinary(node.fn, node.width, width(node.a), width(node.b), where, v);
    case "mux":
      wide(node.sel, 1, "sel");
      wide(node.t, node.width, "t");
      return wide(node.f, node.width, "f");
    case "select":
      for (const { match, value } of node.cases) {
        v.value(match, width(node.index), where, "case");
        wide(value, node.width, `value of case ${match}`);
      }
      v.distinct(
        node.cases.map((c) => `case ${c.match}`),
        where,
      );
      return wide(node.other, node.width, "other");
    case "slice":
      return v.must(
        node.lo >= 0 && node.lo + node.width <= width(node.a),
        where,
        () => `bits ${node.lo + node.width - 1}..${node.lo} of ${width(node.a)}`,
      );
    case "cat": {
      const sum = node.parts.reduce((n, p) => n + width(p), 0);
      return v.must(sum === node.width, where, () => `parts have ${sum} bits instead of ${node.width}`);
    }
    case "extend":
      return v.must(width(node.a) <= node.width, where, () => `from ${width(node.a)} to ${node.width} bits`);
    case "reg":
      v.domain(node.domain, where);
      if (node.reset !== undefined) v.value(node.reset, node.width, where, "reset value");
      if (node.crossing !== undefined) {
        const bare = node.updates.length === 1 && node.updates[0]!.guard === null && node.asyncReg === true;
        v.must(bare, where, () => "a crossing takes one value at every edge, into an asyncReg");
      }
      for (const { guard, value } of node.updates) {
        if (guard !== null) wide(guard, 1, "guard");
        wide(value, node.width, "value");
      }
      return;
    case "memRead": {
      const memory = module.memories[node.mem];
      v.must(memory?.width === node.width, where, () => `no memory ${node.mem} of ${node.width} bits`);
      if (node.domain !== null) v.domain(node.domain, where);
      if (node.enable !== null) wide(node.enable, 1, "enable");
      return v.must(node.domain !== null || node.enable === null, where, () => "enable without a clock");
    }
    case "instOut": {
      const instance = module.instances[node.inst];
      const port = known.get(instance?.module ?? "")?.outputs.find((p) => p.name === node.port);
      return v.must(
        port?.width === node.width,
        where,
        () => `no output '${node.port}' of ${node.width} bits at instance ${node.inst}`,
      );
    }
  }
}

function checkBinary(
  fn: (Node & { op: "binary" })["fn"],
  width: number,
  a: number,
  b: number,
  where: string,
  v: Violations,
): void {
  const text = (): string => `${fn} of ${a} and ${b} bits gives ${width}`;
  switch (fn) {
    case "add":
    case "sub":
    case "and":
    case "or":
    case "xor":
      return v.must(a === b && width === a, where, text);
    case "mul":
      return v.must(width <= a + b, where, text);
    case "eq":
    case "ne":
    case "lt":
    case "le":
      return v.must(a === b && width === 1, where, text);
    case "shl":
    case "shr":
      return v.must(width === a, where, text);
  }
}

function checkMemory(memory: Memory, v: Violations): void {
  const where = `memory '${memory.name}'`;
  const { width, depth, contents = [] } = memory;
  v.must(width >= 1 && depth >= 1, where, () => `${depth} words of ${width} bits`);
  v.must(contents.length <= depth, where, () => `${contents.length} words for ${depth} places`);
  for (const word of contents) v.value(word, width, where, "word");
  for (const [i, w] of memory.writes.entries()) {
    const port = `${where}, write ${i}`;
    v.domain(w.domain, port);
    v.names(w.addr, port, "addr");
    v.wide(w.data, width, port, "data");
    v.wide(w.enable, 1, port, "enable");
    const parts = width / w.granule;
    v.must(Number.isInteger(parts), port, () => `granule ${w.granule} in words of ${width} bits`);
    if (w.mask !== null) v.wide(w.mask, parts, port, "mask");
    else v.must(parts === 1, port, () => `granule ${w.granule} without a mask`);
  }
}

function checkInstance(instance: Instance, child: Interface | undefined, v: Violations): void {
  const where = `instance '${instance.name}'`;
  if (child === undefined) return v.say(where, `no module '${instance.module}' before this one`);
  const clocks = new Set(child.domains.flatMap((d) => (d.reset === null ? [d.clock] : [d.clock, d.reset])));
  const ports = child.inputs.filter((p) => !clocks.has(p.name));
  for (const p of ports) {
    const id = instance.inputs[p.name];
    if (id === undefined) v.say(where, `input '${p.name}' is open`);
    else v.wide(id, p.width, where, `input '${p.name}'`);
  }
  for (const name of Object.keys(instance.inputs))
    v.must(
      ports.some((p) => p.name === name),
      where,
      () => `'${instance.module}' has no input '${name}'`,
    );
  for (const d of child.domains) v.domain(instance.domains[d.name] ?? -1, `${where}, domain '${d.name}'`);
}
