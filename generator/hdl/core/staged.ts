/**
 * Values by age, for pipelines: `cut(x)` is one register; where an operator combines values of unequal age the younger
 * one is delayed to match, and each delay is built once.
 */
import type * as ir from "../ir.js";
import { eachOperand, mapOperands } from "../operands.js";
import { fail } from "../errors.js";
import { bool } from "../types.js";
import { type Builder, builder } from "./builder.js";
import { type Sig, Sig as Signal, zipTrees } from "./signal.js";
import { reg, when } from "./state.js";

type Bool = Sig<"u", 1>;
/** One register on every signal of a tree. */
export type Cut = <T>(x: T) => T;

/** What a body needs around instances that register inside, such as DSP slices. */
export interface Stages {
  /** Clock enable of every stage; null in a pipeline that never waits. */
  readonly enable: Bool | null;
  /** The value at an age (registers since the input), delayed by shared registers; it must not be older already. */
  at<T>(x: T, age: number): T;
  /** Says that a value, an instance's output say, has this age: its registers move with `enable`. */
  aged<T>(x: T, age: number): T;
}

class Aging {
  /** Null: made of constants alone, of every age. */
  private readonly ages = new Map<ir.NodeId, number | null>();
  private readonly delays = new Map<ir.NodeId, ir.NodeId>();
  private made: number | null = null;
  /** Stages move when `enable` is 1; null: always. */
  constructor(
    private readonly b: Builder,
    private readonly enable: Bool | null,
  ) {}

  /** What came from outside the pipeline counts as age 0; constants have every age. */
  age(id: ir.NodeId): number | null {
    if (this.b.nodes[id]!.op === "const") return null;
    const known = this.ages.get(id);
    return known === undefined ? 0 : known;
  }
  note(id: ir.NodeId): void {
    this.ages.set(id, this.made);
  }
  declare(id: ir.NodeId, age: number): void {
    this.ages.set(id, age);
  }
  balance(node: ir.Node): ir.Node {
    const ageless = node.op !== "input" && node.op !== "instOut" && node.op !== "reg" && node.op !== "wire";
    let age: number | null = ageless ? null : 0;
    eachOperand(node, (o) => {
      const own = this.age(o);
      if (own !== null) age = Math.max(age ?? 0, own);
    });
    const balanced = age === null ? node : mapOperands(node, (o) => this.delayed(o, age ?? 0));
    this.made = age;
    return balanced;
  }
  /** Node `id` at an age; constants as they are. */
  delayed(id: ir.NodeId, age: number): ir.NodeId {
    const own = this.age(id);
    return own === null || own >= age ? id : this.delayed(this.stage(id), age);
  }
  /** The register behind a node; one per node, whoever asks. */
  stage(id: ir.NodeId): ir.NodeId {
    const known = this.delays.get(id);
    if (known !== undefined) return known;
    const node = this.b.nodes[id]!;
    if ((node.op === "extend" || node.op === "slice") && node.named !== true) {
      // Wires only: the register goes before them, where it is shared and never wider than it must be.
      const moved = this.b.add({ ...node, a: this.stage(node.a) });
      this.ages.set(moved, (this.age(id) ?? 0) + 1);
      this.delays.set(id, moved);
      return moved;
    }
    const { width, signed, name, loc } = node;
    const next = this.b.add({
      op: "reg",
      width,
      domain: this.b.domain(),
      updates: [{ guard: this.enable?.id ?? null, value: id }],
      name: later(name),
      ...(signed === undefined ? {} : { signed }),
      ...(loc === undefined ? {} : { loc }),
    });
    this.ages.set(next, (this.age(id) ?? 0) + 1);
    this.delays.set(id, next);
    return next;
  }
}

const later = (name = "value"): string => {
  const m = /^(.*)_d(\d+)$/.exec(name);
  return m === null ? `${name}_d1` : `${m[1]}_d${Number(m[2]) + 1}`;
};
const at = (s: Sig, id: ir.NodeId): Sig => new Signal(s.builder, id, s.kind, s.width);

/** Runs the body with ages; gives its values at one age, and that age. */
export const staged = <P, R>(
  payload: P,
  enable: Bool | null,
  body: (payload: P, cut: Cut, stages: Stages) => R,
): { result: R; latency: number } => {
  const b = builder();
  const aging = new Aging(b, enable);
  const outer = b.aging;
  b.aging = aging;
  try {
    const cut: Cut = (x) => zipTrees([x], ([s]: Sig[]) => at(s!, aging.stage(s!.id))) as typeof x;
    const stages: Stages = {
      enable,
      at: (x, age) =>
        zipTrees([x], ([s]: Sig[]) => {
          const own = aging.age(s!.id);
          if (own !== null && own > age) fail(`a value of age ${own} cannot be had at age ${age}`);
          return at(s!, aging.delayed(s!.id, age));
        }) as typeof x,
      aged: (x, age) => {
        zipTrees([x], ([s]: Sig[]) => {
          aging.declare(s!.id, age);
          return null;
        });
        return x;
      },
    };
    const result = body(payload, cut, stages);
    let latency = 0;
    zipTrees([result], ([s]: Sig[]) => {
      latency = Math.max(latency, aging.age(s!.id) ?? 0);
      return null;
    });
    return {
      result: zipTrees([result], ([s]: Sig[]) => at(s!, aging.delayed(s!.id, latency))) as R,
      latency,
    };
  } finally {
    b.aging = outer;
  }
};

/** `valid` behind `latency` stages, reset to 0. */
export const validBehind = (valid: Bool, latency: number, enable: Bool | null, name: string): Bool => {
  let v = valid;
  for (let i = 1; i <= latency; i++) {
    const next = reg(`${name}_valid_d${i}`, bool, { reset: 0 });
    if (enable === null) next.set(v);
    else when(enable, () => next.set(v));
    v = next;
  }
  return v;
};
