/** Writes the body of one function: where each value is right now, and the instructions that get it. */
import type { CombNode, FlatId } from "../graph.js";
import type { Context } from "./context.js";
import { type Code, I32, I64, Op, type ValType } from "./encode.js";
import { loadOp, type Slot } from "./layout.js";
import type { Model } from "./model.js";
import { pushNarrow } from "./narrow.js";
import { pushOperand } from "./words.js";
import { type Cls, classOf, type Form, isWide, limbsOf, type Range } from "./range.js";
import type { Uses } from "./uses.js";
import { evalWide, pushWideLimb } from "./wide.js";

/** Imported and shared functions, by index. */
export interface Functions {
  multiplier(): number;
  /** (box): computes its outputs from its input places. */
  readonly boxOutputs: number;
  /** (box): the model's clock edge. */
  readonly boxEdge: number;
  /** (check): throws. */
  readonly fail: number;
}

export class Emitter implements Context {
  /** Innermost last; values kept in an `if` are forgotten at its end. */
  private readonly scopes: Map<FlatId, number[]>[] = [new Map()];

  constructor(
    readonly code: Code,
    readonly model: Model,
    readonly uses: Uses,
    readonly functions: Functions,
    /** Places of values that pass between functions. */
    private readonly spills: ReadonlyMap<FlatId, Slot>,
    /** State nodes whose places hold new values already. */
    private readonly saved: Set<FlatId>,
  ) {}

  get layout(): Model["layout"] {
    return this.model.layout;
  }
  widthOf(id: FlatId): number {
    return this.model.graph.nodes[id]!.width;
  }
  demandOf(id: FlatId): Form {
    return this.model.demand[id]!;
  }
  rangeOf(id: FlatId): Range {
    return this.model.ranges[id]!;
  }
  multiplier(): number {
    return this.functions.multiplier();
  }
  scratch(key: string, bytes: number): number {
    return this.model.scratch(key, bytes);
  }

  constantOf(id: FlatId): bigint | undefined {
    const n = this.model.graph.nodes[id]!;
    return n.op === "const" ? n.value : undefined;
  }

  table(key: FlatId, bytes: number, words: () => readonly bigint[]): number {
    return this.model.table(key, bytes, words);
  }

  push(id: FlatId, cls: Cls, form: Form): Range {
    return pushOperand(this, id, cls, form, (wanted) => this.raw(id, wanted));
  }

  pushLimb(id: FlatId, i: number): void {
    const width = this.widthOf(id);
    if (!isWide(width)) {
      if (i === 0) this.push(id, 64, "u");
      else this.code.i64(0n);
      return;
    }
    const locals = this.find(id);
    const slot = locals === undefined ? this.slotOf(id) : undefined;
    if (locals !== undefined) this.code.get(locals[i]!);
    else if (slot !== undefined) this.code.i32(0).memory(Op.i64Load, slot.addr + 8 * i);
    else pushWideLimb(this, this.comb(id), i);
  }

  addressOf(id: FlatId): number | undefined {
    return this.find(id) === undefined ? this.slotOf(id)?.addr : undefined;
  }

  /** Emits 1 when one of these bits is 1; nothing means 1. */
  pushAny(ids: readonly FlatId[]): void {
    if (ids.length === 0) this.code.i32(1);
    for (const [i, id] of ids.entries()) {
      this.push(id, 32, "u");
      if (i > 0) this.code.op(Op.i32Or);
    }
  }

  enter(): void {
    this.code.if();
    this.scopes.push(new Map());
  }

  leave(): void {
    this.code.end();
    this.scopes.pop();
  }

  /** Computes a node into locals, and into its place when other functions want it. */
  evaluate(id: FlatId): void {
    const node = this.model.graph.nodes[id]!;
    const locals = this.newLocals(id);
    if (node.op === "box") {
      for (const [port, input] of Object.entries(this.model.graph.boxes[node.box]!.inputs)) {
        this.storeTo(this.layout.boxInputs[node.box]!.get(port)!, input);
      }
      this.code.i32(node.box).call(this.functions.boxOutputs);
      this.loadInto(this.layout.slots.get(id)!, locals);
    } else if (isWide(node.width)) evalWide(this, this.comb(id), locals);
    else {
      pushNarrow(this, id, this.comb(id));
      this.code.set(locals[0]!);
    }
    this.keep(id, locals);
  }

  /** Keeps the present value of a state node, whose place is about to change. */
  save(id: FlatId): void {
    const known = this.find(id);
    const locals = known ?? this.newLocals(id);
    if (known === undefined) this.loadInto(this.layout.slots.get(id)!, locals);
    this.saved.add(id);
    this.keep(id, locals);
  }

  /** Stores a value of the slot's width. */
  storeTo(slot: Slot, id: FlatId): void {
    if (isWide(slot.width)) {
      for (let i = 0; i < limbsOf(slot.width); i++) {
        this.code.i32(0);
        this.pushLimb(id, i);
        this.code.memory(Op.i64Store, slot.addr + 8 * i);
      }
      return;
    }
    this.code.i32(0);
    this.pushFor(slot, id);
    this.code.memory(storeOpcode(slot), slot.addr);
  }

  /** Emits a narrow value as a store to the slot wants it. */
  pushFor(slot: Slot, id: FlatId): void {
    const form = slot.bytes * 8 === slot.width ? "any" : slot.form;
    this.push(id, slot.bytes === 8 ? 64 : 32, form);
  }

  private raw(id: FlatId, wanted: Form): Range {
    const locals = this.find(id);
    if (locals !== undefined) {
      this.code.get(locals[0]!);
      return this.rangeOf(id);
    }
    const slot = this.slotOf(id);
    if (slot === undefined) return pushNarrow(this, id, this.comb(id));
    const shared = this.uses.isShared(id);
    const load = loadOp(slot, shared ? "any" : wanted);
    this.code.i32(0).memory(load.op, slot.addr);
    if (shared) {
      const fresh = this.newLocals(id);
      this.code.tee(fresh[0]!);
      this.scopes[this.scopes.length - 1]!.set(id, fresh);
    }
    const kept = shared || this.uses.place(id) === "local" || this.saved.has(id);
    return kept ? this.rangeOf(id) : load.range;
  }

  /** Where the value lies in memory: its spill, or the place of a state node that is still unchanged. */
  private slotOf(id: FlatId): Slot | undefined {
    const place = this.uses.place(id);
    if (place === "local" || (place === "state" && this.saved.has(id))) {
      const spill = this.spills.get(id);
      if (spill === undefined) throw new Error(`node ${id} is used before it is computed`);
      return spill;
    }
    return place === "state" ? this.layout.slots.get(id)! : undefined;
  }

  private find(id: FlatId): readonly number[] | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const locals = this.scopes[i]!.get(id);
      if (locals !== undefined) return locals;
    }
    return undefined;
  }

  private keep(id: FlatId, locals: readonly number[]): void {
    this.scopes[this.scopes.length - 1]!.set(id, [...locals]);
    const spill = this.spills.get(id);
    if (spill === undefined) return;
    const store = isWide(spill.width) ? Op.i64Store : storeOpcode(spill);
    for (const [i, local] of locals.entries())
      this.code
        .i32(0)
        .get(local)
        .memory(store, spill.addr + 8 * i);
  }

  private loadInto(slot: Slot, locals: readonly number[]): void {
    for (const [i, local] of locals.entries()) {
      const op = isWide(slot.width) ? Op.i64Load : loadOp(slot, "any").op;
      this.code
        .i32(0)
        .memory(op, slot.addr + 8 * i)
        .set(local);
    }
  }

  private newLocals(id: FlatId): number[] {
    const width = this.widthOf(id);
    const type: ValType = classOf(width) === 32 ? I32 : I64;
    return Array.from({ length: isWide(width) ? limbsOf(width) : 1 }, () => this.code.local(type));
  }

  private comb(id: FlatId): CombNode {
    const n = this.model.graph.nodes[id]!;
    if (n.op === "input" || n.op === "reg" || n.op === "read" || n.op === "box")
      throw new Error(`${n.op} has no rule`);
    return n;
  }
}

function storeOpcode(slot: Slot): number {
  switch (slot.bytes) {
    case 1:
      return Op.i32Store8;
    case 2:
      return Op.i32Store16;
    case 4:
      return Op.i32Store;
    default:
      return Op.i64Store;
  }
}
