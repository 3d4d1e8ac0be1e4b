/**
 * That values of different clock domains meet only in a synchroniser (`crossing`) or in a memory with two clocks. State
 * belongs to its domain, constants and resets to none; an input belongs to the domain in which it is used, so a module says
 * of its ports which of them share a clock, and instances pass that on.
 */
import type { Diagnostic, Note } from "../errors.js";
import type { BlackBox, DomainId, Instance, Loc, Memory, Module, NodeId } from "../ir.js";
import { combOrder, eachOperand, isState } from "../operands.js";
import { checkCrossing } from "./checkCrossing.js";
import { Classes, type PortClock, type PortClocks } from "./clockClasses.js";
import { title } from "./title.js";

/** Whose clock a value follows: a domain's, through the state `from`, or that of the port `from`, still to be found out. */
type Value =
  | { readonly domain: DomainId; readonly from: NodeId }
  | { readonly port: number; readonly from: NodeId }
  | null;

/** Clocks of a black box: all ports follow its clock; without one they are logic. */
export const blackBoxClocks = (box: BlackBox): PortClocks => {
  const domain = box.domains[0]?.name ?? null;
  return new Map([...box.inputs, ...box.outputs].map((p) => [p.name, { group: "all", domain }]));
};

/** `known` holds the clocks of what the module instantiates. Returns this module's own, and what is wrong in it. */
export const checkDomains = (
  module: Module,
  known: ReadonlyMap<string, PortClocks>,
): { readonly clocks: PortClocks; readonly errors: readonly Diagnostic[] } => {
  const values = new Values(module, known);
  return { clocks: values.summary(), errors: values.check() };
};

/** Something that takes a value in a domain of its own. */
interface Sink {
  readonly id: NodeId;
  readonly domain: DomainId;
  /** Such as "register 'q'" and "takes". */
  readonly who: string;
  readonly loc: Loc | undefined;
}

class Values {
  private readonly classes = new Classes();
  private readonly values: Value[] = [];
  /** Class of each group of an instance's ports. */
  private readonly groups = new Map<string, number>();

  constructor(
    private readonly module: Module,
    private readonly known: ReadonlyMap<string, PortClocks>,
  ) {
    for (const id of combOrder(module.nodes)) this.values[id] = this.evaluate(id);
    for (const { id, domain, who, loc } of this.sinks()) {
      const value = this.values[id] ?? null;
      if (value !== null && "port" in value)
        this.classes.bind(value.port, domain, { text: `${who} takes it`, loc });
    }
    for (const [at, instance] of module.instances.entries())
      for (const [port, id] of Object.entries(instance.inputs)) this.connect(instance, at, port, id);
  }

  private domainText(domain: DomainId): string {
    const { name } = this.module.domains[domain]!;
    return name === "" ? "the default domain" : `domain '${name}'`;
  }

  private resolve(value: Value): DomainId | null {
    if (value === null) return null;
    return "domain" in value ? value.domain : this.classes.domain(value.port);
  }

  private evaluate(id: NodeId): Value {
    const node = this.module.nodes[id]!;
    switch (node.op) {
      case "const":
        return null;
      case "input": {
        const { domains } = this.module;
        const clock = domains.some((d) => d.clock === node.port || d.reset === node.port);
        return clock ? null : { port: this.classes.make(), from: id };
      }
      case "reg":
        return { domain: node.domain, from: id };
      case "instOut": {
        const group = this.group(this.module.instances[node.inst]!, node.inst, node.port);
        return group === null ? null : { port: group, from: id };
      }
      case "memRead":
        return node.domain === null ? this.combine(id) : { domain: node.domain, from: id };
      case "wire":
      case "unary":
      case "binary":
      case "mux":
      case "select":
      case "slice":
      case "cat":
      case "extend":
        return this.combine(id);
    }
  }

  /** The values that meet in a combinational node. A memory read without a clock changes when the memory is written. */
  private meeting(id: NodeId): Exclude<Value, null>[] {
    const node = this.module.nodes[id]!;
    const met: Exclude<Value, null>[] = [];
    eachOperand(node, (operand) => {
      const value = this.values[operand] ?? null;
      if (value !== null) met.push(value);
    });
    if (node.op === "memRead")
      for (const { domain } of this.module.memories[node.mem]!.writes) met.push({ domain, from: id });
    return met;
  }

  private combine(id: NodeId): Value {
    const met = this.meeting(id);
    const first = met.find((value) => this.resolve(value) !== null) ?? met[0] ?? null;
    if (first === null) return null;
    for (const value of met) this.follow(value, first, id);
    return first;
  }

  /** A port that meets a value has its clock. */
  private follow(value: Value, other: Value, where: NodeId): void {
    if (value === null || other === null || !("port" in value)) return;
    if ("port" in other) this.classes.join(value.port, other.port);
    else {
      const node = this.module.nodes[where]!;
      const text = `${title(node)} combines it with ${title(this.module.nodes[other.from]!)}`;
      this.classes.bind(value.port, other.domain, { text, loc: node.loc });
    }
  }

  /** The class of an instance's port, null when it goes with every clock. */
  private group(instance: Instance, at: number, port: string): number | null {
    const clock = this.known.get(instance.module)?.get(port);
    if (clock === undefined) return null;
    const key = `${at} ${clock.group}`;
    const made = this.groups.get(key);
    if (made !== undefined) return made;
    const domain = clock.domain === null ? null : (instance.domains[clock.domain] ?? null);
    const group = this.classes.make(domain);
    this.groups.set(key, group);
    return group;
  }

  private connect(instance: Instance, at: number, port: string, id: NodeId): void {
    const group = this.group(instance, at, port);
    const value = this.values[id] ?? null;
    if (group === null || value === null) return;
    const text = `input '${port}' of instance '${instance.name}'`;
    if ("domain" in value) {
      const given = title(this.module.nodes[value.from]!);
      this.classes.bind(group, value.domain, { text: `${text} is ${given}`, loc: instance.loc });
      return;
    }
    const domain = this.classes.domain(group);
    if (domain === null) this.classes.join(value.port, group);
    else this.classes.bind(value.port, domain, { text: `${text} takes it`, loc: instance.loc });
  }

  /** Everything but instances that takes values at a clock; synchronisers take what comes. */
  private sinks(): Sink[] {
    const { nodes, memories, checks } = this.module;
    const out: Sink[] = [];
    for (const node of nodes) {
      if ((node.op !== "reg" && node.op !== "memRead") || node.domain === null) continue;
      if (node.op === "reg" && node.crossing !== undefined) continue;
      const { domain, loc } = node;
      const who =
        node.op === "memRead"
          ? `a read of memory '${memories[node.mem]!.name}'`
          : `register ${node.name === undefined ? "without a name" : `'${node.name}'`}`;
      eachOperand(node, (id) => out.push({ id, domain, who, loc }));
    }
    for (const { name, writes } of memories)
      for (const { domain, loc, addr, data, enable, mask } of writes)
        for (const id of [addr, data, enable, mask])
          if (id !== null) out.push({ id, domain, who: `a write of memory '${name}'`, loc });
    for (const { kind, name, domain, condition, enable, loc } of checks)
      for (const id of [condition, enable])
        if (id !== null) out.push({ id, domain, who: `${kind} '${name}'`, loc });
    return out;
  }

  /** Where a value comes from, in words. */
  private origin(value: Exclude<Value, null>): Note {
    const node = this.module.nodes[value.from]!;
    const domain = this.resolve(value);
    const is = `is of ${domain === null ? "no domain" : this.domainText(domain)}`;
    if ("domain" in value) {
      const text =
        node.op === "memRead"
          ? `memory '${this.module.memories[node.mem]!.name}'`
          : `register ${title(node)}`;
      return { message: `${text} ${is}`, loc: node.loc };
    }
    const reason = this.classes.reason(value.port);
    const why = reason === undefined ? "" : `: ${reason.text}`;
    const loc = reason === undefined ? node.loc : reason.loc;
    if (node.op !== "instOut") return { message: `input ${title(node)} ${is}${why}`, loc };
    const instance = this.module.instances[node.inst]!;
    return {
      message: `output '${node.port}' of instance '${instance.name}' ${is}${why}`,
      loc: loc ?? instance.loc,
    };
  }

  private hint(domain: DomainId): string {
    return `bring it over with crossing(value, "${this.module.domains[domain]!.name}") or an asynchronous FIFO`;
  }

  check(): Diagnostic[] {
    const { nodes, instances, memories, name } = this.module;
    const errors: Diagnostic[] = [];
    /** Said already, or said where the value is made. */
    const mixed = new Set<NodeId>();
    for (const id of combOrder(nodes)) {
      const node = nodes[id]!;
      if (isState(node)) continue;
      let follows = false;
      eachOperand(node, (operand) => {
        follows ||= mixed.has(operand);
      });
      const clash = this.clash(id);
      if (clash !== null || follows) mixed.add(id);
      if (clash === null || follows) continue;
      const domains = clash.map((value) => this.domainText(this.resolve(value)!));
      errors.push({
        message: `${title(node)} in module '${name}' combines values of ${domains.join(" and ")}; bring one over with crossing(value, domain)`,
        loc: node.loc,
        notes: clash.map((value) => this.origin(value)),
      });
    }
    const taken = new Set<string>();
    for (const { id, domain, who, loc } of this.sinks()) {
      const value = this.values[id] ?? null;
      const has = this.resolve(value);
      const key = `${who} ${has}`;
      if (value === null || has === null || has === domain || mixed.has(id) || taken.has(key)) continue;
      taken.add(key);
      errors.push({
        message: `${who} of ${this.domainText(domain)} in module '${name}' takes a value of ${this.domainText(has)}; ${this.hint(domain)}`,
        loc,
        notes: [this.origin(value)],
      });
    }
    for (const [at, instance] of instances.entries())
      for (const [port, id] of Object.entries(instance.inputs))
        if (!mixed.has(id)) errors.push(...this.checkInput(instance, at, port, id));
    for (const memory of memories.entries()) errors.push(...this.checkMemory(...memory));
    for (const node of nodes) if (node.op === "reg") errors.push(...checkCrossing(node, this.module));
    return errors;
  }

  /** Two values of different domains that meet in a node. */
  private clash(id: NodeId): readonly Exclude<Value, null>[] | null {
    const met = this.meeting(id).filter((value) => this.resolve(value) !== null);
    const other = met.find((value) => this.resolve(value) !== this.resolve(met[0]!));
    return other === undefined ? null : [met[0]!, other];
  }

  private checkInput(instance: Instance, at: number, port: string, id: NodeId): Diagnostic[] {
    const group = this.group(instance, at, port);
    const wanted = group === null ? null : this.classes.domain(group);
    const value = this.values[id] ?? null;
    const has = this.resolve(value);
    if (group === null || wanted === null || value === null || has === null || has === wanted) return [];
    const inside = this.known.get(instance.module)?.get(port)?.reason;
    const outside = this.classes.reason(group);
    const notes: Note[] = [this.origin(value)];
    if (inside !== undefined)
      notes.push({ message: `in '${instance.module}': ${inside.text}`, loc: inside.loc });
    else if (outside !== undefined)
      notes.push({ message: `it shares its clock: ${outside.text}`, loc: outside.loc });
    return [
      {
        message: `input '${port}' of instance '${instance.name}' in module '${this.module.name}' is of ${this.domainText(wanted)}, its value of ${this.domainText(has)}; ${this.hint(wanted)}`,
        loc: instance.loc,
        notes,
      },
    ];
  }

  /** Between two clocks nobody can say which came first. */
  private checkMemory(id: number, { name, writes, readDuringWrite, loc }: Memory): Diagnostic[] {
    const domains = new Set(writes.map((w) => w.domain));
    for (const n of this.module.nodes)
      if (n.op === "memRead" && n.mem === id && n.domain !== null) domains.add(n.domain);
    if (domains.size < 2 || writes.length === 0 || readDuringWrite === "undefined") return [];
    const text = [...domains].map((d) => this.domainText(d)).join(" and ");
    const message = `memory '${name}' of module '${this.module.name}' has ports of ${text}; between clocks no read sees a write of the same moment as "${readDuringWrite}": declare readDuringWrite: "undefined"`;
    return [{ message, loc, notes: [] }];
  }

  /** Clocks of this module's ports, for the modules above. */
  summary(): PortClocks {
    const { nodes, outputs, domains } = this.module;
    const clocks = new Map<string, PortClock>();
    const put = (port: string, value: Value): void => {
      if (value === null) return;
      const domain = this.resolve(value);
      if (domain !== null)
        clocks.set(port, {
          group: `domain ${domain}`,
          domain: domains[domain]!.name,
          ...("port" in value ? { reason: this.classes.reason(value.port) } : {}),
        });
      else if ("port" in value)
        clocks.set(port, { group: `port ${this.classes.root(value.port)}`, domain: null });
    };
    for (const [id, node] of nodes.entries())
      if (node.op === "input") put(node.port, this.values[id] ?? null);
    for (const { name, value } of outputs) put(name, this.values[value] ?? null);
    return clocks;
  }
}
