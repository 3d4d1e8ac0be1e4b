/** Pieces of values of more than 64 bits: little-endian i64 limbs whose upper bits are always clear. */
import type { FlatId } from "../graph.js";
import { maskOf } from "../semantics.js";
import type { Context } from "./context.js";
import { Op } from "./encode.js";
import { type Cls, cleanRange, type Form, full, isWide, limbsOf, type Range } from "./range.js";
import { normalise } from "./words.js";

/** The bits that limb `i` of a value has. */
export const limbMask = (width: number, i: number): bigint => maskOf(Math.min(64, width - 64 * i));

export function maskLimb(c: Context, width: number, i: number): void {
  if (width - 64 * i < 64) c.code.i64(limbMask(width, i)).op(Op.i64And);
}

/** Limb of a value of any width continued by zeros or its sign; beyond its own limbs too. */
export function pushExtendedLimb(c: Context, id: FlatId, signedness: "u" | "s", i: number): void {
  const { code } = c;
  const width = c.widthOf(id);
  const top = limbsOf(width) - 1;
  if (signedness === "u") {
    if (i > top) code.i64(0n);
    else c.pushLimb(id, i);
    return;
  }
  if (i < top) {
    c.pushLimb(id, i);
    return;
  }
  if (!isWide(width)) c.push(id, 64, "s");
  else {
    c.pushLimb(id, top);
    const spare = BigInt(64 * (top + 1) - width);
    if (spare > 0n) code.i64(spare).op(Op.i64Shl).i64(spare).op(Op.i64ShrS);
  }
  if (i > top) code.i64(63n).op(Op.i64ShrS);
}

/** `width` bits of a wide value from `lo` on, at most 64, in a word of class `cls`; clean as `form` asks. */
export function pushBits(c: Context, id: FlatId, lo: number, width: number, cls: Cls, form: Form): Range {
  const addr = c.addressOf(id);
  const shift = lo & 7;
  const needed = shift + width;
  if (addr !== undefined && needed <= cls) {
    pushLoadedBits(c, addr + (lo >>> 3), shift, width, cls, form);
  } else {
    const limb = lo >>> 6;
    const by = lo & 63;
    c.pushLimb(id, limb);
    if (by > 0) c.code.i64(BigInt(by)).op(Op.i64ShrU);
    let have = 64 - by;
    if (by + width > 64) {
      c.pushLimb(id, limb + 1);
      c.code.i64(BigInt(64 - by)).op(Op.i64Shl, Op.i64Or);
      have = 64;
    }
    if (lo + width === c.widthOf(id)) have = width;
    if (cls === 32) c.code.op(Op.i32WrapI64);
    normalise(c, cleanRange(have, "u", cls), width, form, cls);
  }
  return form === "any" ? full(cls) : cleanRange(width, form, cls);
}

/** The same from memory: the smallest load that has the bits, at any byte. */
function pushLoadedBits(c: Context, addr: number, shift: number, width: number, cls: Cls, form: Form): void {
  const needed = shift + width;
  const size = needed <= 8 ? 8 : needed <= 16 ? 16 : needed <= 32 ? 32 : 64;
  const wide = cls === 64;
  // A 32-bit load of an i64 word would need one more opcode than is worth it here.
  const bits = wide ? 64 : size;
  const by = (n: number, op32: number, op64: number): void => {
    if (n === 0) return;
    if (wide) c.code.i64(BigInt(n)).op(op64);
    else c.code.i32(n).op(op32);
  };
  c.code.i32(0);
  if (form === "s") {
    const exact = !wide && needed === size;
    c.code.memory(
      wide
        ? Op.i64Load
        : size === 8
          ? exact
            ? Op.i32Load8S
            : Op.i32Load8U
          : size === 16
            ? exact
              ? Op.i32Load16S
              : Op.i32Load16U
            : Op.i32Load,
      addr,
    );
    if (!exact) by(cls - needed, Op.i32Shl, Op.i64Shl);
    by(exact ? shift : cls - width, Op.i32ShrS, Op.i64ShrS);
    return;
  }
  c.code.memory(
    wide ? Op.i64Load : size === 8 ? Op.i32Load8U : size === 16 ? Op.i32Load16U : Op.i32Load,
    addr,
  );
  by(shift, Op.i32ShrU, Op.i64ShrU);
  normalise(c, cleanRange(bits - shift, "u", cls), width, form, cls);
}
