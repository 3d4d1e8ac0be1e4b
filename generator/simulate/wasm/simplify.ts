/**
 * A graph builder that folds constants, removes what does nothing, and gives equal nodes one id. It works node by
 * node on operands that are simplified already; values are unchanged bit for bit.
 */
import {
  type CombNode,
  type FlatBinary,
  type FlatCat,
  type FlatExtend,
  type FlatId,
  type FlatMux,
  type FlatNode,
  type FlatSelect,
  type FlatSlice,
  type FlatUnary,
  unreachable,
} from "../graph.js";
import { evaluate, maskOf } from "../semantics.js";

export class GraphBuilder {
  readonly nodes: FlatNode[] = [];
  private readonly ids = new Map<string, FlatId>();

  /** The id of a node equal to this one, simplified. */
  add(node: FlatNode): FlatId {
    switch (node.op) {
      case "input":
      case "reg":
      case "read":
      case "box":
        return this.push(node);
      case "const":
      case "fetch":
        return this.unique(node);
      case "unary":
        return this.folded(node) ?? this.unary(node);
      case "binary":
        return this.folded(node) ?? this.binary(node);
      case "mux":
        return this.mux(node);
      case "select":
        return this.select(node);
      case "slice":
        return this.folded(node) ?? this.slice(node);
      case "cat":
        return this.folded(node) ?? this.cat(node);
      case "extend":
        return this.folded(node) ?? this.extend(node);
      default:
        return unreachable(node);
    }
  }

  constant(width: number, value: bigint): FlatId {
    return this.unique({ op: "const", width, value });
  }

  /** The value of a constant, else undefined. */
  valueOf(id: FlatId): bigint | undefined {
    const n = this.nodes[id]!;
    return n.op === "const" ? n.value : undefined;
  }

  widthOf(id: FlatId): number {
    return this.nodes[id]!.width;
  }

  private push(node: FlatNode): FlatId {
    this.nodes.push(node);
    return this.nodes.length - 1;
  }

  private unique(node: CombNode): FlatId {
    const key = keyOf(node);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.push(node);
      this.ids.set(key, id);
    }
    return id;
  }

  /** The value of a node whose operands are all constant. */
  private folded(node: FlatUnary | FlatBinary | FlatSlice | FlatCat | FlatExtend): FlatId | undefined {
    const constant = (id: FlatId): boolean => this.nodes[id]!.op === "const";
    const all =
      node.op === "cat"
        ? node.parts.every(constant)
        : constant(node.a) && (node.op !== "binary" || constant(node.b));
    if (!all) return undefined;
    const value = evaluate(node, {
      value: (id) => this.valueOf(id)!,
      width: (id) => this.widthOf(id),
      fetch: () => 0n,
    });
    return this.constant(node.width, value);
  }

  private unary(node: FlatUnary): FlatId {
    const a = this.nodes[node.a]!;
    if (node.fn === "not" && a.op === "unary" && a.fn === "not") return a.a;
    if (a.width === 1 && node.fn !== "not") return node.a; // of one bit, neg and the reductions are the bit
    return this.unique(node);
  }

  private binary(node: FlatBinary): FlatId {
    const { fn, width, a, b } = node;
    const va = this.valueOf(a);
    const vb = this.valueOf(b);
    const zero = (): FlatId => this.constant(width, 0n);
    switch (fn) {
      case "and":
        if (va === 0n || vb === 0n) return zero();
        if (va === maskOf(width) || a === b) return b;
        if (vb === maskOf(width)) return a;
        break;
      case "or":
        if (va === 0n || a === b) return b;
        if (vb === 0n) return a;
        if (va === maskOf(width) || vb === maskOf(width)) return this.constant(width, maskOf(width));
        break;
      case "add":
      case "xor":
        if (va === 0n) return b;
        if (vb === 0n) return a;
        if (fn === "xor" && a === b) return zero();
        if (width === 1 && vb === 1n) return this.add({ op: "unary", fn: "not", width, a });
        break;
      case "sub":
        if (vb === 0n) return a;
        if (a === b) return zero();
        break;
      case "shl":
      case "shr":
        if (vb === 0n) return a;
        if (vb !== undefined) return this.constantShift(node, vb);
        break;
      case "mul":
        if (va === 0n || vb === 0n) return zero();
        break;
      case "eq":
      case "ne": {
        if (a === b) return this.constant(1, fn === "eq" ? 1n : 0n);
        const [bit, value] = vb !== undefined ? [a, vb] : [b, va];
        if (this.widthOf(a) === 1 && value !== undefined) {
          return (value === 1n) === (fn === "eq")
            ? bit
            : this.add({ op: "unary", fn: "not", width: 1, a: bit });
        }
        break;
      }
      case "lt":
        if (a === b) return zero();
        break;
      case "le":
        if (a === b) return this.constant(1, 1n);
        break;
      default:
        return unreachable(fn);
    }
    const commutes =
      fn === "add" ||
      fn === "and" ||
      fn === "or" ||
      fn === "xor" ||
      fn === "mul" ||
      fn === "eq" ||
      fn === "ne";
    return this.unique(commutes && a > b ? { ...node, a: b, b: a } : node);
  }

  private constantShift(node: FlatBinary, by: bigint): FlatId {
    const { width, a } = node;
    const left = node.fn === "shl";
    const sign = !left && node.signedness === "s";
    if (by >= BigInt(width)) {
      if (!sign) return this.constant(width, 0n);
      by = BigInt(width - 1);
    }
    const n = Number(by);
    const kept = this.add({ op: "slice", width: width - n, a, lo: left ? 0 : n });
    if (left) return this.add({ op: "cat", width, parts: [kept, this.constant(n, 0n)] });
    return this.add({ op: "extend", width, signedness: node.signedness, a: kept });
  }

  private mux(node: FlatMux): FlatId {
    const { sel, t, f, width } = node;
    const s = this.valueOf(sel);
    if (s !== undefined) return s === 1n ? t : f;
    if (t === f) return t;
    const cond = this.nodes[sel]!;
    if (cond.op === "unary" && cond.fn === "not") return this.mux({ ...node, sel: cond.a, t: f, f: t });
    if (width === 1) {
      const vt = this.valueOf(t);
      const vf = this.valueOf(f);
      const gate = (fn: "and" | "or", a: FlatId, b: FlatId): FlatId =>
        this.add({ op: "binary", fn, signedness: "u", width: 1, a, b });
      if (vt !== undefined && vf !== undefined)
        return vt === 1n ? sel : this.add({ op: "unary", fn: "not", width: 1, a: sel });
      if (vt === 1n) return gate("or", sel, f);
      if (vf === 0n) return gate("and", sel, t);
    }
    return this.unique(node);
  }

  private select(node: FlatSelect): FlatId {
    const index = this.valueOf(node.index);
    if (index !== undefined) return node.cases.find((c) => c.match === index)?.value ?? node.other;
    const wi = this.widthOf(node.index);
    let { cases, other } = node;
    // When every index has its case, `other` is never seen; the last case can take its place.
    if (wi < 20 && cases.length === 2 ** wi) {
      other = cases[cases.length - 1]!.value;
      cases = cases.slice(0, -1);
    }
    const single = other;
    if (cases.every((c) => c.value === single)) return other;
    if (wi === 1) {
      const one = cases.find((c) => c.match === 1n)?.value ?? other;
      const none = cases.find((c) => c.match === 0n)?.value ?? other;
      return this.mux({ op: "mux", width: node.width, sel: node.index, t: one, f: none });
    }
    return this.unique({ ...node, cases, other });
  }

  private slice(node: FlatSlice): FlatId {
    const { width, lo } = node;
    const a = this.nodes[node.a]!;
    if (a.width === width) return node.a;
    switch (a.op) {
      case "slice":
        return this.add({ ...node, a: a.a, lo: lo + a.lo });
      case "extend": {
        const inner = this.widthOf(a.a);
        if (lo + width <= inner) return this.add({ ...node, a: a.a });
        if (lo >= inner && a.signedness === "u") return this.constant(width, 0n);
        if (lo < inner) {
          return this.add({
            op: "extend",
            width,
            signedness: a.signedness,
            a: this.add({ op: "slice", width: inner - lo, a: a.a, lo }),
          });
        }
        break;
      }
      case "cat": {
        // Only the parts that are looked at, when that makes the cat smaller.
        const kept: FlatId[] = [];
        let at = a.width;
        for (const part of a.parts) {
          const w = this.widthOf(part);
          at -= w;
          const from = Math.max(lo, at);
          const to = Math.min(lo + width, at + w);
          if (from < to) kept.push(this.add({ op: "slice", width: to - from, a: part, lo: from - at }));
        }
        return kept.length === 1 ? kept[0]! : this.add({ op: "cat", width, parts: kept });
      }
      default:
        break;
    }
    return this.unique(node);
  }

  private cat(node: FlatCat): FlatId {
    const parts: FlatId[] = [];
    const append = (id: FlatId): void => {
      const n = this.nodes[id]!;
      const last = parts.length === 0 ? undefined : this.nodes[parts[parts.length - 1]!]!;
      if (n.op === "cat") for (const part of n.parts) append(part);
      else if (last?.op === "const" && n.op === "const") {
        parts[parts.length - 1] = this.constant(
          last.width + n.width,
          (last.value << BigInt(n.width)) | n.value,
        );
      } else if (last?.op === "slice" && n.op === "slice" && last.a === n.a && last.lo === n.lo + n.width) {
        parts[parts.length - 1] = this.add({ op: "slice", width: last.width + n.width, a: n.a, lo: n.lo });
      } else parts.push(id);
    };
    node.parts.forEach(append);
    if (parts.length === 1) return parts[0]!;
    if (this.valueOf(parts[0]!) === 0n) {
      const rest = parts.slice(1);
      const width = rest.reduce((sum, p) => sum + this.widthOf(p), 0);
      const a = rest.length === 1 ? rest[0]! : this.unique({ op: "cat", width, parts: rest });
      return this.add({ op: "extend", width: node.width, signedness: "u", a });
    }
    return this.unique({ ...node, parts });
  }

  private extend(node: FlatExtend): FlatId {
    const a = this.nodes[node.a]!;
    if (a.width === node.width) return node.a;
    if (
      a.op === "extend" &&
      a.width > this.widthOf(a.a) &&
      (a.signedness === node.signedness || a.signedness === "u")
    ) {
      return this.add({ ...node, signedness: a.signedness, a: a.a });
    }
    return this.unique(node);
  }
}

/** Equal for nodes that always have equal values. */
function keyOf(node: CombNode): string {
  const w = node.width;
  switch (node.op) {
    case "const":
      return `c${w} ${node.value}`;
    case "unary":
      return `${node.fn}${w} ${node.a}`;
    case "binary":
      return `${node.fn}${node.signedness}${w} ${node.a} ${node.b}`;
    case "mux":
      return `m${node.sel} ${node.t} ${node.f}`;
    case "select":
      return `s${node.index} ${node.cases.map((c) => `${c.match}:${c.value}`).join(" ")} ${node.other}`;
    case "slice":
      return `l${w} ${node.lo} ${node.a}`;
    case "cat":
      return `t${node.parts.join(" ")}`;
    case "extend":
      return `x${node.signedness}${w} ${node.a}`;
    case "fetch":
      return `f${node.mem} ${node.addr}`;
    default:
      return unreachable(node);
  }
}
