/** Where everything lies in linear memory: inputs, registers, memories, then whatever functions need to pass on. */
import type { FlatGraph, FlatId } from "../graph.js";
import { maskOf } from "../semantics.js";
import { type Cls, classOf, cleanRange, type Form, full, isWide, limbsOf, type Range } from "./range.js";
import { Op } from "./encode.js";

/** A place for one value. Wide values take whole little-endian limbs with clear upper bits. */
export interface Slot {
  readonly addr: number;
  readonly width: number;
  readonly form: Form;
  /** 1, 2, 4, 8, or 8 per limb. */
  readonly bytes: number;
}

export interface MemoryPlace {
  /** Place of word 0; word i is at `slot.addr + i * slot.bytes`, and one word of zeros follows the last. */
  readonly slot: Slot;
  readonly depth: number;
}

export const slotBytes = (width: number): number =>
  isWide(width) ? limbsOf(width) * 8 : width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;

/** Loads of a subword clear or extend for free when the slot has no spare bits. */
const isExact = (slot: Slot): boolean => slot.width === slot.bytes * 8;

export function loadOp(slot: Slot, wanted: Form): { op: number; range: Range; cls: Cls } {
  const cls = classOf(slot.width);
  const form: Form = isExact(slot) && wanted !== "any" ? wanted : slot.form;
  const signed = form === "s";
  const range =
    form === "any"
      ? slot.bytes * 8 < cls
        ? cleanRange(slot.bytes * 8, "u", cls)
        : full(cls)
      : cleanRange(slot.width, form, cls);
  switch (slot.bytes) {
    case 1:
      return { op: signed ? Op.i32Load8S : Op.i32Load8U, range, cls };
    case 2:
      return { op: signed ? Op.i32Load16S : Op.i32Load16U, range, cls };
    case 4:
      return { op: Op.i32Load, range, cls };
    default:
      return { op: Op.i64Load, range, cls };
  }
}

/** The store, and the form the value must have. */
export function storeOp(slot: Slot): { op: number; form: Form; cls: Cls } {
  const form: Form = isExact(slot) ? "any" : slot.form;
  switch (slot.bytes) {
    case 1:
      return { op: Op.i32Store8, form, cls: 32 };
    case 2:
      return { op: Op.i32Store16, form, cls: 32 };
    case 4:
      return { op: Op.i32Store, form, cls: 32 };
    default:
      return { op: Op.i64Store, form, cls: 64 };
  }
}

export class Layout {
  /** Of inputs, registers, memory reads and outputs of black boxes, by node. */
  readonly slots = new Map<FlatId, Slot>();
  readonly memories: MemoryPlace[] = [];
  /** Input ports of black boxes, unsigned. */
  readonly boxInputs: ReadonlyMap<string, Slot>[] = [];
  /** Snapshots copy everything below. */
  readonly stateEnd: number;
  private end = 0;

  constructor(graph: FlatGraph, demand: readonly Form[]) {
    const add = (node: FlatId): void => {
      const { width } = graph.nodes[node]!;
      const wanted = demand[node]!;
      // An exact slot serves both readings; its form is what a plain load gives.
      this.slots.set(
        node,
        this.slot(
          width,
          isWide(width) || (wanted === "any" && slotBytes(width) * 8 === width) ? "u" : wanted,
        ),
      );
    };
    for (const p of graph.inputs) add(p.node);
    for (const r of graph.registers) add(r.node);
    for (const r of graph.reads) add(r.node);
    for (const b of graph.boxes) for (const node of b.outputs) add(node);
    for (const m of graph.memories) {
      const bytes = slotBytes(m.width);
      const addr = this.alloc(bytes * (m.depth + 1));
      this.memories.push({ slot: { addr, width: m.width, form: "u", bytes }, depth: m.depth });
    }
    this.stateEnd = this.end;
    for (const b of graph.boxes) {
      this.boxInputs.push(
        new Map(Object.entries(b.inputs).map(([port, id]) => [port, this.slot(graph.nodes[id]!.width, "u")])),
      );
    }
  }

  /** Bytes in use, with room for a load that looks past the last value. */
  get size(): number {
    return this.end + 64;
  }

  slot(width: number, form: Form): Slot {
    const bytes = slotBytes(width);
    return { addr: this.alloc(bytes), width, form, bytes };
  }

  alloc(bytes: number): number {
    const align = Math.min(8, bytes);
    const addr = Math.ceil(this.end / align) * align;
    this.end = addr + bytes;
    return addr;
  }
}

/** The machine's view of linear memory from JavaScript; growing the memory makes new arrays. */
export class Views {
  readonly memory = new WebAssembly.Memory({ initial: 1 });
  u8 = new Uint8Array(this.memory.buffer);
  u32 = new Uint32Array(this.memory.buffer);

  reserve(bytes: number): void {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    this.memory.grow(Math.ceil(missing / 65536));
    this.u8 = new Uint8Array(this.memory.buffer);
    this.u32 = new Uint32Array(this.memory.buffer);
  }

  /** The bits of the value at a slot, or at a memory word of that shape. */
  read(slot: Slot, addr = slot.addr): bigint {
    let value = 0n;
    for (let i = slot.bytes - 1; i >= 0; ) {
      if (i >= 3 && (addr & 3) === 0) {
        value = (value << 32n) | BigInt(this.u32[(addr + i - 3) >>> 2]!);
        i -= 4;
      } else value = (value << 8n) | BigInt(this.u8[addr + i--]!);
    }
    return value & maskOf(slot.width);
  }

  /** A function that reads a slot's bits as a number, exactly up to 53 bits. */
  loader(slot: Slot): () => number {
    const { addr, width, bytes } = slot;
    const mask = width >= 32 ? -1 : 2 ** width - 1;
    switch (bytes) {
      case 1:
        return () => this.u8[addr]! & mask;
      case 2:
        return () => (this.u32[addr >>> 2]! >>> ((addr & 2) * 8)) & mask;
      case 4:
        return () => (this.u32[addr >>> 2]! & mask) >>> 0;
      default: {
        if (width > 53) return () => Number(this.read(slot));
        const above = 2 ** (width - 32);
        return () => this.u32[addr >>> 2]! + (this.u32[(addr >>> 2) + 1]! % above) * 0x100000000;
      }
    }
  }

  /** `value` is unsigned; the upper bits are written as the slot's form asks. */
  write(slot: Slot, value: bigint, addr = slot.addr): void {
    let rest = slot.form === "s" ? BigInt.asUintN(slot.bytes * 8, BigInt.asIntN(slot.width, value)) : value;
    for (let i = 0; i < slot.bytes; ) {
      if (i + 4 <= slot.bytes && (addr & 3) === 0) {
        this.u32[(addr + i) >>> 2] = Number(rest & 0xffffffffn);
        rest >>= 32n;
        i += 4;
      } else {
        this.u8[addr + i++] = Number(rest & 0xffn);
        rest >>= 8n;
      }
    }
  }
}
