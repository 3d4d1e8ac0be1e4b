/** Expressions of Verilog-2005. Every text is self-determined at the width of its node, wherever it stands. */
import type * as ir from "../ir.js";
import type { Plan } from "./plan.js";

/** `8'd129`; negative numbers of signed values as `-8'sd127`, which reads as it counts. */
export const literal = (value: bigint, width: number, signed = false): string => {
  if (width === 1) return `1'b${value}`;
  const half = 1n << BigInt(width - 1);
  // The most negative value has no positive counterpart of its width.
  return signed && value > half ? `-${width}'sd${(half << 1n) - value}` : `${width}'d${value}`;
};

export const range = (width: number): string => (width === 1 ? "" : `[${width - 1}:0] `);

/** True for one concatenation, whose first brace closes at the end. */
const bracketed = (text: string): boolean => {
  if (!text.startsWith("{")) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    depth += text[i] === "{" ? 1 : text[i] === "}" ? -1 : 0;
    if (depth === 0) return i === text.length - 1;
  }
  return false;
};
export const paren = (text: string): string =>
  /^[A-Za-z0-9_'$[\]:]+$/.test(text) || bracketed(text) ? text : `(${text})`;

/** The parts of a mux that is written as a list: conditions with their values, and what remains. */
export interface Choices {
  readonly when: readonly { readonly condition: string; readonly value: string }[];
  readonly other: string;
}

export class Expressions {
  constructor(
    private readonly m: ir.Module,
    private readonly plan: Plan,
    private readonly names: ReadonlyMap<ir.NodeId, string>,
  ) {}

  /** The node where it is used: its name, or its text. */
  of(id: ir.NodeId): string {
    const n = this.m.nodes[id]!;
    if (!this.plan.live(id) && n.op !== "input") return literal(0n, n.width); // what nothing observes is not declared
    return this.names.get(id) ?? this.text(id);
  }

  /** Bits hi..lo of the node, which is a constant or has a name. */
  bits(id: ir.NodeId, hi: number, lo: number): string {
    const n = this.m.nodes[id]!;
    const width = hi - lo + 1;
    if (n.op === "const") return literal((n.value >> BigInt(lo)) & ((1n << BigInt(width)) - 1n), width);
    if (!this.plan.live(id) && n.op !== "input") return literal(0n, width);
    const name = this.names.get(id);
    if (name === undefined) {
      if (n.op === "slice") return this.bits(n.a, hi + n.lo, lo + n.lo);
      throw new Error(`bits of a node without a name (${n.op})`);
    }
    if (n.width === 1 || width === n.width) return name;
    return hi === lo ? `${name}[${hi}]` : `${name}[${hi}:${lo}]`;
  }

  /** The operator itself, for a declaration. */
  text(id: ir.NodeId): string {
    const n = this.m.nodes[id]!;
    switch (n.op) {
      case "const":
        return literal(n.value, n.width, n.signed);
      case "wire":
        return this.of(n.driver!);
      case "unary":
        return this.unary(n);
      case "binary":
        return this.binary(n);
      case "mux":
        return `${paren(this.of(n.sel))} ? ${this.arm(n.t)} : ${this.arm(n.f)}`;
      case "slice":
        return this.bits(n.a, n.lo + n.width - 1, n.lo);
      case "cat":
        return `{${n.parts.map((p) => this.part(p)).join(", ")}}`;
      case "extend":
        return this.extend(n);
      case "input":
      case "instOut":
      case "reg":
      case "memRead":
      case "select":
        throw new Error(`${n.op} is no expression`);
    }
  }

  /** A mux and those behind it, as conditions in order. */
  choices(id: ir.NodeId): Choices {
    const when: { condition: string; value: string }[] = [];
    let at = id;
    for (;;) {
      const n = this.m.nodes[at]!;
      if (n.op !== "mux" || (at !== id && this.names.has(at))) return { when, other: this.arm(at) };
      when.push({ condition: paren(this.of(n.sel)), value: this.arm(n.t) });
      at = n.f;
    }
  }

  /** What a condition chooses. */
  private arm(id: ir.NodeId): string {
    const text = this.of(id);
    return this.m.nodes[id]!.op === "const" ? text : paren(text);
  }

  private unary(n: ir.Unary): string {
    const a = paren(this.of(n.a));
    switch (n.fn) {
      case "not":
        return `~${a}`;
      case "neg":
        return `${literal(0n, n.width)} - ${a}`;
      case "andr":
        return `&${a}`;
      case "orr":
        return `|${a}`;
      case "xorr":
        return `^${a}`;
    }
  }

  private binary(n: ir.Binary): string {
    const [a, b] = [paren(this.of(n.a)), paren(this.of(n.b))];
    switch (n.fn) {
      case "add":
        return `${a} + ${b}`;
      case "sub":
        return `${a} - ${b}`;
      case "mul":
        return `${this.factor(n, n.a)} * ${this.factor(n, n.b)}`;
      case "and":
        return `${this.term(n, n.a)} & ${this.term(n, n.b)}`;
      case "or":
        return `${this.term(n, n.a)} | ${this.term(n, n.b)}`;
      case "xor":
        return `${this.term(n, n.a)} ^ ${this.term(n, n.b)}`;
      case "eq":
        return `${a} == ${b}`;
      case "ne":
        return `${a} != ${b}`;
      case "lt":
        return `${this.side(n, n.a)} < ${this.side(n, n.b)}`;
      case "le":
        // Verilator 5.006 folds a signed `<=` of two equal sides to 0.
        return n.signedness === "s"
          ? `!(${this.side(n, n.b)} < ${this.side(n, n.a)})`
          : `${this.side(n, n.a)} <= ${this.side(n, n.b)}`;
      case "shl":
        return this.shift(n, `${a} << ${this.amount(n.b)}`, literal(0n, n.width));
      case "shr":
        return n.signedness === "u"
          ? this.shift(n, `${a} >> ${this.amount(n.b)}`, literal(0n, n.width))
          : this.shiftSigned(n);
    }
  }
  /** An operand of and, or, xor: the same operator needs no brackets. */
  private term(n: ir.Binary, id: ir.NodeId): string {
    const operand = this.m.nodes[id]!;
    return operand.op === "binary" && operand.fn === n.fn ? this.of(id) : paren(this.of(id));
  }
  /** A factor, which the product widens: a constant stands there at the product's width. */
  private factor(n: ir.Binary, id: ir.NodeId): string {
    const operand = this.m.nodes[id]!;
    if (operand.op !== "const") return this.side(n, id);
    if (n.signedness === "u") return literal(operand.value, operand.width);
    if (operand.width > n.width) return `$signed(${literal(operand.value, operand.width)})`;
    const half = 1n << BigInt(operand.width - 1);
    return operand.value < half
      ? `${n.width}'sd${operand.value}`
      : `-${n.width}'sd${2n * half - operand.value}`;
  }
  /** An operand of a comparison; both sides must say that they are signed. */
  private side(n: ir.Binary, id: ir.NodeId): string {
    const operand = this.m.nodes[id]!;
    if (n.signedness === "u") return paren(this.of(id));
    if (operand.op !== "const" || operand.width === 1) return `$signed(${this.of(id)})`;
    const half = 1n << BigInt(operand.width - 1);
    if (operand.value < half) return `${operand.width}'sd${operand.value}`;
    return operand.value > half
      ? literal(operand.value, operand.width, true)
      : `$signed(${literal(half, operand.width)})`;
  }
  /** Tools take shift counts of 32 bits; higher bits shift everything out. */
  private amount(id: ir.NodeId): string {
    return this.m.nodes[id]!.width > 32 ? this.bits(id, 31, 0) : paren(this.of(id));
  }
  private shift(n: ir.Binary, text: string, out: string): string {
    const { width } = this.m.nodes[n.b]!;
    return width > 32 ? `(|${this.bits(n.b, width - 1, 32)}) ? ${out} : (${text})` : text;
  }
  private shiftSigned(n: ir.Binary): string {
    const text = `$signed(${this.of(n.a)}) >>> ${this.amount(n.b)}`;
    return this.m.nodes[n.b]!.width > 32 ? this.shift(n, text, this.sign(n.a, n.width)) : text;
  }
  /** `width` copies of the sign. */
  private sign(id: ir.NodeId, width: number): string {
    const top = this.m.nodes[id]!.width - 1;
    const bit = this.bits(id, top, top);
    return width === 1 ? bit : `{${width}{${bit}}}`;
  }
  private extend(n: ir.Extend): string {
    const more = n.width - this.m.nodes[n.a]!.width;
    if (more === 0) return this.of(n.a);
    return n.signedness === "u"
      ? `{${literal(0n, more)}, ${this.part(n.a)}}`
      : `{${this.sign(n.a, more)}, ${this.part(n.a)}}`;
  }
  /** Inside braces: those of a concatenation in it are not needed. */
  private part(id: ir.NodeId): string {
    const text = this.of(id);
    return bracketed(text) && !/^\{\d+\{/.test(text) ? text.slice(1, -1) : text;
  }
}
