/** Which bits of each node are observed: by ports, instances, memories, checks, and through other nodes. */
import type * as ir from "../ir.js";

/** Bits of every node that something observes, as a mask. */
export const demands = (m: ir.Module): bigint[] => {
  const need = m.nodes.map(() => 0n);
  const full = (w: number) => (1n << BigInt(w)) - 1n;
  const queue: ir.NodeId[] = [];
  const want = (id: ir.NodeId, mask: bigint) => {
    const merged = need[id]! | (mask & full(m.nodes[id]!.width));
    if (merged !== need[id]) {
      need[id] = merged;
      queue.push(id);
    }
  };
  const all = (id: ir.NodeId) => want(id, full(m.nodes[id]!.width));
  for (const o of m.outputs) all(o.value);
  for (const i of m.instances) for (const id of Object.values(i.inputs)) all(id);
  for (const c of m.checks) {
    all(c.condition);
    if (c.enable !== null) all(c.enable);
  }
  const liveMem = new Set<number>();
  const memory = (mem: number) => {
    if (liveMem.has(mem)) return;
    liveMem.add(mem);
    for (const w of m.memories[mem]!.writes) {
      all(w.addr);
      all(w.data);
      all(w.enable);
      if (w.mask !== null) all(w.mask);
    }
  };
  /** Bits up to the highest wanted: what carries need. */
  const below = (mask: bigint) => (mask === 0n ? 0n : full(mask.toString(2).length));
  while (queue.length > 0) {
    const id = queue.pop()!;
    const n = m.nodes[id]!;
    const d = need[id]!;
    switch (n.op) {
      case "const":
      case "input":
      case "instOut":
        break;
      case "wire":
        if (n.driver !== null) want(n.driver, d);
        break;
      case "unary":
        n.fn === "not" ? want(n.a, d) : n.fn === "neg" ? want(n.a, below(d)) : all(n.a);
        break;
      case "binary":
        switch (n.fn) {
          case "and":
          case "or":
          case "xor":
            want(n.a, d);
            want(n.b, d);
            break;
          case "add":
          case "sub":
            want(n.a, below(d));
            want(n.b, below(d));
            break;
          default:
            all(n.a);
            all(n.b);
        }
        break;
      case "mux":
        all(n.sel);
        want(n.t, d);
        want(n.f, d);
        break;
      case "select":
        all(n.index);
        for (const c of n.cases) want(c.value, d);
        want(n.other, d);
        break;
      case "slice":
        want(n.a, d << BigInt(n.lo));
        break;
      case "cat": {
        let at = 0n;
        for (const p of [...n.parts].reverse()) {
          want(p, d >> at);
          at += BigInt(m.nodes[p]!.width);
        }
        break;
      }
      case "extend": {
        const w = m.nodes[n.a]!.width;
        want(n.a, d | (n.signedness === "s" && d >> BigInt(w) !== 0n ? 1n << BigInt(w - 1) : 0n));
        break;
      }
      case "reg":
        for (const u of n.updates) {
          want(u.value, d);
          if (u.guard !== null) all(u.guard);
        }
        break;
      case "memRead":
        all(n.addr);
        if (n.enable !== null) all(n.enable);
        memory(n.mem);
        break;
    }
  }
  return need;
};
