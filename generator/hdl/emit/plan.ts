/** Which nodes are declared under a name and which are written where they are used, in what order. */
import type * as ir from "../ir.js";
import { combOrder, eachOperand } from "../operands.js";
import { demands } from "../passes/demand.js";

/** Operators in one expression; more than this and a part gets a name of its own. */
const LONGEST = 6;

export interface Plan {
  /** Some observed bit depends on the node. */
  live(id: ir.NodeId): boolean;
  /** Every bit of the node is observed. */
  whole(id: ir.NodeId): boolean;
  /** The node has a net or register of its own. */
  declared(id: ir.NodeId): boolean;
  /** Live nodes, operands before their users (registers, clocked reads and instance outputs cut the order). */
  readonly order: readonly ir.NodeId[];
  readonly memories: readonly boolean[];
}

/** State, forward references and case statements: declared at the head, since they may be read before they are driven. */
export const atHead = (n: ir.Node): boolean =>
  n.op === "reg" || n.op === "wire" || n.op === "instOut" || n.op === "memRead" || n.op === "select";

/** Operands that the node reads bit by bit or twice: only a name or a constant will do there. */
const indexed = (n: ir.Node, m: ir.Module): ir.NodeId[] => {
  const width = (id: ir.NodeId) => m.nodes[id]!.width;
  switch (n.op) {
    case "slice":
      return [n.a];
    case "extend":
      return n.signedness === "s" ? [n.a] : [];
    case "binary":
      // A product is wider than its factors: an operator inside a factor would be widened with it, but not inside braces.
      if (n.fn === "mul")
        return [n.a, n.b].filter((o) => m.nodes[o]!.op !== "cat" && m.nodes[o]!.op !== "extend");
      if ((n.fn !== "shl" && n.fn !== "shr") || width(n.b) <= 32) return [];
      return n.fn === "shr" && n.signedness === "s" ? [n.a, n.b] : [n.b];
    default:
      return [];
  }
};

/** Unnamed operators that read well inside an expression. */
const inlinable = (n: ir.Node): boolean => {
  switch (n.op) {
    case "unary":
      return n.fn !== "neg";
    case "binary":
      return n.fn !== "mul" && n.fn !== "shl" && n.fn !== "shr" && n.fn !== "sub" && n.fn !== "add";
    case "cat":
    case "extend":
      return true;
    default:
      return false;
  }
};

export const plan = (m: ir.Module, need: readonly bigint[] = demands(m)): Plan => {
  const live = (id: ir.NodeId) => need[id] !== 0n;
  const width = (id: ir.NodeId) => m.nodes[id]!.width;
  const uses = m.nodes.map(() => 0);
  const named = m.nodes.map((n) => n.named === true || atHead(n) || n.op === "input");
  const memories = m.memories.map(() => false);
  const use = (id: ir.NodeId) => {
    uses[id]!++;
  };
  m.nodes.forEach((n, id) => {
    if (!live(id)) return;
    eachOperand(n, use);
    for (const o of indexed(n, m)) named[o] = true;
    if (n.op === "memRead") memories[n.mem] = true;
  });
  for (const o of m.outputs) use(o.value);
  for (const c of m.checks) {
    if (live(c.condition)) use(c.condition);
    if (c.enable !== null && live(c.enable)) use(c.enable);
  }
  for (const i of m.instances) Object.values(i.inputs).forEach(use);
  m.memories.forEach((mem, k) => {
    if (!memories[k]) return;
    for (const w of mem.writes) {
      [w.addr, w.data, w.enable].forEach(use);
      // Written part by part.
      if (w.mask !== null) named[w.mask] = true;
      if (w.granule < mem.width) named[w.data] = true;
    }
  });
  const order = combOrder(m.nodes).filter(live);
  // A slice is written as an index, a constant as itself, wherever they stand.
  const declared = m.nodes.map((n, id) => {
    if (n.op === "const") return false;
    if (n.op === "slice") return n.named === true;
    return named[id]! || uses[id] !== 1 || !inlinable(n);
  });
  const size = m.nodes.map(() => 0);
  const isChain = chains(m, uses, declared);
  for (const id of order) {
    const n = m.nodes[id]!;
    let total = n.op === "const" || n.op === "slice" ? 0 : 1;
    if (isChain[id]) declared[id] = false;
    eachOperand(n, (o) => {
      if (!declared[o]) total += size[o]!;
    });
    if (total > LONGEST && n.op !== "slice" && n.op !== "const" && !isChain[id]) {
      // The longest part first: what is left may be short enough.
      const parts: ir.NodeId[] = [];
      eachOperand(n, (o) => {
        if (!declared[o] && m.nodes[o]!.op !== "const" && m.nodes[o]!.op !== "slice") parts.push(o);
      });
      parts.sort((a, b) => size[b]! - size[a]!);
      for (const o of parts) {
        if (total <= LONGEST) break;
        declared[o] = true;
        total -= size[o]!;
      }
    }
    size[id] = total;
  }
  return {
    live,
    whole: (id) => need[id] === (1n << BigInt(width(id))) - 1n,
    declared: (id) => declared[id]!,
    order,
    memories,
  };
};

/** Multiplexers read once, as the last choice of another one: written as one list of conditions. */
const chains = (m: ir.Module, uses: readonly number[], declared: readonly boolean[]): boolean[] => {
  const chain = m.nodes.map(() => false);
  for (const n of m.nodes) {
    if (n.op !== "mux") continue;
    const f = m.nodes[n.f]!;
    if (f.op === "mux" && f.named !== true && uses[n.f] === 1 && declared[n.f]) chain[n.f] = true;
  }
  return chain;
};
