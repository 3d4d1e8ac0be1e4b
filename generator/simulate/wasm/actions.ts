/** What a clock edge does to registers and memories, as actions for the scheduler. */
import type { FlatId, FlatMemoryRead, FlatMemoryWrite, FlatRegister } from "../graph.js";
import { maskOf } from "../semantics.js";
import type { Emitter } from "./emitter.js";
import { I32, Op } from "./encode.js";
import { loadOp, type Slot, storeOp } from "./layout.js";
import { pushBits } from "./limbs.js";
import { pushCount, pushWord } from "./words.js";
import { classOf, isWide, limbsOf } from "./range.js";
import type { Action } from "./schedule.js";

/** The register takes the value; with enables, only when one of them is 1. */
export function registerAction(register: FlatRegister, value: FlatId): Action {
  const { node, width } = register;
  return {
    once: [value],
    often: [],
    writes: [node],
    emit(e, enables) {
      const slot = e.layout.slots.get(node)!;
      const { code } = e;
      if (!isWide(width)) {
        code.i32(0);
        const { op } = storeOp(slot);
        e.pushFor(slot, value);
        if (enables.length > 0) {
          e.pushFor(slot, node);
          e.pushAny(enables);
          code.op(Op.select);
        }
        code.memory(op, slot.addr);
        return;
      }
      // All limbs before the first store: the value may be made of the register's own bits.
      const n = limbsOf(width);
      const enabled = enables.length > 0 ? code.local(I32) : -1;
      if (enabled >= 0) {
        e.pushAny(enables);
        code.set(enabled);
      }
      for (let i = 0; i < n; i++) {
        code.i32(0);
        e.pushLimb(value, i);
        if (enabled >= 0) {
          e.pushLimb(node, i);
          code.get(enabled).op(Op.select);
        }
      }
      for (let i = n - 1; i >= 0; i--) code.memory(Op.i64Store, slot.addr + 8 * i);
    },
  };
}

/** While the reset is high, all these registers get their reset values, whatever was stored before. */
export function resetAction(reset: FlatId, registers: readonly FlatRegister[]): Action {
  return {
    once: [],
    often: [reset],
    writes: registers.map((r) => r.node),
    emit(e) {
      e.push(reset, 32, "u");
      e.enter();
      for (const r of registers) storeConstant(e, e.layout.slots.get(r.node)!, r.reset!);
      e.leave();
    },
  };
}

function storeConstant(e: Emitter, slot: Slot, value: bigint): void {
  const { code } = e;
  if (isWide(slot.width)) {
    for (let i = 0; i < limbsOf(slot.width); i++) {
      code
        .i32(0)
        .i64(BigInt.asUintN(64, value >> BigInt(64 * i)))
        .memory(Op.i64Store, slot.addr + 8 * i);
    }
    return;
  }
  const { op, cls } = storeOp(slot);
  code.i32(0);
  pushWord(e, cls, slot.form === "s" ? BigInt.asIntN(slot.width, value) : value);
  code.memory(op, slot.addr);
}

/** Index of the addressed word, the memory's depth for any address beyond it, in a local. */
function addressLocal(e: Emitter, mem: number, addr: FlatId): number {
  const local = e.code.local(I32);
  pushCount(e, addr, 32, e.layout.memories[mem]!.depth);
  e.code.set(local);
  return local;
}

const canMiss = (e: Emitter, mem: number, addr: FlatId): boolean =>
  maskOf(Math.min(e.widthOf(addr), 64)) >= BigInt(e.layout.memories[mem]!.depth);

/** Emits the byte offset of a word from its index. */
function pushOffset(e: Emitter, slot: Slot, index: number): void {
  e.code.get(index);
  if (slot.bytes > 1) e.code.i32(slot.bytes).op(Op.i32Mul);
}

/** A registered read; `clashes` are the writes at the same edge that make the word undefined. */
export function readAction(read: FlatMemoryRead, clashes: readonly FlatMemoryWrite[]): Action {
  const { mem, node } = read;
  return {
    once: [],
    often: [
      read.addr,
      ...(read.enable === null ? [] : [read.enable]),
      ...clashes.flatMap((w) => [w.addr, w.enable, ...(w.mask === null ? [] : [w.mask])]),
    ],
    writes: [node],
    emit(e) {
      const { code } = e;
      const from = e.layout.memories[mem]!.slot;
      const to = e.layout.slots.get(node)!;
      if (read.enable !== null) {
        e.push(read.enable, 32, "u");
        e.enter();
      }
      const index = addressLocal(e, mem, read.addr);
      const clash = clashes.length > 0 ? pushClash(e, read, clashes, index) : undefined;
      const offset = code.local(I32);
      pushOffset(e, from, index);
      code.set(offset);
      if (isWide(read.width)) {
        for (let i = 0; i < limbsOf(read.width); i++) {
          code
            .i32(0)
            .get(offset)
            .memory(Op.i64Load, from.addr + 8 * i);
          if (clash !== undefined) {
            code
              .i64(maskOf(Math.min(64, read.width - 64 * i)))
              .i64(0n)
              .get(clash)
              .op(Op.select, Op.i64Xor);
          }
          code.memory(Op.i64Store, to.addr + 8 * i);
        }
      } else {
        const exact = to.bytes * 8 === to.width;
        const { op, cls } = loadOp(from, exact ? "any" : to.form);
        code.i32(0).get(offset).memory(op, from.addr);
        if (clash !== undefined) {
          pushWord(e, cls, maskOf(read.width));
          pushWord(e, cls, 0n);
          code.get(clash).op(Op.select, cls === 32 ? Op.i32Xor : Op.i64Xor);
        }
        if (!exact && to.form === "s") pushSignExtension(e, read.width);
        code.memory(storeOp(to).op, to.addr);
      }
      for (const local of [index, offset, ...(clash === undefined ? [] : [clash])]) code.release(I32, local);
      if (read.enable !== null) e.leave();
    },
  };
}

function pushSignExtension(e: Emitter, width: number): void {
  const cls = classOf(width);
  for (const op of cls === 32 ? [Op.i32Shl, Op.i32ShrS] : [Op.i64Shl, Op.i64ShrS]) {
    pushWord(e, cls, BigInt(cls - width));
    e.code.op(op);
  }
}

/** A local that is 1 when one of the writes changes the word being read. */
function pushClash(
  e: Emitter,
  read: FlatMemoryRead,
  clashes: readonly FlatMemoryWrite[],
  index: number,
): number {
  const { code } = e;
  const { depth } = e.layout.memories[read.mem]!;
  const clash = code.local(I32);
  for (const [i, w] of clashes.entries()) {
    pushCount(e, w.addr, 32, depth);
    code.get(index).op(Op.i32Eq);
    e.push(w.enable, 32, "u");
    code.op(Op.i32And);
    if (w.mask !== null) {
      pushNonZero(e, w.mask);
      code.op(Op.i32And);
    }
    if (i > 0) code.op(Op.i32Or);
  }
  if (canMiss(e, read.mem, read.addr)) code.get(index).i32(depth).op(Op.i32Ne, Op.i32And);
  code.set(clash);
  return clash;
}

function pushNonZero(e: Emitter, id: FlatId): void {
  for (let i = 0; i < Math.max(1, limbsOf(e.widthOf(id))); i++) {
    e.pushLimb(id, i);
    if (i > 0) e.code.op(Op.i64Or);
  }
  e.code.op(Op.i64Eqz, Op.i32Eqz);
}

export function writeAction(mem: number, width: number, w: FlatMemoryWrite): Action {
  return {
    once: [],
    often: [w.addr, w.data, w.enable, ...(w.mask === null ? [] : [w.mask])],
    writes: [],
    emit(e) {
      const { code } = e;
      const { slot, depth } = e.layout.memories[mem]!;
      const index = addressLocal(e, mem, w.addr);
      e.push(w.enable, 32, "u");
      if (canMiss(e, mem, w.addr)) code.get(index).i32(depth).op(Op.i32Ne, Op.i32And);
      e.enter();
      const offset = code.local(I32);
      pushOffset(e, slot, index);
      code.set(offset);
      const wide = isWide(width);
      for (let i = 0; i < (wide ? limbsOf(width) : 1); i++) {
        const addr = slot.addr + 8 * i;
        const store = wide ? Op.i64Store : storeOp(slot).op;
        const bits = wide ? 64 : classOf(width);
        code.get(offset);
        if (wide) e.pushLimb(w.data, i);
        else e.pushFor(slot, w.data);
        if (w.mask !== null) {
          // old ^ ((old ^ new) & bits to change)
          const load = wide ? Op.i64Load : loadOp(slot, "u").op;
          const [xor, and] = bits === 64 ? [Op.i64Xor, Op.i64And] : [Op.i32Xor, Op.i32And];
          code.get(offset).memory(load, addr).op(xor);
          pushMaskBits(e, w.mask, w.granule, 64 * i, Math.min(bits, width - 64 * i), bits === 64 ? 64 : 32);
          code.op(and).get(offset).memory(load, addr).op(xor);
        }
        code.memory(store, addr);
      }
      code.release(I32, offset);
      e.leave();
      code.release(I32, index);
    },
  };
}

/** The word with the bits [from, from + count) that the mask opens. */
function pushMaskBits(
  e: Emitter,
  mask: FlatId,
  granule: number,
  from: number,
  count: number,
  cls: 32 | 64,
): void {
  const { code } = e;
  const maskWidth = e.widthOf(mask);
  const pushPart = (lo: number, width: number): void => {
    if (isWide(maskWidth)) pushBits(e, mask, lo, width, cls, "u");
    else {
      e.push(mask, cls, "u");
      if (lo > 0) {
        pushWord(e, cls, BigInt(lo));
        code.op(cls === 32 ? Op.i32ShrU : Op.i64ShrU);
      }
    }
  };
  if (granule === 1) {
    pushPart(from, count);
    if (count < cls) {
      pushWord(e, cls, maskOf(count));
      code.op(cls === 32 ? Op.i32And : Op.i64And);
    }
    return;
  }
  const [and, or] = cls === 32 ? [Op.i32And, Op.i32Or] : [Op.i64And, Op.i64Or];
  const firstBit = Math.floor(from / granule);
  for (let bit = firstBit; bit * granule < from + count; bit++) {
    const lo = Math.max(bit * granule, from);
    const hi = Math.min((bit + 1) * granule, from + count);
    pushWord(e, cls, maskOf(hi - lo) << BigInt(lo - from));
    pushWord(e, cls, 0n);
    pushPart(bit, 1);
    pushWord(e, cls, 1n);
    code.op(and);
    if (cls === 64) code.op(Op.i32WrapI64);
    code.op(Op.select);
    if (bit > firstBit) code.op(or);
  }
}

/** The clock edge of a black box, whose model lives in JavaScript. */
export function boxAction(box: number, inputs: readonly FlatId[], outputs: readonly FlatId[]): Action {
  return {
    once: [],
    often: inputs,
    writes: outputs,
    emit(e) {
      for (const [port, id] of Object.entries(e.model.graph.boxes[box]!.inputs)) {
        e.storeTo(e.layout.boxInputs[box]!.get(port)!, id);
      }
      e.code.i32(box).call(e.functions.boxEdge);
    },
  };
}

/** Calls out when an assertion does not hold, except in reset. */
export function checkAction(
  index: number,
  condition: FlatId,
  enable: FlatId | null,
  reset: FlatId | null,
): Action {
  return {
    once: [],
    often: [condition, ...(enable === null ? [] : [enable]), ...(reset === null ? [] : [reset])],
    writes: [],
    emit(e) {
      const { code } = e;
      e.push(condition, 32, "u");
      code.op(Op.i32Eqz);
      if (enable !== null) {
        e.push(enable, 32, "u");
        code.op(Op.i32And);
      }
      if (reset !== null) {
        e.push(reset, 32, "u");
        code.op(Op.i32Eqz, Op.i32And);
      }
      code.if().i32(index).call(e.functions.fail).end();
    },
  };
}
