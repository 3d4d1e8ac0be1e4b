/**
 * Names for everything an emitted module declares: record keys and `.as(...)` first, in their own words; then names made
 * from who uses a value (`code_0_sum`), or from what it is made of. Ports are never renamed: `checkNames` refuses a clash.
 */
import type * as ir from "../ir.js";
import { RESERVED } from "../emit/reserved.js";
import { eachOperand } from "../operands.js";

const LONGEST = 60;
/** A name made of two names is no help when it is longer. */
const READABLE = 40;
const WORDS: Record<ir.UnaryFn | ir.BinaryFn, string> = {
  not: "not",
  neg: "negated",
  andr: "all",
  orr: "any",
  xorr: "parity",
  add: "sum",
  sub: "difference",
  and: "and",
  or: "or",
  xor: "xor",
  mul: "product",
  eq: "equal",
  ne: "differs",
  lt: "below",
  le: "at_most",
  shl: "shifted",
  shr: "shifted",
};
const word = (n: ir.Node): string => {
  switch (n.op) {
    case "unary":
    case "binary":
      return WORDS[n.fn];
    case "mux":
      return "choice";
    case "select":
      return "case";
    case "slice":
      return "part";
    case "cat":
      return "joined";
    case "extend":
      return "wide";
    case "memRead":
      return "read";
    case "const":
      return "constant";
    case "input":
    case "wire":
    case "reg":
    case "instOut":
      return "value";
  }
};

export interface Names {
  /** Of declared nodes. */
  readonly node: ReadonlyMap<ir.NodeId, string>;
  readonly memory: readonly string[];
  /** A further name, legal and unique in the module. */
  fresh(wanted: string): string;
}

/** A name from a reader; `direct` when it says what the node itself is (a next value, an address), not only where it goes. */
interface Owner {
  readonly name: string;
  readonly direct: boolean;
}

/** Who reads a node first under a name that means something: a node, a register's next value, a port, a write. */
const owners = (m: ir.Module, named: (id: ir.NodeId) => string | undefined): (Owner | undefined)[] => {
  const owner: (Owner | undefined)[] = m.nodes.map(() => undefined);
  const give = (id: ir.NodeId, name: string, direct: boolean): void => {
    owner[id] ??= { name, direct };
  };
  for (const i of m.instances)
    for (const [port, id] of Object.entries(i.inputs)) give(id, `${i.name}_${port}`, true);
  for (const mem of m.memories)
    for (const w of mem.writes) {
      give(w.data, `${mem.name}_data`, true);
      give(w.addr, `${mem.name}_address`, true);
      give(w.enable, `${mem.name}_write`, true);
      if (w.mask !== null) give(w.mask, `${mem.name}_mask`, true);
    }
  // Users come behind what they read, so the names sink from them; a second round serves forward references.
  for (let round = 0; round < 2; round++)
    for (let id = m.nodes.length - 1; id >= 0; id--) {
      const n = m.nodes[id]!;
      const name = named(id) ?? owner[id]?.name;
      if (name === undefined) continue;
      if (n.op === "reg")
        for (const u of n.updates) {
          give(u.value, `${name}_next`, true);
          if (u.guard !== null) give(u.guard, `${name}_enable`, true);
        }
      else eachOperand(n, (o) => give(o, name, false));
    }
  return owner;
};

/** `factor_wide`, `peak_below_limit`: from the names of the operands, when they have some and it stays short. */
const composed = (
  n: ir.Node,
  m: ir.Module,
  known: (id: ir.NodeId) => string | undefined,
): string | undefined => {
  const of = (id: ir.NodeId): string | undefined => {
    const operand = m.nodes[id]!;
    return operand.op === "const" ? String(operand.value) : known(id);
  };
  switch (n.op) {
    case "unary":
    case "extend":
    case "slice": {
      const a = known(n.a);
      return a === undefined ? undefined : `${a}_${word(n)}`;
    }
    case "binary": {
      const [a, b] = [known(n.a), of(n.b)];
      const name = `${a}_${word(n)}_${b}`;
      return a === undefined || b === undefined || name.length > READABLE ? undefined : name;
    }
    default:
      return undefined;
  }
};

export const names = (m: ir.Module, declared: (id: ir.NodeId) => boolean): Names => {
  const taken = new Set<string>();
  const fresh = (wanted: string): string => {
    let base = wanted.replace(/[^A-Za-z0-9_]/g, "_").slice(0, LONGEST);
    if (!/^[A-Za-z]/.test(base)) base = `n_${base}`;
    if (RESERVED.has(base)) base = `${base}_`;
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}_${i}`;
    taken.add(name);
    return name;
  };
  // Ports and instances stand as they were given; `checkNames` has refused what cannot.
  for (const port of [...m.inputs, ...m.outputs]) taken.add(port.name);
  for (const i of m.instances) taken.add(i.name);
  const memory = m.memories.map((mem) => fresh(mem.name));

  const node = new Map<ir.NodeId, string>();
  // What nobody named and an output shows is the output; so is the output of an instance that goes straight through.
  for (const o of m.outputs) {
    const n = m.nodes[o.value]!;
    if (!declared(o.value) || node.has(o.value) || n.op === "input") continue;
    if (n.named !== true || n.op === "instOut") node.set(o.value, o.name);
  }
  const outputOf = new Map<string, ir.NodeId>(m.outputs.map((o) => [o.name, o.value]));
  m.nodes.forEach((n, id) => {
    if (n.op === "input") node.set(id, n.port);
    else if (declared(id) && n.named === true && !node.has(id))
      // What is called as the output it drives is that output.
      node.set(id, outputOf.get(n.name ?? "") === id ? n.name! : fresh(n.name ?? word(n)));
  });
  const known = (id: ir.NodeId): string | undefined => node.get(id) ?? m.nodes[id]!.name;
  const owner = owners(m, known);
  const uses = m.nodes.map(() => 0);
  for (const n of m.nodes) eachOperand(n, (o) => uses[o]!++);
  m.nodes.forEach((n, id) => {
    if (!declared(id) || node.has(id)) return;
    // What many read is called by what it is made of, what one reads by its reader.
    const parts = uses[id]! > 1 ? composed(n, m, known) : undefined;
    const by = owner[id];
    const read = by === undefined ? word(n) : by.direct ? by.name : `${by.name}_${word(n)}`;
    node.set(id, fresh(n.name ?? parts ?? read));
  });
  return { node, memory, fresh };
};
