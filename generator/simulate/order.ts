/** Puts the nodes of a flat graph in topological order; a combinational loop is an error that shows its path. */
import { type FlatGraph, type FlatId, type FlatNode, forOperands } from "./graph.js";

export function sortGraph(graph: FlatGraph): FlatGraph {
  const order = topologicalOrder(graph);
  const rank = new Int32Array(graph.nodes.length);
  for (let i = 0; i < order.length; i++) rank[order[i]!] = i;
  return renumber(
    graph,
    order.map((id) => graph.nodes[id]!),
    (id) => rank[id]!,
  );
}

/** Depth-first post-order with an explicit stack: netlists are deeper than the call stack. */
function topologicalOrder(graph: FlatGraph): FlatId[] {
  const { nodes, boxes } = graph;
  const state = new Uint8Array(nodes.length); // 0 new, 1 on the path, 2 done
  const order: FlatId[] = [];
  const stack: { id: FlatId; operands: FlatId[]; next: number }[] = [];
  const push = (id: FlatId): void => {
    const operands: FlatId[] = [];
    forOperands(nodes[id]!, boxes, (o) => operands.push(o));
    state[id] = 1;
    stack.push({ id, operands, next: 0 });
  };
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] !== 0) continue;
    push(root);
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]!;
      if (frame.next === frame.operands.length) {
        state[frame.id] = 2;
        order.push(frame.id);
        stack.pop();
        continue;
      }
      const operand = frame.operands[frame.next++]!;
      if (state[operand] === 0) push(operand);
      else if (state[operand] === 1) {
        const from = stack.findIndex((f) => f.id === operand);
        const path = [...stack.slice(from).map((f) => f.id), operand].reverse();
        throw new Error(`combinational loop: ${path.map((id) => describe(nodes[id]!)).join(" -> ")}`);
      }
    }
  }
  return order;
}

function describe(node: FlatNode): string {
  const what = node.name ?? node.op;
  return node.loc === undefined ? what : `${what} (${node.loc.file}:${node.loc.line})`;
}

/** The graph over another node array; `at` gives the new id of an old one. */
export function renumber(
  graph: FlatGraph,
  nodes: readonly FlatNode[],
  at: (id: FlatId) => FlatId,
): FlatGraph {
  const maybe = (id: FlatId | null): FlatId | null => (id === null ? null : at(id));
  return {
    name: graph.name,
    nodes: nodes.map((n) => mapNode(n, at)),
    inputs: graph.inputs.map((p) => ({ ...p, node: at(p.node) })),
    outputs: graph.outputs.map((p) => ({ ...p, node: at(p.node) })),
    domains: graph.domains.map((d) => ({ ...d, reset: maybe(d.reset) })),
    registers: graph.registers.map((r) => ({
      ...r,
      node: at(r.node),
      updates: r.updates.map((u) => ({ guard: maybe(u.guard), value: at(u.value) })),
    })),
    reads: graph.reads.map((r) => ({ ...r, node: at(r.node), addr: at(r.addr), enable: maybe(r.enable) })),
    memories: graph.memories.map((m) => ({
      ...m,
      writes: m.writes.map((w) => ({
        ...w,
        addr: at(w.addr),
        data: at(w.data),
        enable: at(w.enable),
        mask: maybe(w.mask),
      })),
    })),
    boxes: graph.boxes.map((b) => ({
      ...b,
      outputs: b.outputs.map(at),
      inputs: Object.fromEntries(Object.entries(b.inputs).map(([port, id]) => [port, at(id)])),
    })),
    checks: graph.checks.map((c) => ({ ...c, enable: maybe(c.enable), condition: at(c.condition) })),
    signals: new Map([...graph.signals].map(([name, s]) => [name, { ...s, node: at(s.node) }])),
  };
}

/** The node with its operands renamed. */
export function mapNode(node: FlatNode, at: (id: FlatId) => FlatId): FlatNode {
  switch (node.op) {
    case "const":
    case "input":
    case "reg":
    case "read":
    case "box":
      return node;
    case "unary":
    case "slice":
    case "extend":
      return { ...node, a: at(node.a) };
    case "binary":
      return { ...node, a: at(node.a), b: at(node.b) };
    case "mux":
      return { ...node, sel: at(node.sel), t: at(node.t), f: at(node.f) };
    case "select":
      return {
        ...node,
        index: at(node.index),
        other: at(node.other),
        cases: node.cases.map((c) => ({ match: c.match, value: at(c.value) })),
      };
    case "cat":
      return { ...node, parts: node.parts.map(at) };
    case "fetch":
      return { ...node, addr: at(node.addr) };
    default:
      return node satisfies never;
  }
}
