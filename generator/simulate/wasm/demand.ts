/**
 * Which reading of a node's upper bits its consumers need, by vote: decides how registers are stored and which of two
 * free choices an operator takes. A wrong guess costs an instruction, never a bit.
 */
import { type FlatId, unreachable } from "../graph.js";
import type { Lowered } from "./lower.js";
import type { Form } from "./range.js";

export function demandedForms(lowered: Lowered): Form[] {
  const { graph, next } = lowered;
  const { nodes } = graph;
  const u = new Float64Array(nodes.length);
  const s = new Float64Array(nodes.length);
  const want = (id: FlatId | null, form: "u" | "s", weight = 1): void => {
    if (id !== null) (form === "u" ? u : s)[id]! += weight;
  };
  /** What is wanted of `from` is wanted of `to`, whose word it takes over; together at most one vote. */
  const pass = (from: FlatId, to: FlatId): void => {
    const sum = Math.max(1, u[from]! + s[from]!);
    u[to]! += u[from]! / sum;
    s[to]! += s[from]! / sum;
  };

  const vote = (): void => {
    for (const r of next) for (const e of r?.enables ?? []) want(e, "u");
    for (const r of graph.reads) {
      want(r.addr, "u");
      want(r.enable, "u");
    }
    for (const m of graph.memories)
      for (const w of m.writes) for (const id of [w.addr, w.enable, w.mask]) want(id, "u");
    for (let id = nodes.length - 1; id >= 0; id--) {
      const n = nodes[id]!;
      switch (n.op) {
        case "const":
        case "input":
        case "reg":
        case "read":
        case "box":
          break;
        case "unary":
          if (n.fn === "not") pass(id, n.a);
          else if (n.fn !== "neg") want(n.a, "u");
          break;
        case "binary":
          switch (n.fn) {
            case "add":
            case "sub":
              break;
            case "and":
            case "or":
            case "xor":
              pass(id, n.a);
              pass(id, n.b);
              break;
            case "mul":
              if (n.width > nodes[n.a]!.width) want(n.a, n.signedness);
              if (n.width > nodes[n.b]!.width) want(n.b, n.signedness);
              break;
            case "eq":
            case "ne":
              want(n.a, "u", 0.4);
              want(n.b, "u", 0.4);
              break;
            case "lt":
            case "le":
              want(n.a, n.signedness);
              want(n.b, n.signedness);
              break;
            case "shl":
              want(n.b, "u");
              break;
            case "shr":
              want(n.a, n.signedness);
              want(n.b, "u");
              break;
            default:
              unreachable(n);
          }
          break;
        case "mux":
          want(n.sel, "u");
          pass(id, n.t);
          pass(id, n.f);
          break;
        case "select":
          want(n.index, "u");
          for (const c of n.cases) pass(id, c.value);
          pass(id, n.other);
          break;
        case "slice":
          if (n.lo > 0 && n.lo + n.width === nodes[n.a]!.width) pass(id, n.a);
          break;
        case "cat":
          pass(id, n.parts[0]!);
          for (const part of n.parts.slice(1)) want(part, "u");
          break;
        case "extend":
          want(n.a, n.signedness);
          break;
        case "fetch":
          want(n.addr, "u");
          break;
        default:
          unreachable(n);
      }
    }
  };

  // The second round takes the registers' own demands to their next values.
  vote();
  const registers = graph.registers.map((r) => [u[r.node]!, s[r.node]!] as const);
  u.fill(0);
  s.fill(0);
  for (const [i, r] of next.entries()) {
    if (r === null) continue;
    const [ru, rs] = registers[i]!;
    const sum = Math.max(1, ru + rs);
    u[r.value]! += ru / sum;
    s[r.value]! += rs / sum;
  }
  vote();
  return nodes.map((_, id) => (u[id]! === 0 && s[id]! === 0 ? "any" : u[id]! >= s[id]! ? "u" : "s"));
}
