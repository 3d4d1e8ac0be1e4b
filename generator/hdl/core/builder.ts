/** The module under description: nodes as they are made, the guards of `when`, and what went wrong. */
import { type Diagnostic, fail, type Note } from "../errors.js";
import type * as ir from "../ir.js";
import { here } from "../location.js";
import type { Description, StreamUse } from "../passes/checkDrivers.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export interface OpenMemory extends Omit<Mutable<ir.Memory>, "writes"> {
  writes: ir.MemWrite[];
}

export class Builder implements Description {
  readonly nodes: ir.Node[] = [];
  readonly memories: OpenMemory[] = [];
  readonly instances: ir.Instance[] = [];
  readonly checks: ir.Check[] = [];
  readonly domains: ir.Domain[] = [];
  readonly diagnostics: Diagnostic[] = [];
  /** Conditions of the enclosing `when`s, outermost first, as node ids. */
  readonly guards: ir.NodeId[] = [];
  readonly children = new Map<string, Elaborated>();
  readonly streams: StreamUse[] = [];
  readonly drives = new Map<ir.NodeId, (ir.Loc | undefined)[]>();
  readonly refused = new Set<ir.NodeId>();
  /** Inside a pipeline: balances what an operator combines, and remembers the age of what it gives. */
  aging: { balance(node: ir.Node): ir.Node; note(id: ir.NodeId): void } | null = null;
  constructor(
    readonly name: string,
    /** Domains that the interface declares, besides the default one. */
    private readonly clocks: readonly string[] = [],
  ) {}

  add(node: ir.Node): ir.NodeId {
    this.nodes.push(node);
    return this.nodes.length - 1;
  }
  error(message: string, notes: readonly Note[] = []): void {
    this.diagnostics.push({ message, loc: here(), notes });
  }
  domain(name = ""): ir.DomainId {
    const at = this.domains.findIndex((d) => d.name === name);
    if (at >= 0) return at;
    if (name !== "" && !this.clocks.includes(name))
      this.error(
        `module '${this.name}' has no clock domain '${name}'; add it to its interface: clocks: ["${name}"]`,
      );
    this.domains.push(
      name === ""
        ? { name: "", clock: "clk", reset: "rst" }
        : { name, clock: `${name}_clk`, reset: `${name}_rst` },
    );
    return this.domains.length - 1;
  }
}

/** A described module with everything below it. */
export interface Elaborated {
  readonly module: ir.Module;
  readonly children: ReadonlyMap<string, Elaborated>;
  /** A black box instead of a body; `module` then only says its clocks and its name. */
  readonly box?: ir.BlackBox;
}

let current: Builder | null = null;
export const builder = (): Builder =>
  current ?? fail("signals and registers exist only inside the body of defineModule");
export const within = <T>(b: Builder, body: () => T): T => {
  const saved = current;
  current = b;
  try {
    return body();
  } finally {
    current = saved;
  }
};
