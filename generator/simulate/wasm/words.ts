/** Single machine words: constants, clean upper bits, operands, shift counts and memory addresses. */
import type { FlatFetch, FlatId } from "../graph.js";
import { maskOf } from "../semantics.js";
import type { Context } from "./context.js";
import { I32, I64, Op } from "./encode.js";
import { type Cls, classOf, cleanRange, type Form, full, isWide, type Range, within } from "./range.js";

/** The instructions of both word sizes under one name. */
export const OPS = {
  32: {
    add: Op.i32Add,
    sub: Op.i32Sub,
    mul: Op.i32Mul,
    and: Op.i32And,
    or: Op.i32Or,
    xor: Op.i32Xor,
    shl: Op.i32Shl,
    shrS: Op.i32ShrS,
    shrU: Op.i32ShrU,
    eq: Op.i32Eq,
    ne: Op.i32Ne,
    eqz: Op.i32Eqz,
    ltS: Op.i32LtS,
    ltU: Op.i32LtU,
    leS: Op.i32LeS,
    leU: Op.i32LeU,
    popcnt: Op.i32Popcnt,
  },
  64: {
    add: Op.i64Add,
    sub: Op.i64Sub,
    mul: Op.i64Mul,
    and: Op.i64And,
    or: Op.i64Or,
    xor: Op.i64Xor,
    shl: Op.i64Shl,
    shrS: Op.i64ShrS,
    shrU: Op.i64ShrU,
    eq: Op.i64Eq,
    ne: Op.i64Ne,
    eqz: Op.i64Eqz,
    ltS: Op.i64LtS,
    ltU: Op.i64LtU,
    leS: Op.i64LeS,
    leU: Op.i64LeU,
    popcnt: Op.i64Popcnt,
  },
} as const;

/** Of a condition. */
export const BIT: Range = { lo: 0n, hi: 1n };

export function pushWord(c: Context, cls: Cls, value: bigint): void {
  if (cls === 32) c.code.i32(Number(BigInt.asIntN(32, value)));
  else c.code.i64(value);
}

/** Makes the upper bits of the word on the stack what `form` asks; the range before tells what is needed. */
export function normalise(c: Context, r: Range, width: number, form: Form, cls: Cls): Range {
  if (form === "any" || width >= cls) return r;
  const clean = cleanRange(width, form, cls);
  if (r.lo >= clean.lo && r.hi <= clean.hi) return r;
  const ops = OPS[cls];
  if (form === "u") {
    pushWord(c, cls, maskOf(width));
    c.code.op(ops.and);
  } else if (width === 8) c.code.op(cls === 32 ? Op.i32Extend8S : Op.i64Extend8S);
  else if (width === 16) c.code.op(cls === 32 ? Op.i32Extend16S : Op.i64Extend16S);
  else if (width === 32) c.code.op(Op.i64Extend32S);
  else {
    for (const op of [ops.shl, ops.shrS]) {
      pushWord(c, cls, BigInt(cls - width));
      c.code.op(op);
    }
  }
  return clean;
}

/**
 * Emits an operand as a word of class `cls` in the reading `form`. `raw` emits a node's own word, and may use that
 * some loads can give the reading at once.
 */
export function pushOperand(c: Context, id: FlatId, cls: Cls, form: Form, raw: (form: Form) => Range): Range {
  const width = c.widthOf(id);
  const constant = c.constantOf(id);
  if (constant !== undefined) {
    const value = form === "s" ? BigInt.asIntN(width, constant) : constant;
    const word = BigInt.asIntN(cls, value);
    pushWord(c, cls, word);
    return { lo: word, hi: word };
  }
  if (isWide(width)) {
    c.pushLimb(id, 0);
    if (cls === 32) c.code.op(Op.i32WrapI64);
    return full(cls);
  }
  const own = classOf(width);
  const r = normalise(c, raw(form), width, form, own);
  if (own === cls) return r;
  if (cls === 32) {
    c.code.op(Op.i32WrapI64);
    return within(r.lo, r.hi, 32);
  }
  if (form === "u" || r.lo >= 0n) {
    c.code.op(Op.i64ExtendI32U);
    return r.lo >= 0n ? r : cleanRange(width, "u", 64);
  }
  c.code.op(Op.i64ExtendI32S);
  return r;
}

/** The shift count as a word, at most `limit`; it costs nothing when b is too narrow to pass it. */
export function pushCount(c: Context, b: FlatId, cls: Cls, limit: number): void {
  const wb = c.widthOf(b);
  if (!isWide(wb) && maskOf(wb) <= BigInt(limit)) {
    c.push(b, cls, "u");
    return;
  }
  const cb = classOf(wb);
  const type = cb === 32 ? I32 : I64;
  const count = c.code.local(type);
  if (isWide(wb)) pushSaturatedLimb(c, b);
  else c.push(b, cb, "u");
  c.code.tee(count);
  pushWord(c, cb, BigInt(limit));
  c.code.get(count);
  pushWord(c, cb, BigInt(limit));
  c.code.op(OPS[cb].ltU, Op.select);
  c.code.release(type, count);
  if (cb === 64 && cls === 32) c.code.op(Op.i32WrapI64);
  else if (cb === 32 && cls === 64) c.code.op(Op.i64ExtendI32U);
}

/** A wide value as one i64: its low limb, or all ones when a higher limb is not 0. */
function pushSaturatedLimb(c: Context, id: FlatId): void {
  c.pushLimb(id, 0);
  c.code.i64(-1n);
  for (let i = 1; i * 64 < c.widthOf(id); i++) {
    c.pushLimb(id, i);
    if (i > 1) c.code.op(Op.i64Or);
  }
  c.code.op(Op.i64Eqz, Op.select);
}

/** Offset of a memory word from word 0; an address beyond the end gives the word of zeros behind the last. */
export function pushWordAddress(c: Context, node: Pick<FlatFetch, "mem" | "addr">): void {
  const { slot, depth } = c.layout.memories[node.mem]!;
  pushCount(c, node.addr, 32, depth);
  if (slot.bytes === 1) return;
  if ((slot.bytes & (slot.bytes - 1)) === 0) c.code.i32(Math.log2(slot.bytes)).op(Op.i32Shl);
  else c.code.i32(slot.bytes).op(Op.i32Mul);
}
