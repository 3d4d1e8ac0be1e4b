/**
 * The flat graph: a whole design as one array of nodes without hierarchy, wires or instance ports. Every engine reads
 * it. Combinational nodes stand after their operands, so one pass in array order evaluates a cycle.
 */
import type { BinaryFn, BlackBox, BlackBoxModel, Check, Loc, UnaryFn } from "../hdl/ir.js";

/** Index into `FlatGraph.nodes`. */
export type FlatId = number;

interface FlatBase {
  readonly width: number;
  /** Hierarchical name, or the instance path with the operator; for messages only. */
  readonly name?: string;
  readonly loc?: Loc | undefined;
}

export interface FlatConst extends FlatBase {
  readonly op: "const";
  readonly value: bigint;
}
export interface FlatUnary extends FlatBase {
  readonly op: "unary";
  readonly fn: UnaryFn;
  readonly a: FlatId;
}
export interface FlatBinary extends FlatBase {
  readonly op: "binary";
  readonly fn: BinaryFn;
  readonly signedness: "u" | "s";
  readonly a: FlatId;
  readonly b: FlatId;
}
export interface FlatMux extends FlatBase {
  readonly op: "mux";
  readonly sel: FlatId;
  readonly t: FlatId;
  readonly f: FlatId;
}
export interface FlatSelect extends FlatBase {
  readonly op: "select";
  readonly index: FlatId;
  readonly cases: readonly { readonly match: bigint; readonly value: FlatId }[];
  readonly other: FlatId;
}
export interface FlatSlice extends FlatBase {
  readonly op: "slice";
  readonly a: FlatId;
  readonly lo: number;
}
export interface FlatCat extends FlatBase {
  readonly op: "cat";
  readonly parts: readonly FlatId[];
}
export interface FlatExtend extends FlatBase {
  readonly op: "extend";
  readonly signedness: "u" | "s";
  readonly a: FlatId;
}
/** Combinational read of a memory; an address at or above the depth gives 0. */
export interface FlatFetch extends FlatBase {
  readonly op: "fetch";
  readonly mem: number;
  readonly addr: FlatId;
}
/** Present value of a top-level input. */
export interface FlatInput extends FlatBase {
  readonly op: "input";
  readonly input: number;
}
/** Present value of a register. */
export interface FlatReg extends FlatBase {
  readonly op: "reg";
  readonly reg: number;
}
/** Present output of a registered memory read. */
export interface FlatRead extends FlatBase {
  readonly op: "read";
  readonly read: number;
}
/** Output of a black box, from its model. */
export interface FlatBox extends FlatBase {
  readonly op: "box";
  readonly box: number;
  readonly port: string;
}

/** Nodes computed from others within the cycle. */
export type CombNode =
  | FlatConst
  | FlatUnary
  | FlatBinary
  | FlatMux
  | FlatSelect
  | FlatSlice
  | FlatCat
  | FlatExtend
  | FlatFetch;
export type FlatNode = CombNode | FlatInput | FlatReg | FlatRead | FlatBox;

export interface FlatPort {
  readonly name: string;
  readonly width: number;
  readonly signed: boolean;
  readonly node: FlatId;
}

export interface FlatRegister {
  readonly node: FlatId;
  readonly name: string;
  readonly width: number;
  readonly domain: number;
  readonly reset: bigint | undefined;
  /** The last update whose guard is 1 wins; a null guard is always 1. */
  readonly updates: readonly { readonly guard: FlatId | null; readonly value: FlatId }[];
}

export interface FlatMemoryRead {
  readonly node: FlatId;
  readonly name: string;
  readonly width: number;
  readonly domain: number;
  readonly mem: number;
  readonly addr: FlatId;
  readonly enable: FlatId | null;
}

export interface FlatMemoryWrite {
  readonly domain: number;
  readonly addr: FlatId;
  readonly data: FlatId;
  readonly enable: FlatId;
  readonly mask: FlatId | null;
  readonly granule: number;
}

export interface FlatMemory {
  readonly name: string;
  readonly width: number;
  readonly depth: number;
  readonly readDuringWrite: "old" | "new" | "undefined";
  readonly contents: readonly bigint[];
  readonly zero: boolean;
  readonly writes: readonly FlatMemoryWrite[];
}

export interface FlatBlackBox {
  readonly name: string;
  readonly box: BlackBox & { readonly model: BlackBoxModel };
  readonly inputs: Readonly<Record<string, FlatId>>;
  /** Output ports in use; several nodes may show one port. */
  readonly outputs: readonly FlatId[];
  /** Domain of the model's clock; null when it has none. */
  readonly domain: number | null;
}

export interface FlatCheck {
  readonly kind: Check["kind"];
  readonly name: string;
  readonly domain: number;
  readonly enable: FlatId | null;
  readonly condition: FlatId;
  readonly message: string;
  readonly loc?: Loc | undefined;
}

export interface FlatDomain {
  readonly name: string;
  readonly clock: string;
  readonly reset: FlatId | null;
}

/** What a user can look at: a node under a name, and how its bits are meant. */
export interface FlatSignal {
  readonly node: FlatId;
  readonly width: number;
  readonly signed: boolean;
}

export interface FlatGraph {
  readonly name: string;
  readonly nodes: readonly FlatNode[];
  readonly inputs: readonly FlatPort[];
  readonly outputs: readonly FlatPort[];
  readonly domains: readonly FlatDomain[];
  readonly registers: readonly FlatRegister[];
  readonly reads: readonly FlatMemoryRead[];
  readonly memories: readonly FlatMemory[];
  readonly boxes: readonly FlatBlackBox[];
  readonly checks: readonly FlatCheck[];
  /** Top ports, and named nodes and instance ports under hierarchical names such as `u_core.acc`. */
  readonly signals: ReadonlyMap<string, FlatSignal>;
}

/** Calls `use` for every node that `node` needs within the same cycle, in a fixed order. */
export function forOperands(node: FlatNode, boxes: readonly FlatBlackBox[], use: (id: FlatId) => void): void {
  switch (node.op) {
    case "const":
    case "input":
    case "reg":
    case "read":
      return;
    case "unary":
    case "slice":
    case "extend":
      use(node.a);
      return;
    case "binary":
      use(node.a);
      use(node.b);
      return;
    case "mux":
      use(node.sel);
      use(node.t);
      use(node.f);
      return;
    case "select":
      use(node.index);
      for (const c of node.cases) use(c.value);
      use(node.other);
      return;
    case "cat":
      for (const part of node.parts) use(part);
      return;
    case "fetch":
      use(node.addr);
      return;
    case "box": {
      const box = boxes[node.box]!;
      if (box.box.model.combinational) for (const id of Object.values(box.inputs)) use(id);
      return;
    }
    default:
      unreachable(node);
  }
}

/** For the `default` of a switch over a closed union: a new member is then a type error. */
export function unreachable(value: never): never {
  throw new Error(`unexpected ${String(value)}`);
}
