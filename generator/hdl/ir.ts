/**
 * The netlist IR: what the eDSL builds, every pass rewrites, and every back end (Verilog, WebAssembly, interpreter)
 * reads. Values are bit vectors without sign: signedness belongs to operators, extension is always explicit
 * (CIRCT's `comb` rule), so back ends need no width inference.
 *
 * Invariants (checked by `checkIr`): an operand id names a node of the same module; operand widths are as stated
 * at each kind; every `wire` is driven exactly once; node ids are positions in `Module.nodes`.
 */

/** Index into `Module.nodes`. */
export type NodeId = number;
/** Index into `Module.memories`. */
export type MemId = number;
/** Index into `Module.instances`. */
export type InstId = number;
/** Index into `Module.domains`. */
export type DomainId = number;

/** A place in the user's TypeScript. `file` is relative to the project root, with forward slashes. */
export interface Loc {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

interface Base {
  /** Width of the result in bits, at least 1. */
  readonly width: number;
  readonly loc?: Loc;
  /** Wanted name, from a record key, `.as("x")`, or the operator; `names` makes it legal and unique. */
  readonly name?: string;
  /** True when the user gave the name (key or `.as`): such a node is kept, emitted under its own name, and peekable. */
  readonly named?: boolean;
  /** How the user reads the bits; only for printing (waves, errors) and for the `signed` keyword. */
  readonly signed?: boolean;
}

export type UnaryFn = "not" | "neg" | "andr" | "orr" | "xorr";
export type BinaryFn =
  | "add"
  | "sub"
  | "and"
  | "or"
  | "xor" // a, b and result of equal width, modulo 2^width
  | "mul" // result width free (at most a+b); operands taken signed or unsigned as `signedness` says, product truncated
  | "eq"
  | "ne"
  | "lt"
  | "le" // a, b of equal width, result 1 bit; lt and le read `signedness`
  | "shl"
  | "shr"; // b unsigned, any width; result as wide as a; shr is arithmetic when `signedness` is "s"; shifting by >= width gives 0 or the sign

export interface Const extends Base {
  readonly op: "const" /** 0 <= value < 2^width */;
  readonly value: bigint;
}
/** An input port of the module. */
export interface Input extends Base {
  readonly op: "input";
  readonly port: string;
}
/** A named alias, driven once, possibly after its first use (forward reference, loop through a register). */
export interface Wire extends Base {
  readonly op: "wire";
  readonly driver: NodeId | null;
}
export interface Unary extends Base {
  readonly op: "unary";
  readonly fn: UnaryFn;
  readonly a: NodeId;
}
export interface Binary extends Base {
  readonly op: "binary";
  readonly fn: BinaryFn;
  readonly signedness: "u" | "s";
  readonly a: NodeId;
  readonly b: NodeId;
}
/** sel is 1 bit: sel ? t : f; all of one width. */
export interface Mux extends Base {
  readonly op: "mux";
  readonly sel: NodeId;
  readonly t: NodeId;
  readonly f: NodeId;
}
/** A case statement: the value of the first case equal to `index`, else `other`. Case constants are distinct. */
export interface Select extends Base {
  readonly op: "select";
  readonly index: NodeId;
  readonly cases: readonly { readonly match: bigint; readonly value: NodeId }[];
  readonly other: NodeId;
}
/** a[lo + width - 1 : lo] */
export interface Slice extends Base {
  readonly op: "slice";
  readonly a: NodeId;
  readonly lo: number;
}
/** Concatenation, most significant part first. */
export interface Cat extends Base {
  readonly op: "cat";
  readonly parts: readonly NodeId[];
}
/** Zero ("u") or sign ("s") extension to a width not below that of a. */
export interface Extend extends Base {
  readonly op: "extend";
  readonly signedness: "u" | "s";
  readonly a: NodeId;
}
/**
 * A register. At each rising edge of its domain's clock: reset value when the domain's reset is high and `reset` is
 * given; else the value of the LAST update whose guard is 1 (a null guard is always 1); else it holds.
 * Without `reset` the first value is undefined (X in Icarus, seeded random in the embedded engine).
 */
export interface Reg extends Base {
  readonly op: "reg";
  readonly domain: DomainId;
  readonly reset?: bigint;
  /** First stage of a synchroniser: the one place where a value of another domain may arrive, at every edge and unguarded. */
  readonly crossing?: "bit" | "gray" | "static";
  /** Every stage of a synchroniser: tools keep these registers close together, `(* ASYNC_REG = "TRUE" *)`. */
  readonly asyncReg?: true;
  readonly updates: readonly { readonly guard: NodeId | null; readonly value: NodeId }[];
}
/** Combinational read (`domain` null) or registered read: data appears one edge later; with `enable` 0 it holds. */
export interface MemRead extends Base {
  readonly op: "memRead";
  readonly mem: MemId;
  readonly addr: NodeId;
  readonly domain: DomainId | null;
  readonly enable: NodeId | null;
}
/** An output port of an instance. */
export interface InstOut extends Base {
  readonly op: "instOut";
  readonly inst: InstId;
  readonly port: string;
}

export type Node =
  | Const
  | Input
  | Wire
  | Unary
  | Binary
  | Mux
  | Select
  | Slice
  | Cat
  | Extend
  | Reg
  | MemRead
  | InstOut;

/** One write port: at the edge, when enable is 1, each `granule`-bit part whose mask bit is 1 is written. */
export interface MemWrite {
  readonly domain: DomainId;
  readonly addr: NodeId;
  readonly data: NodeId;
  readonly enable: NodeId;
  /** null: whole word. Else width = word width / granule; bit i guards bits [granule*i, granule*(i+1)). */
  readonly mask: NodeId | null;
  readonly granule: number;
  readonly loc?: Loc;
}

export interface Memory {
  readonly name: string;
  readonly width: number;
  readonly depth: number;
  /** What a registered read of the address being written in the same cycle gives. "undefined" is checked in simulation. */
  readonly readDuringWrite: "old" | "new" | "undefined";
  /** Initial contents by address (missing words: undefined unless `zero`), as integers. */
  readonly contents?: readonly bigint[];
  readonly zero?: boolean;
  readonly style: "auto" | "block" | "distributed" | "registers";
  readonly writes: readonly MemWrite[];
  readonly loc?: Loc;
}
/** Addresses at or above `depth` read as undefined and ignore writes. */

export interface Port {
  readonly name: string;
  readonly width: number;
  readonly signed: boolean;
  readonly loc?: Loc;
}
export interface OutPort extends Port {
  readonly value: NodeId;
}

export interface Instance {
  /** Instance name, unique in the module. */
  readonly name: string;
  /** Key into `Design.modules`, or a black box. */
  readonly module: string;
  readonly inputs: Readonly<Record<string, NodeId>>;
  /** Which domain of the child is which of the parent: child's domain name -> parent's DomainId. */
  readonly domains: Readonly<Record<string, DomainId>>;
  readonly loc?: Loc;
}

/** A clock with its synchronous, active-high reset; both are 1-bit input ports of the module under these names. */
export interface Domain {
  readonly name: string;
  readonly clock: string;
  readonly reset: string | null;
}

/** A statement about the design, checked in simulation and by formal tools; emitted in a separate `*_checks.sv`. */
export interface Check {
  readonly kind: "assert" | "assume" | "cover";
  readonly name: string;
  readonly domain: DomainId;
  readonly enable: NodeId | null;
  readonly condition: NodeId;
  readonly message: string;
  readonly loc?: Loc;
}

export interface Module {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutPort[];
  readonly domains: readonly Domain[];
  readonly nodes: readonly Node[];
  readonly memories: readonly Memory[];
  readonly instances: readonly Instance[];
  readonly checks: readonly Check[];
  /** Free text for the head comment of the emitted file. */
  readonly doc?: string;
  readonly loc?: Loc;
}

/** State of a black box model between edges; whatever the model needs. */
export interface BlackBoxModel {
  /** Fresh state. */
  create(): unknown;
  /** Outputs from the present state and inputs, combinational. */
  outputs(state: unknown, inputs: Readonly<Record<string, bigint>>): Record<string, bigint>;
  /** The state after a rising edge of the (only) clock. */
  edge(state: unknown, inputs: Readonly<Record<string, bigint>>): unknown;
  /** True when some output depends on an input in the same cycle. */
  readonly combinational: boolean;
}

/** A module whose body is not ours: vendor primitive or rendered template. */
export interface BlackBox {
  /** Unique in the design; one per set of parameters. */
  readonly name: string;
  /** The Verilog module instantiated, when it is not `name`: a primitive with several sets of parameters. */
  readonly primitive?: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly domains: readonly Domain[];
  /** Verilog parameters of this instance type, in order. */
  readonly parameters: Readonly<Record<string, string | number>>;
  /** How it behaves: a model in TypeScript, or a module of the same ports, which engines compile like any other. */
  readonly model: BlackBoxModel | Module;
  /** Verilog text for simulators that do not have the primitive; its module has the name of the primitive and its ports. */
  readonly verilog?: string;
}

/** True where the model is a module. */
export const isBody = (model: BlackBox["model"]): model is Module => "nodes" in model;

export interface Design {
  readonly top: string;
  /** In dependency order, children first. */
  readonly modules: ReadonlyMap<string, Module>;
  readonly blackboxes: ReadonlyMap<string, BlackBox>;
}
