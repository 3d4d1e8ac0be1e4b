/** Which ports share a clock: what a module says of its own, and the classes in which that is found out. */
import type { DomainId, Loc } from "../ir.js";

/** What ties a port to a domain. */
export interface Reason {
  readonly text: string;
  readonly loc: Loc | undefined;
}
/** Ports of one group share a clock; the domain is null while nothing inside is clocked by it. */
export interface PortClock {
  readonly group: string;
  readonly domain: string | null;
  readonly reason?: Reason | undefined;
}
/** Of one module: its ports by name; a port that is not there goes with every clock. */
export type PortClocks = ReadonlyMap<string, PortClock>;

/** Ports and instance ports as classes that share a clock, each with the domain found for it. */
export class Classes {
  private readonly parent: number[] = [];
  private readonly domains: (DomainId | null)[] = [];
  private readonly reasons: (Reason | undefined)[] = [];

  make(domain: DomainId | null = null, reason?: Reason): number {
    this.domains.push(domain);
    this.reasons.push(reason);
    return this.parent.push(this.parent.length) - 1;
  }
  root(c: number): number {
    let at = c;
    while (this.parent[at] !== at) at = this.parent[at]!;
    return at;
  }
  domain(c: number): DomainId | null {
    return this.domains[this.root(c)]!;
  }
  reason(c: number): Reason | undefined {
    return this.reasons[this.root(c)];
  }
  /** The first domain counts; the check after this finds the second. */
  bind(c: number, domain: DomainId, reason: Reason): void {
    const root = this.root(c);
    if (this.domains[root] !== null) return;
    this.domains[root] = domain;
    this.reasons[root] = reason;
  }
  join(a: number, b: number): void {
    const [x, y] = [this.root(a), this.root(b)];
    if (x === y || (this.domains[x] !== null && this.domains[y] !== null)) return;
    const [stays, goes] = this.domains[y] === null ? [x, y] : [y, x];
    this.parent[goes] = stays;
  }
}
