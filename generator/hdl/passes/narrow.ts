/** Shrinks unnamed operators to the bits that are observed, so that no carry is built which nobody reads. */
import type { Module, Node, NodeId } from "../ir.js";
import { mapOperands } from "../operands.js";
import { demands } from "./demand.js";

/** Operators whose low bits depend on the operands' low bits only. */
const shrinks = (n: Node): boolean => {
  switch (n.op) {
    case "unary":
      return n.fn === "not" || n.fn === "neg";
    case "binary":
      return n.fn === "add" || n.fn === "sub" || n.fn === "and" || n.fn === "or" || n.fn === "xor";
    case "mux":
    case "extend":
      return true;
    case "const":
    case "input":
    case "wire":
    case "select":
    case "slice":
    case "cat":
    case "reg":
    case "memRead":
    case "instOut":
      return false;
  }
};

export const narrow = (module: Module): Module => {
  const need = demands(module);
  const width = module.nodes.map((n, id) => {
    const bits = need[id] === 0n ? 0 : need[id]!.toString(2).length;
    return n.named !== true && shrinks(n) && bits > 0 ? Math.min(bits, n.width) : n.width;
  });
  if (module.nodes.every((n, id) => width[id] === n.width)) return module;
  const nodes: Node[] = [];
  /** Node `id` as `w` bits: the upper ones, which nobody reads, as zeros. */
  const resized = (id: NodeId, w: number): NodeId => {
    const has = width[id]!;
    if (has === w) return id;
    const made: Node =
      has > w ? { op: "slice", width: w, a: id, lo: 0 } : { op: "extend", width: w, signedness: "u", a: id };
    nodes.push(made);
    return module.nodes.length + extra++;
  };
  let extra = 0;
  const kept: Node[] = module.nodes.map((n, id): Node => {
    const w = width[id]!;
    // A slice reads what it needs of a narrowed operand; no zeros in between.
    if (n.op === "slice" && n.lo + n.width <= width[n.a]!) return n;
    if (n.op === "extend" && w < n.width) {
      const from = module.nodes[n.a]!.width;
      const a = w > from ? resized(n.a, from) : resized(n.a, Math.max(w, Math.min(width[n.a]!, from)));
      if (w > from) return { ...n, a, width: w };
      const { signedness: _, ...rest } = n;
      return { ...rest, op: "slice", a, lo: 0, width: w };
    }
    if (w === n.width) return mapOperands(n, (o) => resized(o, module.nodes[o]!.width));
    // The select of a mux keeps its one bit.
    const to = (o: NodeId): NodeId => resized(o, n.op === "mux" && o === n.sel ? 1 : w);
    return { ...mapOperands(n, to), width: w } as Node;
  });
  const whole = (id: NodeId): NodeId => resized(id, module.nodes[id]!.width);
  const outputs = module.outputs.map((o) => ({ ...o, value: whole(o.value) }));
  const memories = module.memories.map((m) => ({
    ...m,
    writes: m.writes.map((w) => ({
      ...w,
      addr: whole(w.addr),
      data: whole(w.data),
      enable: whole(w.enable),
      mask: w.mask === null ? null : whole(w.mask),
    })),
  }));
  const instances = module.instances.map((i) => ({
    ...i,
    inputs: Object.fromEntries(Object.entries(i.inputs).map(([port, id]) => [port, whole(id)])),
  }));
  const checks = module.checks.map((c) => ({
    ...c,
    condition: whole(c.condition),
    enable: c.enable === null ? null : whole(c.enable),
  }));
  return { ...module, nodes: [...kept, ...nodes], outputs, memories, instances, checks };
};
