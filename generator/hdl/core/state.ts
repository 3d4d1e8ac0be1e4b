/** Registers, wires, memories and what guards them. */
import { builder, type OpenMemory } from "./builder.js";
import { fail } from "../errors.js";
import type * as ir from "../ir.js";
import { here } from "../location.js";
import { cat, lit, make, Sig, zipTrees } from "./signal.js";
import {
  type AtMost,
  bitsOf,
  fits,
  indexWidth,
  type Kind,
  type Lit,
  type Shape,
  StreamShape,
  Ty,
  uint,
  Vec,
} from "../types.js";

/** The signals of a shape. */
export type Of<S> =
  S extends Ty<infer K, infer W>
    ? Sig<K, W>
    : S extends Vec<infer E>
      ? Of<E>[]
      : S extends StreamShape<infer P>
        ? import("./stream.js").Stream<P>
        : S extends object
          ? { [F in keyof S]: Of<S[F]> }
          : never;
export type RegOf<S> =
  S extends Ty<infer K, infer W>
    ? Reg<K, W>
    : S extends Vec<infer E>
      ? RegOf<E>[]
      : S extends object
        ? { [F in keyof S]: RegOf<S[F]> }
        : never;

export interface StateOptions {
  readonly reset?: Lit;
  readonly domain?: string;
}
const locField = (): { loc?: ir.Loc } => {
  const loc = here();
  return loc === undefined ? {} : { loc };
};

/** Value as it can be stored in `width` bits of `kind`; null after an error. */
const stored = (
  what: string,
  name: string,
  ty: Ty,
  value: Sig | Lit,
  declared: ir.Loc | undefined,
): Sig | null => {
  const b = builder();
  if (!(value instanceof Sig)) {
    if (!fits(ty, BigInt(value))) {
      b.error(`${what} '${name}' is ${ty}, the value ${value} does not fit`);
      return null;
    }
    return lit(ty, value);
  }
  if (value.builder !== b) fail(`a signal of module '${value.builder.name}' is used in module '${b.name}'`);
  const place =
    declared === undefined ? "" : ` (declared at ${declared.file}:${declared.line}:${declared.col})`;
  if (value.kind !== ty.kind) {
    b.error(
      `${what} '${name}' is ${ty}${place}, the value ${value.kind}int(${value.width}); use .asSigned() or .asUnsigned()`,
    );
    return null;
  }
  if (value.width > ty.width) {
    b.error(
      `${what} '${name}' has ${ty.width} bits${place}, the value has ${value.width}; use .wrap(${ty.width}) or .sat(${ty.width})`,
    );
    return null;
  }
  return value.resize(ty.width);
};

/** `unknown` when a value fits W bits as far as `tsc` can tell, else a sentence for its error. */
type Fits<V, W extends number> = V extends Sig<Kind, infer B> ? AtMost<B, W> : unknown;

/** A register; a signal with `set`. */
export class Reg<K extends Kind = Kind, W extends number = number> extends Sig<K, W> {
  set<V extends Sig<K, number> | Lit>(value: V & Fits<V, W>): void {
    const n = this.node as ir.Reg;
    if (builder() !== this.builder)
      fail(`register '${n.name}' of module '${this.builder.name}' is set in module '${builder().name}'`);
    const v = stored("register", n.name ?? "", this.ty, value, n.loc);
    if (v === null) {
      this.builder.refused.add(this.id);
      return;
    }
    const guards = this.builder.guards;
    const guard = guards.length === 0 ? null : guards[guards.length - 1]!;
    this.builder.nodes[this.id] = {
      ...(this.builder.nodes[this.id] as ir.Reg),
      updates: [...(this.builder.nodes[this.id] as ir.Reg).updates, { guard, value: v.id }],
    };
  }
}
export function reg<K extends Kind, W extends number>(
  name: string,
  ty: Ty<K, W>,
  o: StateOptions = {},
): Reg<K, W> {
  const b = builder();
  const reset = o.reset ?? ty.reset;
  if (reset !== undefined && !fits(ty, BigInt(reset)))
    fail(`reset value ${reset} of '${name}' does not fit ${ty}`);
  const id = b.add({
    op: "reg",
    width: ty.width,
    signed: ty.kind === "s",
    name,
    named: true,
    domain: b.domain(o.domain),
    updates: [],
    ...(reset === undefined ? {} : { reset: bitsOf(BigInt(reset), ty.width) }),
    ...locField(),
  });
  return new Reg(b, id, ty.kind, ty.width);
}
export const regs = <S extends Record<string, Ty>>(
  shape: S,
  o: StateOptions = {},
): { [F in keyof S]: RegOf<S[F]> } =>
  Object.fromEntries(Object.entries(shape).map(([name, ty]) => [name, reg(name, ty, o)])) as never;

/** Calls f with the leaf types of a shape and their flattened names. */
export const mapShape = (shape: Shape, name: string, f: (ty: Ty, name: string) => unknown): unknown => {
  if (shape instanceof Ty) return f(shape, name);
  if (shape instanceof Vec)
    return Array.from({ length: shape.length }, (_, i) => mapShape(shape.element, `${name}_${i}`, f));
  if (shape instanceof StreamShape) return fail(`'${name}': a stream cannot be stored`);
  return Object.fromEntries(
    Object.entries(shape).map(([k, s]) => [k, mapShape(s, name === "" ? k : `${name}_${k}`, f)]),
  );
};
export const regOf = <S extends Shape>(name: string, shape: S, o: StateOptions = {}): RegOf<S> =>
  mapShape(shape, name, (ty, n) => reg(n, ty, o)) as never;
export const setAll = (target: unknown, value: unknown): void => {
  zipTrees([target, value], ([t, v]: (Reg & Lit)[]) => {
    (t as Reg).set(v as never);
    return null;
  });
};

export function when(cond: Sig<"u", 1>, then: () => void, otherwise?: () => void): void {
  const b = builder();
  if (cond.width !== 1) fail(`the condition of when has ${cond.width} bits`);
  const outer = b.guards[b.guards.length - 1];
  const under = (c: Sig, body: () => void): void => {
    const g =
      outer === undefined
        ? c
        : make(b, "u", 1, { op: "binary", fn: "and", signedness: "u", a: outer, b: c.id });
    b.guards.push(g.id);
    try {
      body();
    } finally {
      b.guards.pop();
    }
  };
  under(cond, then);
  if (otherwise !== undefined) under(cond.not(), otherwise);
}

/** Delays by n cycles without reset; any tree of signals. */
export const delay = <T>(x: T, n: number, name = "", o: StateOptions = {}): T => {
  let out: unknown = x;
  for (let i = 0; i < n; i++)
    out = zipTrees([out], ([s]: Sig[]) => {
      const base = name !== "" ? `${name}_d${i + 1}` : delayed(s!.node.name);
      const r = reg(base, s!.ty, o);
      const saved = r.builder.guards.splice(0);
      r.set(s!);
      r.builder.guards.push(...saved);
      if (name === "" && s!.node.named !== true) r.builder.nodes[r.id] = { ...r.node, named: false };
      return r;
    });
  return out as T;
};
const delayed = (name: string | undefined): string => {
  const m = /^(.*)_d(\d+)$/.exec(name ?? "value");
  return m ? `${m[1]}_d${Number(m[2]) + 1}` : `${name ?? "value"}_d1`;
};
export const delayValid = (v: Sig<"u", 1>, n: number, name = ""): Sig<"u", 1> =>
  delay(v, n, name, { reset: 0 });

export class EnumReg<S extends string> {
  constructor(
    readonly reg: Reg,
    readonly states: readonly S[],
  ) {}
  is(state: S): Sig<"u", 1> {
    return this.reg.eq(this.states.indexOf(state)).as(`${this.reg.node.name ?? "state"}_is_${state}`);
  }
  go(state: S): void {
    this.reg.set(this.states.indexOf(state));
  }
}
export const enumReg = <const S extends string>(name: string, states: readonly S[]): EnumReg<S> =>
  new EnumReg(reg(name, uint(indexWidth(states.length)), { reset: 0 }), states);
export const match = <S extends string>(
  state: EnumReg<S>,
  cases: { readonly [K in S]: () => void },
): void => {
  for (const s of state.states) when(state.is(s), cases[s]);
};

/** A named alias that may be used before it is driven. */
export class Wire<K extends Kind = Kind, W extends number = number> extends Sig<K, W> {
  drive(value: Sig<K, number> | Lit): void {
    const n = this.node as ir.Wire;
    const { drives, refused, nodes } = this.builder;
    drives.set(this.id, [...(drives.get(this.id) ?? []), here()]);
    const v = stored("wire", n.name ?? "", this.ty, value, n.loc);
    if (v === null) refused.add(this.id);
    else nodes[this.id] = { ...n, driver: v.id };
  }
}
/** Without a name a wire is only a forward reference: it goes when it is driven. */
export const wire = <K extends Kind, W extends number>(name: string | null, ty: Ty<K, W>): Wire<K, W> =>
  new Wire(
    builder(),
    builder().add({
      op: "wire",
      width: ty.width,
      signed: ty.kind === "s",
      driver: null,
      ...(name === null ? {} : { name, named: true }),
      ...locField(),
    }),
    ty.kind,
    ty.width,
  );
export type WireOf<S> =
  S extends Ty<infer K, infer W>
    ? Wire<K, W>
    : S extends Vec<infer E>
      ? WireOf<E>[]
      : S extends object
        ? { [F in keyof S]: WireOf<S[F]> }
        : never;
export const wireOf = <S extends Shape>(name: string, shape: S): WireOf<S> =>
  mapShape(shape, name, (ty, n) => wire(n, ty)) as never;
export const driveAll = (target: unknown, value: unknown): void => {
  zipTrees([target, value], ([t, v]: (Wire & Lit)[]) => {
    (t as Wire).drive(v as never);
    return null;
  });
};

const leaves = (shape: Shape): Ty[] => {
  const out: Ty[] = [];
  mapShape(shape, "", (ty) => out.push(ty));
  return out;
};
/** All bits of a tree, first leaf lowest. */
export const pack = (shape: Shape, value: unknown): Sig<"u", number> => {
  const parts: Sig[] = [];
  let i = 0;
  const types = leaves(shape);
  zipTrees([value], ([v]: (Sig | Lit)[]) => {
    const ty = types[i++]!;
    const s = stored("field", String(i - 1), ty, v!, undefined);
    parts.unshift(s ?? lit(ty, 0));
    return null;
  });
  return cat(...parts);
};
export const unpack = <S extends Shape>(shape: S, bits: Sig): Of<S> => {
  let at = 0;
  return mapShape(shape, "", (ty) => {
    const s = bits.slice(at + ty.width - 1, at) as Sig<"u", number>;
    at += ty.width;
    return ty.kind === "s" ? s.asSigned() : s;
  }) as never;
};

export interface MemOptions {
  readonly readDuringWrite?: ir.Memory["readDuringWrite"];
  readonly style?: ir.Memory["style"];
  readonly contents?: readonly Lit[];
  readonly zero?: boolean;
  readonly domain?: string;
}
export class Mem<S extends Shape> {
  private readonly id: ir.MemId;
  private readonly memory: OpenMemory;
  private readonly domain: ir.DomainId;
  readonly width: number;
  constructor(
    readonly name: string,
    readonly shape: S,
    readonly depth: number,
    o: MemOptions = {},
  ) {
    const b = builder();
    this.width = leaves(shape).reduce((n, t) => n + t.width, 0);
    this.domain = b.domain(o.domain);
    this.memory = {
      name,
      width: this.width,
      depth,
      readDuringWrite: o.readDuringWrite ?? "old",
      style: o.style ?? "auto",
      writes: [],
      ...locField(),
      ...(o.contents === undefined ? {} : { contents: o.contents.map((v) => bitsOf(BigInt(v), this.width)) }),
      ...(o.zero === true ? { zero: true } : {}),
    };
    this.id = b.memories.push(this.memory) - 1;
  }
  private address(addr: Sig): ir.NodeId {
    const w = indexWidth(this.depth);
    if (addr.width > w)
      builder().error(
        `memory '${this.name}' of ${this.depth} words takes ${w} address bits, this address has ${addr.width}; use .wrap(${w})`,
      );
    return addr.resize(w).id;
  }
  write(
    enable: Sig<"u", 1>,
    addr: Sig,
    data: Of<S> | Lit,
    o: { mask?: Sig; granule?: number; domain?: string } = {},
  ): void {
    const guards = builder().guards;
    const en =
      guards.length === 0
        ? enable
        : make(builder(), "u", 1, {
            op: "binary",
            fn: "and",
            signedness: "u",
            a: guards[guards.length - 1]!,
            b: enable.id,
          });
    this.memory.writes.push({
      domain: this.domainOf(o),
      addr: this.address(addr),
      data: pack(this.shape, data).id,
      enable: en.id,
      mask: o.mask?.id ?? null,
      granule: o.granule ?? this.width,
      ...locField(),
    });
  }
  /** Each port may have a clock of its own. */
  private domainOf({ domain }: { domain?: string }): ir.DomainId {
    return domain === undefined ? this.domain : builder().domain(domain);
  }
  read(addr: Sig, enable?: Sig<"u", 1>, o: { domain?: string } = {}): Of<S> {
    return unpack(
      this.shape,
      make(builder(), "u", this.width, {
        op: "memRead",
        mem: this.id,
        addr: this.address(addr),
        domain: this.domainOf(o),
        enable: enable?.id ?? null,
        name: `${this.name}_q`,
      }),
    );
  }
  readAsync(addr: Sig): Of<S> {
    return unpack(
      this.shape,
      make(builder(), "u", this.width, {
        op: "memRead",
        mem: this.id,
        addr: this.address(addr),
        domain: null,
        enable: null,
        name: `${this.name}_at`,
      }),
    );
  }
}

const check =
  (kind: ir.Check["kind"]) =>
  (name: string, condition: Sig<"u", 1>, message = name, o: { domain?: string } = {}): void => {
    const b = builder();
    b.checks.push({
      kind,
      name,
      domain: b.domain(o.domain),
      enable: b.guards[b.guards.length - 1] ?? null,
      condition: condition.id,
      message,
      ...locField(),
    });
  };
export const assertAlways = check("assert");
export const assume = check("assume");
export const cover = check("cover");
