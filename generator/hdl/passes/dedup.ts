/**
 * Common subexpressions: equal nodes without state become one. Two names of the user's stay two nodes, and registers stay
 * as many as were described: whoever doubled one had a reason (fan-out, placement).
 */
import type { Module, Node, NodeId } from "../ir.js";
import { combOrder, mapModule, mapOperands } from "../operands.js";
import { dce } from "./dce.js";

/** What a node computes, as text over the classes of its operands; null for what is never merged. */
function meaning(node: Node): string | null {
  switch (node.op) {
    case "const":
      return `${node.value}:${node.width}`;
    case "unary":
      return `${node.fn} ${node.a}`;
    case "binary": {
      // The sign matters only where the operator reads it; the order of the operands only where they cannot change places.
      const signed = node.fn === "mul" || node.fn === "lt" || node.fn === "le" || node.fn === "shr";
      const free = node.fn !== "sub" && node.fn !== "lt" && node.fn !== "le" && !node.fn.startsWith("sh");
      const [a, b] = free && node.a > node.b ? [node.b, node.a] : [node.a, node.b];
      return `${node.fn}${signed ? node.signedness : ""}:${node.width} ${a} ${b}`;
    }
    case "mux":
      return `mux ${node.sel} ${node.t} ${node.f}`;
    case "select": {
      const cases = [...node.cases].sort((a, b) => (a.match < b.match ? -1 : 1));
      return `select ${node.index} ${cases.map((c) => `${c.match}:${c.value}`).join(" ")} ${node.other}`;
    }
    case "slice":
      return `slice:${node.width} ${node.a} ${node.lo}`;
    case "cat":
      return `cat ${node.parts.join(" ")}`;
    case "extend":
      return `extend${node.signedness}:${node.width} ${node.a}`;
    case "memRead":
      // One read port instead of two. A clocked read is state.
      return node.domain === null ? `read ${node.mem} ${node.addr}` : null;
    case "input":
    case "wire":
    case "reg":
    case "instOut":
      return null;
  }
}

export function dedup(module: Module): Module {
  const { nodes } = module;
  const first = new Map<string, NodeId>();
  /** The first node of those equal to this one. */
  const sameAs: NodeId[] = nodes.map((_, id) => id);
  /** Of each first node: the one that stays, named if one of them is. */
  const stays: NodeId[] = nodes.map((_, id) => id);
  for (const id of combOrder(nodes)) {
    const node = nodes[id]!;
    const text = meaning(mapOperands(node, (operand) => sameAs[operand]!));
    if (text === null) continue;
    const known = first.get(text);
    if (known === undefined) {
      first.set(text, id);
      continue;
    }
    sameAs[id] = known;
    if (node.named === true && nodes[stays[known]!]!.named !== true) stays[known] = id;
  }
  const merged = (id: NodeId): NodeId => {
    const kept = stays[sameAs[id]!]!;
    // Two names stay two nodes; the same name given twice is one.
    return nodes[id]!.named === true && nodes[id]!.name !== nodes[kept]!.name ? id : kept;
  };
  return first.size === 0 ? module : dce(mapModule(module, nodes, merged));
}
