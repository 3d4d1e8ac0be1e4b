/** Modules: a function from its inputs to its outputs, described once, instantiated often. */
import { Builder, builder, type Elaborated, within } from "./builder.js";
import { type Diagnostic, fail, HdlError } from "../errors.js";
import type * as ir from "../ir.js";
import { here } from "../location.js";
import { adopt } from "../passes/adopt.js";
import { checkLoops, type Dependencies } from "../passes/checkLoops.js";
import { dce } from "../passes/dce.js";
import { fold } from "../passes/fold.js";
import { narrow } from "../passes/narrow.js";
import { lit, Sig } from "./signal.js";
import { type Of, Wire } from "./state.js";
import { Stream } from "./stream.js";
import { bool, fits, type Lit, type Shape, StreamShape, Ty, Vec } from "../types.js";

type Ports = { readonly [name: string]: Shape };
/** What an instance takes: signals or literals. */
export type Given<S> =
  S extends Ty<infer K, number>
    ? Sig<K, number> | Lit
    : S extends Vec<infer E>
      ? Given<E>[]
      : S extends StreamShape<infer P>
        ? Stream<P>
        : S extends object
          ? { [F in keyof S]: Given<S[F]> }
          : never;
export interface Interface<I extends Ports, O extends Ports> {
  readonly in: I;
  readonly out: O;
  readonly clocks?: readonly string[];
  readonly doc?: string;
}

type Visit = {
  leaf(ty: Ty, port: string, path: readonly string[]): void;
  stream(s: StreamShape, port: string, path: readonly string[]): void;
};
const walk = (shape: Shape, port: string, path: readonly string[], v: Visit): void => {
  if (shape instanceof Ty) return v.leaf(shape, port, path);
  if (shape instanceof StreamShape) return v.stream(shape, port, path);
  if (shape instanceof Vec) {
    for (let i = 0; i < shape.length; i++) walk(shape.element, `${port}_${i}`, [...path, String(i)], v);
    return;
  }
  for (const [k, s] of Object.entries(shape)) walk(s, port === "" ? k : `${port}_${k}`, [...path, k], v);
};
const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((v, k) => (v as Record<string, unknown> | undefined)?.[k], value);
/** Builds a value of a shape from its leaves and streams. */
const build = (
  shape: Shape,
  port: string,
  leaf: (ty: Ty, port: string) => unknown,
  stream: (s: StreamShape, port: string) => unknown,
): unknown => {
  if (shape instanceof Ty) return leaf(shape, port);
  if (shape instanceof StreamShape) return stream(shape, port);
  if (shape instanceof Vec)
    return Array.from({ length: shape.length }, (_, i) => build(shape.element, `${port}_${i}`, leaf, stream));
  return Object.fromEntries(
    Object.entries(shape).map(([k, s]) => [k, build(s, port === "" ? k : `${port}_${k}`, leaf, stream)]),
  );
};
const payloadPort = (s: StreamShape, port: string): string =>
  s.payload instanceof Ty ? `${port}_data` : port;

/** Leaf ports of a record of shapes, in order; a black box has no streams. */
export const leafPorts = (shape: Ports): ir.Port[] => {
  const ports: ir.Port[] = [];
  walk(shape, "", [], {
    leaf: (ty, name) => ports.push({ name, width: ty.width, signed: ty.kind === "s" }),
    stream: (_, name) => fail(`port '${name}': a black box has plain ports; connect valid and ready by hand`),
  });
  return ports;
};

export class ModuleDef<I extends Ports = Ports, O extends Ports = Ports> {
  protected done: Elaborated | null = null;
  readonly loc = here();
  constructor(
    readonly name: string,
    readonly io: Interface<I, O>,
    protected readonly body: (inputs: Of<I>) => Given<O>,
  ) {}

  elaborate(): Elaborated {
    this.done ??= this.describe();
    return this.done;
  }

  private describe(): Elaborated {
    const b = new Builder(this.name);
    const inputs: ir.Port[] = [];
    const outputs: ir.OutPort[] = [];
    within(b, () => {
      const input = (ty: Ty, port: string): Sig => {
        inputs.push({ name: port, width: ty.width, signed: ty.kind === "s" });
        return new Sig(
          b,
          b.add({ op: "input", port, width: ty.width, signed: ty.kind === "s", name: port, named: true }),
          ty.kind,
          ty.width,
        );
      };
      for (const name of this.io.clocks ?? []) b.domain(name);
      const ins = build(this.io.in, "", input, (s, port) => {
        const valid = input(bool, `${port}_valid`) as Sig<"u", 1>;
        const payload = build(s.payload, payloadPort(s, port), input, () =>
          fail("a stream inside a stream's payload"),
        );
        const st = new Stream(
          s.payload,
          payload as never,
          valid,
          new Wire(
            b,
            b.add({ op: "wire", width: 1, driver: null, name: `${port}_ready`, named: true }),
            "u",
            1,
          ),
          port,
        );
        outputs.push({ name: `${port}_ready`, width: 1, signed: false, value: st.ready.id });
        return st;
      }) as Of<I>;
      const outs = this.body(ins);
      const output = (ty: Ty, port: string, value: unknown): void => {
        const s =
          value instanceof Sig
            ? value
            : value === undefined
              ? fail(`module '${this.name}': output '${port}' is missing`)
              : lit(ty, value as Lit);
        if (s.builder !== b)
          fail(`module '${this.name}': output '${port}' is a signal of module '${s.builder.name}'`);
        if (s.kind !== ty.kind || s.width > ty.width)
          b.error(`output '${port}' of '${this.name}' is ${ty}, the value is ${s.ty}`, [
            { message: "value made here", loc: s.loc },
          ]);
        else
          outputs.push({
            name: port,
            width: ty.width,
            signed: ty.kind === "s",
            value: s.resize(ty.width).id,
          });
      };
      walk(this.io.out, "", [], {
        leaf: (ty, port, path) => output(ty, port, at(outs, path)),
        stream: (s, port, path) => {
          const st = at(outs, path);
          if (!(st instanceof Stream)) fail(`module '${this.name}': output '${port}' must be a stream`);
          output(bool, `${port}_valid`, st.valid);
          walk(s.payload, payloadPort(s, port), [], {
            leaf: (ty, p, path2) => output(ty, p, at(st.payload, path2)),
            stream: () => fail("a stream inside a stream's payload"),
          });
          st.consume(input(bool, `${port}_ready`) as Sig<"u", 1>);
        },
      });
      for (const s of b.streams)
        if (s.consumed === 0) b.error(`stream '${s.name}' of module '${this.name}' is never consumed`);
      // What stays open because of an error above would only repeat it.
      const clean = b.diagnostics.length === 0;
      b.nodes.forEach((n) => {
        if (clean && n.op === "wire" && n.driver === null)
          b.diagnostics.push({
            message: `wire '${n.name}' of module '${this.name}' is never driven`,
            loc: n.loc,
            notes: [],
          });
        if (clean && n.op === "reg" && n.updates.length === 0)
          b.diagnostics.push({
            message: `register '${n.name}' of module '${this.name}' is never set`,
            loc: n.loc,
            notes: [],
          });
      });
    });
    const names = [...inputs, ...outputs].map((p) => p.name);
    names.forEach((n, i) => {
      if (names.indexOf(n) !== i)
        b.diagnostics.push({
          message: `port '${n}' of module '${this.name}' exists twice`,
          loc: this.loc,
          notes: [],
        });
    });
    if (b.diagnostics.length > 0) throw new HdlError(b.diagnostics);
    const clocks = b.domains.flatMap((d): ir.Port[] => [
      { name: d.clock, width: 1, signed: false },
      ...(d.reset === null ? [] : [{ name: d.reset, width: 1, signed: false }]),
    ]);
    const module: ir.Module = {
      name: this.name,
      inputs: [...clocks, ...inputs],
      outputs,
      domains: b.domains,
      nodes: b.nodes,
      memories: b.memories,
      instances: b.instances,
      checks: b.checks,
      ...(this.io.doc === undefined ? {} : { doc: this.io.doc }),
      ...(this.loc === undefined ? {} : { loc: this.loc }),
    };
    return { module, children: b.children };
  }

  /** Places the module in the one being described. */
  inst(name: string, given: Given<I>): Of<O> {
    const b = builder();
    const child = this.elaborate();
    const known = b.children.get(this.name);
    if (known !== undefined && known !== child && !sameBody(known.module, child.module))
      fail(`two different modules are called '${this.name}'`);
    b.children.set(this.name, child);
    const inputs: Record<string, ir.NodeId> = {};
    const id = b.instances.length;
    const put = (ty: Ty, port: string, value: unknown): void => {
      if (value === undefined)
        return b.error(`instance '${name}' of '${this.name}': input '${port}' is missing`);
      if (!(value instanceof Sig) && !fits(ty, BigInt(value as Lit)))
        return b.error(`instance '${name}': ${value} does not fit input '${port}' (${ty})`);
      const s = value instanceof Sig ? value : lit(ty, value as Lit);
      if (s.builder !== b)
        fail(`instance '${name}': input '${port}' is a signal of module '${s.builder.name}'`);
      if (s.kind !== ty.kind || s.width > ty.width)
        return b.error(
          `instance '${name}': input '${port}' of '${this.name}' is ${ty}, the value is ${s.ty}`,
          [{ message: "value made here", loc: s.loc }],
        );
      inputs[port] = s.resize(ty.width).id;
    };
    const out = (ty: Ty, port: string): Sig =>
      new Sig(
        b,
        b.add({
          op: "instOut",
          inst: id,
          port,
          width: ty.width,
          signed: ty.kind === "s",
          name: `${name}_${port}`,
          named: true,
        }),
        ty.kind,
        ty.width,
      );
    const domains = Object.fromEntries(child.module.domains.map((d) => [d.name, b.domain(d.name)]));
    b.instances.push({
      name,
      module: this.name,
      inputs,
      domains,
      ...(here() === undefined ? {} : { loc: here()! }),
    });
    const pending: (() => void)[] = [];
    walk(this.io.in, "", [], {
      leaf: (ty, port, path) => put(ty, port, at(given, path)),
      stream: (s, port, path) => {
        const st = at(given, path);
        if (!(st instanceof Stream))
          return b.error(`instance '${name}' of '${this.name}': input '${port}' must be a stream`);
        put(bool, `${port}_valid`, st.valid);
        walk(s.payload, payloadPort(s, port), [], {
          leaf: (ty, p, path2) => put(ty, p, at(st.payload, path2)),
          stream: () => fail("a stream inside a stream's payload"),
        });
        st.consume(out(bool, `${port}_ready`) as Sig<"u", 1>);
      },
    });
    const result = build(this.io.out, "", out, (s, port) => {
      const valid = out(bool, `${port}_valid`) as Sig<"u", 1>;
      const payload = build(s.payload, payloadPort(s, port), out, () =>
        fail("a stream inside a stream's payload"),
      );
      const ready = new Wire(
        b,
        b.add({ op: "wire", width: 1, driver: null, name: `${name}_${port}_ready`, named: true }),
        "u",
        1,
      );
      inputs[`${port}_ready`] = ready.id;
      return new Stream(s.payload, payload as never, valid, ready as never, `${name}_${port}`);
    });
    for (const f of pending) f();
    return result as Of<O>;
  }
}

const stripped = (m: ir.Module): string =>
  JSON.stringify(m, (k, v) => (k === "loc" ? undefined : typeof v === "bigint" ? `${v}n` : v));
const sameBody = (a: ir.Module, b: ir.Module): boolean => stripped(a) === stripped(b);

export const defineModule = <const I extends Ports, const O extends Ports>(
  name: string,
  io: Interface<I, O>,
  body: (inputs: Of<I>) => Given<O>,
): ModuleDef<I, O> => new ModuleDef(name, io, body);

/** The design below a module, children first. Throws HdlError with every mistake of the first module that has some. */
export const elaborate = (def: ModuleDef<Ports, Ports> | { elaborate(): Elaborated }): ir.Design => {
  const modules = new Map<string, ir.Module>();
  const blackboxes = new Map<string, ir.BlackBox>();
  const visit = (e: Elaborated): void => {
    for (const c of e.children.values()) visit(c);
    if (e.box !== undefined) {
      blackboxes.set(e.box.name, e.box);
      return;
    }
    const known = modules.get(e.module.name);
    if (known !== undefined && known !== e.module && !sameBody(known, e.module))
      throw new HdlError([
        {
          message: `two different modules are called '${e.module.name}'`,
          loc: e.module.loc,
          notes: [],
        } as Diagnostic,
      ]);
    if (known === undefined) modules.set(e.module.name, e.module);
  };
  const top = def.elaborate();
  visit(top);
  const dependencies = new Map<string, Dependencies>();
  const loops: Diagnostic[] = [];
  for (const [name, m] of modules) {
    const checked = checkLoops(m, dependencies);
    dependencies.set(name, checked.dependencies);
    loops.push(...checked.loops);
  }
  if (loops.length > 0) throw new HdlError(loops);
  // Simplified only now: modules of one name are compared as described.
  for (const [name, m] of modules) modules.set(name, dce(adopt(fold(narrow(fold(m))))));
  return { top: top.module.name, modules, blackboxes };
};
