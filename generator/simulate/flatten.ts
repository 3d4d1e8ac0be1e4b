/**
 * Design -> FlatGraph: hierarchy is dissolved, wires and ports become the node behind them, black boxes keep their
 * models, and combinational nodes are put in order of dependence. A combinational loop is an error with its path.
 */
import {
  type Design,
  type Instance,
  isBody,
  type Loc,
  type Module,
  type Node,
  type NodeId,
} from "../hdl/ir.js";
import type {
  FlatBlackBox,
  FlatCheck,
  FlatDomain,
  FlatGraph,
  FlatId,
  FlatMemory,
  FlatMemoryRead,
  FlatNode,
  FlatPort,
  FlatRegister,
  FlatSignal,
} from "./graph.js";
import { sortGraph } from "./order.js";

/** One module in its place in the hierarchy. */
interface Scope {
  readonly module: Module;
  /** "" for the top, else the instance path with a closing dot. */
  readonly path: string;
  readonly parent: Scope | null;
  readonly instance: Instance | null;
  /** Flat id of each node; -1 until known, which for wires and ports means: follow the alias. */
  readonly ids: Int32Array;
  /** The top's index for each of the module's domains. */
  readonly domains: readonly number[];
  readonly children: (Scope | null)[];
  memBase: number;
}

const outputNodes = new WeakMap<Module, Map<string, NodeId>>();
function outputNode(module: Module, port: string): NodeId {
  let map = outputNodes.get(module);
  if (map === undefined) {
    map = new Map(module.outputs.map((o) => [o.name, o.value]));
    outputNodes.set(module, map);
  }
  const node = map.get(port);
  if (node === undefined) throw new Error(`module ${module.name} has no output ${port}`);
  return node;
}

export function flatten(design: Design): FlatGraph {
  const top = design.modules.get(design.top);
  if (top === undefined) throw new Error(`the design has no module ${design.top}`);
  const nodes: FlatNode[] = [];
  const scopes: Scope[] = [];
  const registers: FlatRegister[] = [];
  const reads: FlatMemoryRead[] = [];
  const memories: FlatMemory[] = [];
  const boxes: FlatBlackBox[] = [];
  const checks: FlatCheck[] = [];
  const inputs: FlatPort[] = [];

  // Pass 1: all scopes, and a flat id for every node that is not an alias.
  const inputNodes = new Map<string, FlatId>();
  const clocks = new Set(top.domains.map((d) => d.clock));
  const addInput = (name: string, width: number, signed: boolean, loc: Loc | undefined) => {
    if (clocks.has(name) || inputNodes.has(name)) return;
    const node = nodes.length;
    nodes.push({ op: "input", width, name, input: inputs.length, loc });
    inputs.push({ name, width, signed, node });
    inputNodes.set(name, node);
  };
  for (const port of top.inputs) addInput(port.name, port.width, port.signed, port.loc);
  for (const domain of top.domains) if (domain.reset !== null) addInput(domain.reset, 1, false, undefined);
  const resetNodes = top.domains.map((d) => (d.reset === null ? null : inputNodes.get(d.reset)!));

  let aliases = 0;
  const boxOutputs: FlatId[][] = [];
  const boxIndex = new Map<Scope, Map<number, number>>();
  const enter = (module: Module, path: string, parent: Scope | null, instance: Instance | null): Scope => {
    const domains = module.domains.map((d, i) =>
      parent === null || instance === null
        ? i
        : (parent.domains[instance.domains[d.name] ?? -1] ?? unknownDomain(path, d.name)),
    );
    const scope: Scope = {
      module,
      path,
      parent,
      instance,
      domains,
      ids: new Int32Array(module.nodes.length).fill(-1),
      children: [],
      memBase: 0,
    };
    scopes.push(scope);
    const ownBoxes = new Map<number, number>();
    boxIndex.set(scope, ownBoxes);
    for (const [i, inst] of module.instances.entries()) {
      const box = design.blackboxes.get(inst.module);
      const child =
        design.modules.get(inst.module) ?? (box !== undefined && isBody(box.model) ? box.model : undefined);
      if (child !== undefined) {
        scope.children.push(enter(child, `${path}${inst.name}.`, scope, inst));
        continue;
      }
      if (box === undefined) throw new Error(`${path}${inst.name}: no module or black box ${inst.module}`);
      scope.children.push(null);
      ownBoxes.set(i, boxOutputs.length);
      const outputs: FlatId[] = [];
      boxOutputs.push(outputs);
      const domain = box.domains[0];
      const clock = domain === undefined ? null : (scope.domains[inst.domains[domain.name] ?? -1] ?? null);
      // The inputs are filled in pass 2; the record is shared.
      const { model } = box;
      if (isBody(model)) throw new Error("a body is entered like a module");
      boxes.push({ name: `${path}${inst.name}`, box: { ...box, model }, inputs: {}, outputs, domain: clock });
    }
    for (let i = 0; i < module.nodes.length; i++) {
      const node = module.nodes[i]!;
      if (isAlias(node, scope)) {
        aliases++;
        continue;
      }
      scope.ids[i] = nodes.length;
      nodes.push(placeholder);
    }
    return scope;
  };
  const isAlias = (node: Node, scope: Scope): boolean =>
    node.op === "wire" ||
    node.op === "input" ||
    (node.op === "instOut" && scope.children[node.inst] !== null);
  const topScope = enter(top, "", null, null);

  /** The flat node behind a node of a scope. */
  const resolve = (scope: Scope, id: NodeId): FlatId => {
    let at = scope;
    let node = id;
    for (let steps = 0; ; steps++) {
      const known = at.ids[node]!;
      if (known >= 0) {
        scope.ids[id] = known;
        return known;
      }
      if (steps > aliases)
        throw new Error(`combinational loop through wires and ports at ${scope.path}${nameOf(scope, id)}`);
      const n = at.module.nodes[node]!;
      if (n.op === "wire") {
        if (n.driver === null) throw new Error(`${at.path}${nameOf(at, node)}: the wire is not driven`);
        node = n.driver;
      } else if (n.op === "instOut") {
        const child = at.children[n.inst]!;
        node = outputNode(child.module, n.port);
        at = child;
      } else if (n.op === "input") {
        const found = portSource(at, n.port);
        if (typeof found === "number") {
          scope.ids[id] = found;
          return found;
        }
        [at, node] = found;
      } else throw new Error(`unexpected alias ${n.op}`);
    }
  };
  /** What drives an input port: a flat node, or a node of the parent. */
  const portSource = (scope: Scope, port: string): FlatId | [Scope, NodeId] => {
    const given = scope.instance?.inputs[port];
    if (given !== undefined && scope.parent !== null) return [scope.parent, given];
    const domain = scope.module.domains.findIndex((d) => d.reset === port);
    const reset = domain < 0 ? null : (resetNodes[scope.domains[domain]!] ?? null);
    if (reset !== null) return reset;
    const input = scope.parent === null ? inputNodes.get(port) : undefined;
    if (input !== undefined) return input;
    throw new Error(`${scope.path}${port}: the input port is not connected`);
  };

  // Pass 2: contents.
  for (const scope of scopes) {
    scope.memBase = memories.length;
    const at = (id: NodeId): FlatId => resolve(scope, id);
    const maybe = (id: NodeId | null): FlatId | null => (id === null ? null : resolve(scope, id));
    const domainOf = (d: number): number => scope.domains[d] ?? unknownDomain(scope.path, String(d));
    for (const m of scope.module.memories) {
      memories.push({
        name: `${scope.path}${m.name}`,
        width: m.width,
        depth: m.depth,
        readDuringWrite: m.readDuringWrite,
        contents: m.contents ?? [],
        zero: m.zero ?? false,
        writes: m.writes.map((w) => ({
          domain: domainOf(w.domain),
          addr: at(w.addr),
          data: at(w.data),
          enable: at(w.enable),
          mask: maybe(w.mask),
          granule: w.granule,
        })),
      });
    }
    for (const [i, box] of boxIndex.get(scope)!) {
      const inst = scope.module.instances[i]!;
      const target = boxes[box]!.inputs as Record<string, FlatId>;
      for (const [port, id] of Object.entries(inst.inputs)) target[port] = at(id);
      for (const d of boxes[box]!.box.domains) {
        const reset =
          d.reset === null ? null : (resetNodes[scope.domains[inst.domains[d.name] ?? -1] ?? -1] ?? null);
        if (d.reset !== null && reset !== null) target[d.reset] ??= reset;
      }
    }
    for (const c of scope.module.checks) {
      checks.push({
        kind: c.kind,
        name: `${scope.path}${c.name}`,
        domain: domainOf(c.domain),
        enable: maybe(c.enable),
        condition: at(c.condition),
        message: c.message,
        loc: c.loc,
      });
    }
    for (let i = 0; i < scope.module.nodes.length; i++) {
      const n = scope.module.nodes[i]!;
      if (isAlias(n, scope)) continue;
      const id = scope.ids[i]!;
      const base = {
        width: n.width,
        name: `${scope.path}${n.name ?? (n.op === "binary" || n.op === "unary" ? n.fn : n.op)}`,
        loc: n.loc,
      };
      nodes[id] = flatNode(n, base, id);
    }
    function flatNode(
      n: Node,
      base: { width: number; name: string; loc: Loc | undefined },
      id: FlatId,
    ): FlatNode {
      switch (n.op) {
        case "const":
          return { ...base, op: "const", value: n.value };
        case "unary":
          return { ...base, op: "unary", fn: n.fn, a: at(n.a) };
        case "binary":
          return { ...base, op: "binary", fn: n.fn, signedness: n.signedness, a: at(n.a), b: at(n.b) };
        case "mux":
          return { ...base, op: "mux", sel: at(n.sel), t: at(n.t), f: at(n.f) };
        case "select":
          return {
            ...base,
            op: "select",
            index: at(n.index),
            other: at(n.other),
            cases: n.cases.map((c) => ({ match: c.match, value: at(c.value) })),
          };
        case "slice":
          return { ...base, op: "slice", a: at(n.a), lo: n.lo };
        case "cat":
          return { ...base, op: "cat", parts: n.parts.map(at) };
        case "extend":
          return { ...base, op: "extend", signedness: n.signedness, a: at(n.a) };
        case "reg":
          registers.push({
            node: id,
            name: base.name,
            width: n.width,
            domain: domainOf(n.domain),
            reset: n.reset,
            updates: n.updates.map((u) => ({ guard: maybe(u.guard), value: at(u.value) })),
          });
          return { ...base, op: "reg", reg: registers.length - 1 };
        case "memRead": {
          const mem = scope.memBase + n.mem;
          if (n.domain === null) return { ...base, op: "fetch", mem, addr: at(n.addr) };
          reads.push({
            node: id,
            name: base.name,
            width: n.width,
            domain: domainOf(n.domain),
            mem,
            addr: at(n.addr),
            enable: maybe(n.enable),
          });
          return { ...base, op: "read", read: reads.length - 1 };
        }
        case "instOut": {
          const box = boxIndex.get(scope)!.get(n.inst)!;
          boxOutputs[box]!.push(id);
          return { ...base, op: "box", box, port: n.port };
        }
        case "wire":
        case "input":
          throw new Error("an alias has no node of its own");
        default:
          return n satisfies never;
      }
    }
  }

  const outputs = top.outputs.map((o) => ({
    name: o.name,
    width: o.width,
    signed: o.signed,
    node: resolve(topScope, o.value),
  }));
  const domains: FlatDomain[] = top.domains.map((d, i) => ({
    name: d.name,
    clock: d.clock,
    reset: resetNodes[i]!,
  }));
  const signals = collectSignals(scopes, inputs, outputs, resolve, portSource);
  return sortGraph({
    name: top.name,
    nodes,
    inputs,
    outputs,
    domains,
    registers,
    reads,
    memories,
    boxes,
    checks,
    signals,
  });
}

const placeholder: FlatNode = { op: "const", width: 1, value: 0n };

function unknownDomain(path: string, name: string): never {
  throw new Error(`${path === "" ? "top" : path.slice(0, -1)}: clock domain ${name} is not connected`);
}

function nameOf(scope: Scope, id: NodeId): string {
  const n = scope.module.nodes[id]!;
  return n.name ?? (n.op === "input" || n.op === "instOut" ? n.port : `node ${id}`);
}

/** Names in order: top ports first, then by scope its ports and its named nodes; the first holder of a name keeps it. */
function collectSignals(
  scopes: readonly Scope[],
  inputs: readonly FlatPort[],
  outputs: readonly FlatPort[],
  resolve: (scope: Scope, id: NodeId) => FlatId,
  portSource: (scope: Scope, port: string) => FlatId | [Scope, NodeId],
): Map<string, FlatSignal> {
  const signals = new Map<string, FlatSignal>();
  const add = (name: string, node: FlatId, width: number, signed: boolean) => {
    if (!signals.has(name)) signals.set(name, { node, width, signed });
  };
  for (const p of inputs) add(p.name, p.node, p.width, p.signed);
  for (const p of outputs) add(p.name, p.node, p.width, p.signed);
  for (const scope of scopes) {
    if (scope.parent !== null) {
      for (const p of scope.module.inputs) {
        if (scope.module.domains.some((d) => d.clock === p.name)) continue;
        const source = portSource(scope, p.name);
        add(scope.path + p.name, typeof source === "number" ? source : resolve(...source), p.width, p.signed);
      }
      for (const p of scope.module.outputs)
        add(scope.path + p.name, resolve(scope, p.value), p.width, p.signed);
    }
    for (let i = 0; i < scope.module.nodes.length; i++) {
      const n = scope.module.nodes[i]!;
      if (n.name === undefined || (n.named !== true && n.op !== "reg")) continue;
      add(scope.path + n.name, resolve(scope, i), n.width, n.signed ?? false);
    }
  }
  return signals;
}
