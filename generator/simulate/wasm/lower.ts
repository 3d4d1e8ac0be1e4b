/**
 * FlatGraph -> what code is generated from: simplified nodes, and every register as one next value under one enable
 * (`when` blocks leave lists of guarded updates, where the last guard that is 1 wins).
 */
import { type FlatGraph, type FlatId, forOperands } from "../graph.js";
import { mapNode, renumber } from "../order.js";
import { GraphBuilder } from "./simplify.js";

export interface NextValue {
  /** The register changes when one of these is 1; an empty list means always. */
  readonly enables: readonly FlatId[];
  readonly value: FlatId;
}

export interface Lowered {
  readonly graph: FlatGraph;
  /** Node of the original graph -> node of this one. */
  readonly at: (original: FlatId) => FlatId;
  /** Per register; null when only a reset changes it. */
  readonly next: readonly (NextValue | null)[];
}

export function lower(original: FlatGraph): Lowered {
  const builder = new GraphBuilder();
  const ids = new Int32Array(original.nodes.length);
  const at = (id: FlatId): FlatId => ids[id]!;
  for (let i = 0; i < original.nodes.length; i++) ids[i] = builder.add(mapNode(original.nodes[i]!, at));
  const next = original.registers.map((r) =>
    nextValue(
      builder,
      r.updates.map((u) => ({ guard: u.guard === null ? null : at(u.guard), value: at(u.value) })),
      at(r.node),
    ),
  );
  // `renumber` would map operands again; the nodes are already in place.
  const graph = { ...renumber({ ...original, nodes: [] }, [], at), nodes: builder.nodes };
  return { graph, at, next };
}

function nextValue(
  builder: GraphBuilder,
  updates: readonly { guard: FlatId | null; value: FlatId }[],
  self: FlatId,
): NextValue | null {
  const live: { guard: FlatId | null; value: FlatId }[] = [];
  for (const u of updates) {
    const guard = u.guard === null ? 1n : builder.valueOf(u.guard);
    if (guard === 0n) continue;
    if (guard === 1n) live.length = 0;
    live.push(guard === 1n ? { guard: null, value: u.value } : u);
  }
  if (live.length === 0 || live.every((u) => u.value === self)) return null;
  // Under the enable some guard is 1, so the first update needs no test of its own.
  let value = live[0]!.value;
  for (const u of live.slice(1)) {
    value = builder.add({ op: "mux", width: builder.widthOf(value), sel: u.guard!, t: u.value, f: value });
  }
  if (live[0]!.guard === null) return selfHold(builder, { enables: [], value }, self);
  const guards = [...new Set(live.map((u) => u.guard!))];
  const enables = guards.filter((g) => !guards.some((other) => other !== g && implies(builder, g, other)));
  return { enables: enables.sort((a, b) => a - b), value };
}

/** `r <= mux(c, x, r)` is an update of r under c. */
function selfHold(builder: GraphBuilder, next: NextValue, self: FlatId): NextValue | null {
  if (next.value === self) return null;
  const n = builder.nodes[next.value]!;
  if (n.op !== "mux") return next;
  if (n.f === self) return { enables: [n.sel], value: n.t };
  if (n.t === self)
    return { enables: [builder.add({ op: "unary", fn: "not", width: 1, a: n.sel })], value: n.f };
  return next;
}

/** Whether `a` is a conjunction with `b` in it, as nested `when`s make them. */
function implies(builder: GraphBuilder, a: FlatId, b: FlatId): boolean {
  const n = builder.nodes[a]!;
  return (
    a === b || (n.op === "binary" && n.fn === "and" && (implies(builder, n.a, b) || implies(builder, n.b, b)))
  );
}

/**
 * Registers and registered reads, marked 1, whose value somebody can see: by name, at a port, in a memory, in a black
 * box or a check, or through others that are seen. The rest need no code.
 */
export function liveState(
  graph: FlatGraph,
  next: readonly (NextValue | null)[],
): { registers: Uint8Array; reads: Uint8Array } {
  const registers = new Uint8Array(graph.registers.length);
  const reads = new Uint8Array(graph.reads.length);
  const seen = new Uint8Array(graph.nodes.length);
  const stack: FlatId[] = [];
  const look = (id: FlatId | null): void => {
    if (id === null || seen[id] === 1) return;
    seen[id] = 1;
    stack.push(id);
  };
  for (const s of graph.signals.values()) look(s.node);
  for (const p of graph.outputs) look(p.node);
  for (const m of graph.memories)
    for (const w of m.writes) for (const id of [w.addr, w.data, w.enable, w.mask]) look(id);
  for (const b of graph.boxes) for (const id of Object.values(b.inputs)) look(id);
  for (const c of graph.checks) for (const id of [c.condition, c.enable]) look(id);
  while (stack.length > 0) {
    const node = graph.nodes[stack.pop()!]!;
    forOperands(node, graph.boxes, look);
    if (node.op === "reg") {
      registers[node.reg] = 1;
      const n = next[node.reg];
      if (n) for (const id of [...n.enables, n.value]) look(id);
    } else if (node.op === "read") {
      reads[node.read] = 1;
      const r = graph.reads[node.read]!;
      look(r.addr);
      look(r.enable);
    }
  }
  return { registers, reads };
}
