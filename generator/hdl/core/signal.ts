/** Signals and their operators. */
import { type Builder, builder } from "./builder.js";
import { fail } from "../errors.js";
import type * as ir from "../ir.js";
import { here } from "../location.js";
import {
  bitsOf,
  fits,
  type Kind,
  type Lit,
  type Max,
  type MaxPlus1,
  maxOf,
  minOf,
  type Minus,
  type Plus,
  type SliceWidth,
  Ty,
  widthOfRange,
} from "../types.js";

type Other<K extends Kind> = Sig<K, number> | Lit;
type WidthOf<B> = B extends Sig<Kind, infer W> ? W : number;

const typeText = (s: { kind: Kind; width: number }): string => new Ty(s.kind, s.width).toString();

export class Sig<K extends Kind = Kind, W extends number = number> {
  constructor(
    readonly builder: Builder,
    readonly id: ir.NodeId,
    readonly kind: K,
    readonly width: W,
  ) {}

  get node(): ir.Node {
    return this.builder.nodes[this.id]!;
  }
  get loc(): ir.Loc | undefined {
    return this.node.loc;
  }
  get ty(): Ty<K, W> {
    return new Ty(this.kind, this.width);
  }

  /** Names the value in Verilog, waves and peek. */
  as(name: string): this {
    const n = this.node;
    if (n.named === true || n.op === "input" || n.op === "const") {
      // The value has a name already: a wire carries the second one.
      const alias = make(this.builder, this.kind, this.width, {
        op: "wire",
        driver: this.id,
        name,
        named: true,
      });
      return new (this.constructor as typeof Sig)(this.builder, alias.id, this.kind, this.width) as this;
    }
    this.builder.nodes[this.id] = { ...n, name, named: true };
    return this;
  }

  add<B extends Other<K>>(b: B): Sig<K, B extends Sig<Kind, infer V> ? MaxPlus1<W, V> : Plus<W, 1>> {
    return this.grow("add", b, this.kind) as never;
  }
  sub<B extends Other<K>>(b: B): Sig<"s", B extends Sig<Kind, infer V> ? MaxPlus1<W, V> : Plus<W, 1>> {
    return this.grow("sub", b, "s") as never;
  }
  addMod<B extends Other<K>>(b: B): Sig<K, B extends Sig<Kind, infer V> ? Max<W, V> : W> {
    return this.modulo("add", b) as never;
  }
  subMod<B extends Other<K>>(b: B): Sig<K, B extends Sig<Kind, infer V> ? Max<W, V> : W> {
    return this.modulo("sub", b) as never;
  }
  mul<B extends Other<K>>(b: B): Sig<K, Plus<W, B extends Sig ? WidthOf<B> : W>> {
    const o = partner(this, b, "mul");
    return binary("mul", this, o, this.kind, this.width + o.width) as never;
  }
  neg(): Sig<"s", Plus<W, 1>> {
    const x = this.resize(this.width + 1);
    return unary("neg", x, "s", x.width) as never;
  }
  not(): Sig<K, W> {
    return unary("not", this, this.kind, this.width) as never;
  }
  and(b: Other<K>): Sig<K, W> {
    return this.bitwise("and", b);
  }
  or(b: Other<K>): Sig<K, W> {
    return this.bitwise("or", b);
  }
  xor(b: Other<K>): Sig<K, W> {
    return this.bitwise("xor", b);
  }
  eq(b: Other<K>): Sig<"u", 1> {
    return compare("eq", this, b);
  }
  ne(b: Other<K>): Sig<"u", 1> {
    return compare("ne", this, b);
  }
  lt(b: Other<K>): Sig<"u", 1> {
    return compare("lt", this, b);
  }
  le(b: Other<K>): Sig<"u", 1> {
    return compare("le", this, b);
  }
  gt(b: Other<K>): Sig<"u", 1> {
    return compare("lt", this, b, true);
  }
  ge(b: Other<K>): Sig<"u", 1> {
    return compare("le", this, b, true);
  }

  shl<N extends number>(n: N): Sig<K, Plus<W, N>> {
    if (n === 0) return this as never;
    const zero = constant(this.builder, 0n, n);
    return make(this.builder, this.kind, this.width + n, { op: "cat", parts: [this.id, zero] }) as never;
  }
  shr<N extends number>(n: N): Sig<K, Minus<W, N>> {
    if (n === 0) return this as never;
    if (n >= this.width)
      return (
        this.kind === "s"
          ? slice(this, this.width - 1, this.width - 1, "s")
          : lit(new Ty("u", 1), 0, this.builder)
      ) as never;
    return slice(this, this.width - 1, n, this.kind) as never;
  }
  dshl(amount: Sig<"u", number>): Sig<K, W> {
    return this.shift("shl", amount);
  }
  dshr(amount: Sig<"u", number>): Sig<K, W> {
    return this.shift("shr", amount);
  }
  slice<Hi extends number, Lo extends number>(hi: Hi, lo: Lo): Sig<"u", SliceWidth<Hi, Lo>> {
    return slice(this, hi, lo, "u") as never;
  }
  bit(i: number): Sig<"u", 1> {
    return slice(this, i, i, "u") as never;
  }
  extend<N extends number>(n: N): Sig<K, N> {
    if (n < this.width)
      fail(`extend(${n}) of ${typeText(this)} would lose bits; use .wrap(${n}) or .sat(${n})`, [
        { message: "declared here", loc: this.loc },
      ]);
    if ((n as number) === this.width) return this as never;
    return make(this.builder, this.kind, n, { op: "extend", signedness: this.kind, a: this.id }) as never;
  }
  wrap<N extends number>(n: N): Sig<K, N> {
    if (n > this.width)
      fail(`wrap(${n}) of ${typeText(this)} adds bits; use .extend(${n})`, [
        { message: "declared here", loc: this.loc },
      ]);
    return slice(this, n - 1, 0, this.kind) as never;
  }
  resize<N extends number>(n: N): Sig<K, N> {
    return n < this.width ? this.wrap(n) : this.extend(n);
  }
  sat<N extends number>(n: N): Sig<K, N> {
    if (n >= this.width) return this.extend(n);
    const ty = new Ty(this.kind as Kind, n as number);
    return this.clamp(minOf(ty), maxOf(ty)).resize(n) as never;
  }
  clamp(lo: Lit, hi: Lit): Sig<K, number> {
    const [l, h] = [BigInt(lo), BigInt(hi)];
    const width = widthOfRange(this.kind, l, h);
    const ty = new Ty(this.kind as Kind, width);
    const [own] = [new Ty(this.kind as Kind, this.width as number)];
    let out = this.resize(width) as Sig<Kind, number>;
    if (maxOf(own) > h) out = mux((this as Sig).gt(literalLike(this, h)), lit(ty, h, this.builder), out);
    if (minOf(own) < l) out = mux((this as Sig).lt(literalLike(this, l)), lit(ty, l, this.builder), out);
    return out as never;
  }
  roundShr<N extends number>(n: N): Sig<K, number> {
    if (n === 0) return this as never;
    const half = lit(
      new Ty(this.kind as Kind, this.kind === "s" ? n + 1 : n),
      1n << BigInt(n - 1),
      this.builder,
    );
    return (this as Sig).add(half as never).shr(n) as never;
  }
  orR(): Sig<"u", 1> {
    return unary("orr", this, "u", 1) as never;
  }
  andR(): Sig<"u", 1> {
    return unary("andr", this, "u", 1) as never;
  }
  xorR(): Sig<"u", 1> {
    return unary("xorr", this, "u", 1) as never;
  }
  isNeg(): Sig<"u", 1> {
    return this.bit(this.width - 1);
  }
  toSigned(): Sig<"s", Plus<W, 1>> {
    return this.asUnsigned()
      .extend(this.width + 1)
      .asSigned() as never;
  }
  asSigned(): Sig<"s", W> {
    return new Sig(this.builder, this.id, "s", this.width);
  }
  asUnsigned(): Sig<"u", W> {
    return new Sig(this.builder, this.id, "u", this.width);
  }

  private grow(fn: "add" | "sub", b: Other<K>, kind: Kind): Sig {
    const o = partner(this, b, fn);
    const w = Math.max(this.width, o.width) + 1;
    return binary(fn, this.resize(w), o.resize(w), kind, w);
  }
  private modulo(fn: "add" | "sub", b: Other<K>): Sig {
    const o = partner(this, b, `${fn}Mod`);
    const w = Math.max(this.width, o.width);
    return binary(fn, this.resize(w), o.resize(w), this.kind, w);
  }
  private bitwise(fn: "and" | "or" | "xor", b: Other<K>): Sig<K, W> {
    const o = partner(this, b, fn);
    if (o.width !== this.width)
      fail(`${fn}: operands have ${this.width} and ${o.width} bits`, [
        { message: "left operand", loc: this.loc },
        { message: "right operand", loc: o.loc },
      ]);
    return binary(fn, this, o, this.kind, this.width) as never;
  }
  private shift(fn: "shl" | "shr", amount: Sig<"u", number>): Sig<K, W> {
    if (amount.kind !== "u") fail(`the amount of a shift is unsigned; this one is ${typeText(amount)}`);
    return binary(fn, this, amount, this.kind, this.width) as never;
  }
}

const locField = (): { loc?: ir.Loc } => {
  const loc = here();
  return loc === undefined ? {} : { loc };
};
type Bare = ir.Node extends infer N
  ? N extends ir.Node
    ? Omit<N, "width" | "loc" | "signed">
    : never
  : never;
export const make = <K extends Kind>(b: Builder, kind: K, width: number, n: Bare): Sig<K, number> => {
  const node = { ...n, width, signed: kind === "s", ...locField() } as ir.Node;
  const id = b.add(b.aging === null ? node : b.aging.balance(node));
  b.aging?.note(id);
  return new Sig(b, id, kind, width);
};
const constant = (b: Builder, value: bigint, width: number): ir.NodeId =>
  b.add({ op: "const", width, value });
export const unary = (fn: ir.UnaryFn, a: Sig, kind: Kind, width: number): Sig =>
  make(a.builder, kind, width, { op: "unary", fn, a: a.id });
export const binary = (fn: ir.BinaryFn, a: Sig, b: Sig, kind: Kind, width: number): Sig =>
  make(a.builder, kind, width, { op: "binary", fn, signedness: a.kind, a: a.id, b: b.id });
const slice = (a: Sig, hi: number, lo: number, kind: Kind): Sig => {
  if (!(0 <= lo && lo <= hi && hi < a.width))
    fail(`bits ${hi}..${lo} of a signal of ${a.width} bits`, [{ message: "declared here", loc: a.loc }]);
  if (lo === 0 && hi === a.width - 1) return new Sig(a.builder, a.id, kind, a.width);
  return make(a.builder, kind, hi - lo + 1, { op: "slice", a: a.id, lo });
};

export function lit<K extends Kind, W extends number>(
  ty: Ty<K, W>,
  value: Lit,
  b: Builder = builder(),
): Sig<K, W> {
  const v = BigInt(value);
  if (!fits(ty, v)) fail(`${value} does not fit ${ty}`);
  return new Sig(
    b,
    b.add({
      op: "const",
      width: ty.width,
      value: bitsOf(v, ty.width),
      signed: ty.kind === "s",
      ...locField(),
    }),
    ty.kind,
    ty.width,
  );
}
/** A literal in the kind of `like`, as wide as it needs. */
const literalLike = (like: Sig, value: bigint): Sig => {
  if (like.kind === "u" && value < 0n) fail(`${value} meets an unsigned signal`);
  return lit(
    new Ty(like.kind, Math.max(widthOfRange(like.kind, value < 0n ? value : 0n, value < 0n ? 0n : value), 1)),
    value,
    like.builder,
  );
};
const sameModule = (a: Sig, b: Sig): void => {
  if (a.builder !== b.builder)
    fail(
      `a signal of module '${b.builder.name}' is used in module '${a.builder.name}'; pass it through ports`,
      [{ message: "declared here", loc: b.loc }],
    );
};
/** The second operand as a signal of the first one's module and kind. */
const partner = (a: Sig, b: Other<Kind>, what: string): Sig => {
  if (!(b instanceof Sig)) return lit(a.ty, b, a.builder);
  sameModule(a, b);
  if (a.kind !== b.kind)
    fail(`${what}: ${typeText(a)} meets ${typeText(b)}; use .toSigned(), .asSigned() or .asUnsigned()`, [
      { message: "left operand", loc: a.loc },
      { message: "right operand", loc: b.loc },
    ]);
  return b;
};
const compare = (fn: "eq" | "ne" | "lt" | "le", a: Sig, b: Other<Kind>, swap = false): Sig<"u", 1> => {
  const o = b instanceof Sig ? partner(a, b, fn) : literalLike(a, BigInt(b));
  const w = Math.max(a.width, o.width);
  const [l, r] = swap ? [o.resize(w), a.resize(w)] : [a.resize(w), o.resize(w)];
  return make(a.builder, "u", 1, { op: "binary", fn, signedness: a.kind, a: l.id, b: r.id }) as Sig<"u", 1>;
};

/** Any nest of records and arrays of signals. */
export type Tree = Sig | { readonly [k: string]: Tree } | readonly Tree[];
/** Applies f to the leaves of equally shaped trees. */
export const zipTrees = (trees: readonly unknown[], f: (leaves: never[]) => unknown): unknown => {
  const sample = trees.find((t) => typeof t === "object");
  if (sample === undefined || sample instanceof Sig) return f(trees as never[]);
  if (Array.isArray(sample))
    return sample.map((_, i) =>
      zipTrees(
        trees.map((t) => (t as unknown[])[i]),
        f,
      ),
    );
  return Object.fromEntries(
    Object.keys(sample as object).map((k) => [
      k,
      zipTrees(
        trees.map((t) => (t as Record<string, unknown>)[k]),
        f,
      ),
    ]),
  );
};
const unify = (values: readonly (Sig | Lit)[], what: string): Sig[] => {
  const first =
    values.find((v): v is Sig => v instanceof Sig) ?? fail(`${what}: at least one value must be a signal`);
  const sigs = values.map((v) =>
    v instanceof Sig ? partner(first, v, what) : literalLike(first, BigInt(v)),
  );
  const w = Math.max(...sigs.map((s) => s.width));
  return sigs.map((s) => s.resize(w));
};

type Widen<T, F> =
  T extends Sig<infer K, infer A>
    ? F extends Sig<Kind, infer B>
      ? Sig<K, Max<A, B>>
      : T
    : T extends Lit
      ? F
      : T;
export function mux<T, F>(c: Sig<"u", 1>, t: T, f: F): Widen<T, F> {
  if (c.width !== 1) fail(`the condition of mux has ${c.width} bits`);
  return zipTrees([t, f], (leaves: (Sig | Lit)[]) => {
    const [x, y] = unify(leaves, "mux") as [Sig, Sig];
    sameModule(c, x);
    return make(c.builder, x.kind, x.width, { op: "mux", sel: c.id, t: x.id, f: y.id });
  }) as never;
}
export function select<T>(index: Sig<"u", number>, values: readonly T[]): T;
export function select<T>(index: Sig<"u", number>, cases: readonly (readonly [Lit, T])[], other: T): T;
export function select(index: Sig<"u", number>, values: readonly unknown[], other?: unknown): unknown {
  const pairs: readonly (readonly [Lit, unknown])[] =
    other === undefined ? values.map((v, i) => [i, v] as const) : (values as never);
  const last = other === undefined ? values[values.length - 1] : other;
  const used = pairs.filter(([m]) => BigInt(m) < 1n << BigInt(index.width));
  return zipTrees([...used.map(([, v]) => v), last], (leaves: (Sig | Lit)[]) => {
    const sigs = unify(leaves, "select");
    const rest = sigs[sigs.length - 1]!;
    return make(index.builder, rest.kind, rest.width, {
      op: "select",
      index: index.id,
      other: rest.id,
      cases: used
        .map(([m], i) => ({ match: BigInt(m), value: sigs[i]!.id }))
        .filter((c) => c.value !== rest.id || other !== undefined),
    });
  });
}
export const cat = (...parts: readonly Sig[]): Sig<"u", number> => {
  const width = parts.reduce((n, p) => n + p.width, 0);
  return parts.length === 1
    ? parts[0]!.asUnsigned()
    : make(parts[0]!.builder, "u", width, { op: "cat", parts: parts.map((p) => p.id) });
};
export const replicate = (a: Sig, n: number): Sig<"u", number> => cat(...Array.from({ length: n }, () => a));
export const tree = <T>(xs: readonly T[], f: (a: T, b: T) => T): T => {
  if (xs.length === 0) fail("tree of nothing");
  let level = [...xs];
  while (level.length > 1)
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      2 * i + 1 < level.length ? f(level[2 * i]!, level[2 * i + 1]!) : level[2 * i]!,
    );
  return level[0]!;
};
export const sum = <K extends Kind>(xs: readonly Sig<K, number>[]): Sig<K, number> =>
  tree(xs, (a, b) => a.add(b) as Sig<K, number>);
export const anyOf = (xs: readonly Sig<"u", 1>[]): Sig<"u", 1> => tree(xs, (a, b) => a.or(b));
export const allOf = (xs: readonly Sig<"u", 1>[]): Sig<"u", 1> => tree(xs, (a, b) => a.and(b));
