/** Constant folding and identities. Nodes named by the user keep their operator: they are peekable and have a place in the text. */

import type { Module, Node, NodeId } from "../ir.js";
import { combOrder, mapModule, mapOperands } from "../operands.js";

const ones = (width: number): bigint => (1n << BigInt(width)) - 1n;

/** Either an existing node, a constant, or a node to put in place; null keeps the node. */
type Folded = NodeId | bigint | Node | null;

export function fold(module: Module): Module {
  const nodes = [...module.nodes];
  const to: NodeId[] = nodes.map((_, id) => id);
  const constant = (id: NodeId): bigint | null => {
    const node = nodes[id]!;
    return node.op === "const" ? node.value : null;
  };
  const at = (id: NodeId): NodeId => to[id]!;
  for (const id of combOrder(module.nodes)) {
    const old = nodes[id]!;
    // State reads operands that come later in this order; `mapModule` below redirects those.
    if (old.op === "reg" || old.op === "memRead") continue;
    const node = mapOperands(old, at);
    nodes[id] = node;
    if (node.named === true) continue;
    const folded = simplify(node, nodes, constant);
    if (typeof folded === "number") to[id] = folded;
    else if (typeof folded === "bigint") {
      const { width, loc, signed } = node;
      nodes[id] = {
        op: "const",
        width,
        value: folded,
        ...(loc === undefined ? {} : { loc }),
        ...(signed === undefined ? {} : { signed }),
      };
    } else if (folded !== null) nodes[id] = folded;
  }
  return mapModule(module, nodes, at);
}

function simplify(node: Node, nodes: readonly Node[], constant: (id: NodeId) => bigint | null): Folded {
  switch (node.op) {
    case "wire": // a forward reference that nobody named has done its work
      return node.driver;
    case "unary": {
      const a = nodes[node.a]!;
      if (node.fn !== "not") return null;
      if (a.op === "const") return ~a.value & ones(node.width);
      return a.op === "unary" && a.fn === "not" && a.named !== true ? a.a : null;
    }
    case "binary": {
      const [a, b] = [constant(node.a), constant(node.b)];
      const full = ones(node.width);
      switch (node.fn) {
        case "and":
          if (a !== null && b !== null) return a & b;
          if (a === 0n || b === 0n) return 0n;
          return a === full ? node.b : b === full ? node.a : null;
        case "or":
          if (a !== null && b !== null) return a | b;
          if (a === full || b === full) return full;
          return a === 0n ? node.b : b === 0n ? node.a : null;
        case "xor":
          if (a !== null && b !== null) return a ^ b;
          return a === 0n ? node.b : b === 0n ? node.a : null;
        case "add":
          if (a !== null && b !== null) return (a + b) & full;
          return a === 0n ? node.b : b === 0n ? node.a : null;
        case "sub":
          if (a !== null && b !== null) return (a - b) & full;
          return b === 0n ? node.a : null;
        case "eq":
          return a !== null && b !== null ? BigInt(a === b) : null;
        case "ne":
          return a !== null && b !== null ? BigInt(a !== b) : null;
        case "mul":
        case "lt":
        case "le":
        case "shl":
        case "shr":
          return null;
      }
      return null;
    }
    case "mux": {
      const sel = constant(node.sel);
      if (sel !== null) return sel === 1n ? node.t : node.f;
      return node.t === node.f ? node.t : null;
    }
    case "slice": {
      const a = nodes[node.a]!;
      if (node.lo === 0 && node.width === a.width) return node.a;
      if (a.op === "const") return (a.value >> BigInt(node.lo)) & ones(node.width);
      if (a.named === true) return null;
      if (a.op === "slice") return { ...node, a: a.a, lo: a.lo + node.lo };
      if (a.op === "extend") {
        const inner = nodes[a.a]!.width;
        if (node.lo + node.width <= inner)
          return node.lo === 0 && node.width === inner ? a.a : { ...node, a: a.a };
        return a.signedness === "u" && node.lo >= inner ? 0n : null;
      }
      if (a.op === "cat") {
        let low = a.width;
        for (const part of a.parts) {
          const { width } = nodes[part]!;
          low -= width;
          if (node.lo < low || node.lo + node.width > low + width) continue;
          return node.width === width ? part : { ...node, a: part, lo: node.lo - low };
        }
      }
      return null;
    }
    case "cat": {
      if (node.parts.length === 1) return node.parts[0]!;
      let value = 0n;
      for (const part of node.parts) {
        const bits = constant(part);
        if (bits === null) return null;
        value = (value << BigInt(nodes[part]!.width)) | bits;
      }
      return value;
    }
    case "extend": {
      const a = nodes[node.a]!;
      if (a.width === node.width) return node.a;
      if (a.op !== "const") return null;
      const negative = node.signedness === "s" && a.value >> BigInt(a.width - 1) === 1n;
      return negative ? a.value | (ones(node.width) ^ ones(a.width)) : a.value;
    }
    case "const":
    case "input":
    case "select":
    case "reg":
    case "memRead":
    case "instOut":
      return null;
  }
}
