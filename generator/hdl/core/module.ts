/** Modules: a function from its inputs to its outputs, described once, instantiated often. */
import { Builder, builder, type Elaborated, within } from "./builder.js";
import { fail, HdlError } from "../errors.js";
import type * as ir from "../ir.js";
import { here } from "../location.js";
import { checkDrivers } from "../passes/checkDrivers.js";
import { checkNames } from "../passes/checkNames.js";
import { at, build, buildPayload, strangers, walk, walkPayload } from "./ports.js";
import { lit, Sig } from "./signal.js";
import { type Of, Wire } from "./state.js";
import { Stream } from "./stream.js";
import { bool, fits, type Lit, type Shape, type StreamShape, type Ty, type Vec } from "../types.js";

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

export interface InstanceOptions {
  /** Which domain of the module here is which of the parent there; a domain not named keeps its name. "" is the default domain. */
  readonly clocks?: Readonly<Record<string, string>>;
}

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
    const b = new Builder(this.name, this.io.clocks);
    const inputs: ir.Port[] = [];
    const outputs: ir.OutPort[] = [];
    const missing: string[] = [];
    const place = this.loc === undefined ? {} : { loc: this.loc };
    const body = (): void => {
      const input = (ty: Ty, port: string): Sig => {
        inputs.push({ name: port, width: ty.width, signed: ty.kind === "s" });
        return new Sig(
          b,
          b.add({
            op: "input",
            port,
            width: ty.width,
            signed: ty.kind === "s",
            name: port,
            named: true,
            ...place,
          }),
          ty.kind,
          ty.width,
        );
      };
      for (const name of this.io.clocks ?? []) b.domain(name);
      const ins = build(this.io.in, "", input, (s, port) => {
        const valid = input(bool, `${port}_valid`) as Sig<"u", 1>;
        const payload = buildPayload(s, port, input);
        const st = new Stream(
          s.payload,
          payload as never,
          valid,
          new Wire(
            b,
            b.add({ op: "wire", width: 1, driver: null, name: `${port}_ready`, named: true, ...place }),
            "u",
            1,
          ),
          port,
          this.loc,
        );
        outputs.push({ name: `${port}_ready`, width: 1, signed: false, value: st.ready.id });
        return st;
      }) as Of<I>;
      const outs = this.body(ins);
      const output = (ty: Ty, port: string, value: unknown): void => {
        if (value === undefined) {
          missing.push(port);
          return;
        }
        const s = value instanceof Sig ? value : lit(ty, value as Lit);
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
          if (st === undefined) {
            missing.push(port);
            return;
          }
          if (!(st instanceof Stream)) fail(`module '${this.name}': output '${port}' must be a stream`);
          output(bool, `${port}_valid`, st.valid);
          walkPayload(s, port, (ty, p, path2) => output(ty, p, at(st.payload, path2)));
          st.consume(input(bool, `${port}_ready`) as Sig<"u", 1>);
        },
      });
    };
    try {
      within(b, body);
    } catch (error) {
      // What was found before the end is worth saying too.
      if (!(error instanceof HdlError) || b.diagnostics.length === 0) throw error;
      throw new HdlError([...b.diagnostics, ...error.diagnostics], { cause: error });
    }
    b.diagnostics.push(...checkDrivers(b, this.loc, missing));
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
      ...place,
    };
    b.diagnostics.push(...checkNames(module));
    if (b.diagnostics.length > 0) throw new HdlError(b.diagnostics);
    return { module, children: b.children };
  }

  /** Places the module in the one being described. */
  inst(name: string, given: Given<I>, { clocks = {} }: InstanceOptions = {}): Of<O> {
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
        return b.error(
          `instance '${name}' of '${this.name}': input '${port}' is missing; give it a signal or a number`,
        );
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
    for (const domain of Object.keys(clocks))
      if (!child.module.domains.some((d) => d.name === domain))
        b.error(`instance '${name}': '${this.name}' has no clock domain '${domain}'`);
    const domains = Object.fromEntries(
      child.module.domains.map((d) => [d.name, b.domain(clocks[d.name] ?? d.name)]),
    );
    b.instances.push({
      name,
      module: this.name,
      inputs,
      domains,
      ...(here() === undefined ? {} : { loc: here()! }),
    });
    for (const extra of strangers(this.io.in, given))
      b.error(`instance '${name}': '${this.name}' has no input '${extra}'`);
    walk(this.io.in, "", [], {
      leaf: (ty, port, path) => put(ty, port, at(given, path)),
      stream: (s, port, path) => {
        const st = at(given, path);
        if (!(st instanceof Stream))
          return b.error(`instance '${name}' of '${this.name}': input '${port}' must be a stream`);
        put(bool, `${port}_valid`, st.valid);
        walkPayload(s, port, (ty, p, path2) => put(ty, p, at(st.payload, path2)));
        st.consume(out(bool, `${port}_ready`) as Sig<"u", 1>);
      },
    });
    const result = build(this.io.out, "", out, (s, port) => {
      const valid = out(bool, `${port}_valid`) as Sig<"u", 1>;
      const payload = buildPayload(s, port, out);
      const ready = new Wire(
        b,
        b.add({ op: "wire", width: 1, driver: null, name: `${name}_${port}_ready`, named: true }),
        "u",
        1,
      );
      inputs[`${port}_ready`] = ready.id;
      return new Stream(s.payload, payload as never, valid, ready as never, `${name}_${port}`);
    });
    return result as Of<O>;
  }
}

const stripped = (m: ir.Module): string =>
  JSON.stringify(m, (k, v) => (k === "loc" ? undefined : typeof v === "bigint" ? `${v}n` : v));
export const sameBody = (a: ir.Module, b: ir.Module): boolean => stripped(a) === stripped(b);

export const defineModule = <const I extends Ports, const O extends Ports>(
  name: string,
  io: Interface<I, O>,
  body: (inputs: Of<I>) => Given<O>,
): ModuleDef<I, O> => new ModuleDef(name, io, body);
