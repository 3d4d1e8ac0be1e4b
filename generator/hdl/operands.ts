/** Which nodes a node reads, and the same node reading others: the two walks every pass is made of. */

import type { Module, Node, NodeId } from "./ir.js";

/** Calls `visit` with each operand read in the same cycle or at the coming edge. */
export function eachOperand(node: Node, visit: (id: NodeId) => void): void {
  switch (node.op) {
    case "const":
    case "input":
    case "instOut":
      return;
    case "wire":
      if (node.driver !== null) visit(node.driver);
      return;
    case "unary":
    case "slice":
    case "extend":
      visit(node.a);
      return;
    case "binary":
      visit(node.a);
      visit(node.b);
      return;
    case "mux":
      visit(node.sel);
      visit(node.t);
      visit(node.f);
      return;
    case "select":
      visit(node.index);
      for (const { value } of node.cases) visit(value);
      visit(node.other);
      return;
    case "cat":
      for (const part of node.parts) visit(part);
      return;
    case "reg":
      for (const { guard, value } of node.updates) {
        if (guard !== null) visit(guard);
        visit(value);
      }
      return;
    case "memRead":
      visit(node.addr);
      if (node.enable !== null) visit(node.enable);
      return;
  }
}

/** The same node with every operand replaced. */
export function mapOperands(node: Node, f: (id: NodeId) => NodeId): Node {
  switch (node.op) {
    case "const":
    case "input":
    case "instOut":
      return node;
    case "wire":
      return node.driver === null ? node : { ...node, driver: f(node.driver) };
    case "unary":
    case "slice":
    case "extend":
      return { ...node, a: f(node.a) };
    case "binary":
      return { ...node, a: f(node.a), b: f(node.b) };
    case "mux":
      return { ...node, sel: f(node.sel), t: f(node.t), f: f(node.f) };
    case "select":
      return {
        ...node,
        index: f(node.index),
        other: f(node.other),
        cases: node.cases.map(({ match, value }) => ({ match, value: f(value) })),
      };
    case "cat":
      return { ...node, parts: node.parts.map(f) };
    case "reg":
      return {
        ...node,
        updates: node.updates.map(({ guard, value }) => ({
          guard: guard === null ? null : f(guard),
          value: f(value),
        })),
      };
    case "memRead":
      return { ...node, addr: f(node.addr), enable: node.enable === null ? null : f(node.enable) };
  }
}

/** True when the value changes only at a clock edge, whatever the operands do. */
export const isState = (node: Node): boolean =>
  node.op === "reg" || (node.op === "memRead" && node.domain !== null);

/** Operands whose value passes through in the same cycle. */
export function eachCombOperand(node: Node, visit: (id: NodeId) => void): void {
  if (!isState(node)) eachOperand(node, visit);
}

/** Every use of a node by something that is not a node: outputs, memory writes, instance inputs, checks. */
export function eachRoot(module: Module, visit: (id: NodeId) => void): void {
  for (const { value } of module.outputs) visit(value);
  for (const memory of module.memories) {
    for (const { addr, data, enable, mask } of memory.writes) {
      visit(addr);
      visit(data);
      visit(enable);
      if (mask !== null) visit(mask);
    }
  }
  for (const instance of module.instances) for (const id of Object.values(instance.inputs)) visit(id);
  for (const { enable, condition } of module.checks) {
    if (enable !== null) visit(enable);
    visit(condition);
  }
}

/** The module with every reference to a node replaced, in nodes and roots. */
export function mapModule(module: Module, nodes: readonly Node[], f: (id: NodeId) => NodeId): Module {
  const optional = (id: NodeId | null): NodeId | null => (id === null ? null : f(id));
  return {
    ...module,
    nodes: nodes.map((node) => mapOperands(node, f)),
    outputs: module.outputs.map((port) => ({ ...port, value: f(port.value) })),
    memories: module.memories.map((memory) => ({
      ...memory,
      writes: memory.writes.map((write) => ({
        ...write,
        addr: f(write.addr),
        data: f(write.data),
        enable: f(write.enable),
        mask: optional(write.mask),
      })),
    })),
    instances: module.instances.map((instance) => ({
      ...instance,
      inputs: Object.fromEntries(Object.entries(instance.inputs).map(([port, id]) => [port, f(id)])),
    })),
    checks: module.checks.map((check) => ({
      ...check,
      condition: f(check.condition),
      enable: optional(check.enable),
    })),
  };
}

/** Node ids so that every combinational operand comes before its reader. Close to the order of description. */
export function combOrder(nodes: readonly Node[]): NodeId[] {
  const order: NodeId[] = [];
  const state = new Uint8Array(nodes.length); // 0 new, 1 opened, 2 done
  const stack: NodeId[] = [];
  for (let start = 0; start < nodes.length; start++) {
    if (state[start] === 2) continue;
    stack.push(start);
    while (stack.length > 0) {
      const id = stack[stack.length - 1]!;
      if (state[id] !== 0) {
        stack.pop();
        if (state[id] === 1) order.push(id);
        state[id] = 2;
        continue;
      }
      state[id] = 1;
      const base = stack.length;
      eachCombOperand(nodes[id]!, (operand) => {
        if (state[operand] === 0) stack.push(operand);
      });
      stack.splice(base, stack.length - base, ...stack.slice(base).reverse()); // first operand on top
    }
  }
  return order;
}
