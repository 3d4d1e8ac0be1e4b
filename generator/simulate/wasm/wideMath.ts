/** Addition, multiplication and shifts of values of more than 64 bits; results go to locals, a limb in each. */
import type { FlatBinary, FlatId } from "../graph.js";
import type { Context } from "./context.js";
import { type Code, I32, I64, Op } from "./encode.js";
import { maskLimb, pushExtendedLimb } from "./limbs.js";
import { isWide } from "./range.js";
import { pushCount } from "./words.js";

export function add(c: Context, a: FlatId, b: FlatId, locals: readonly number[], width: number): void {
  const { code } = c;
  const carry = code.local(I64);
  const first = code.local(I64);
  for (let i = 0; i < locals.length; i++) {
    const sum = locals[i]!;
    c.pushLimb(a, i);
    code.tee(first);
    c.pushLimb(b, i);
    code.op(Op.i64Add);
    if (i > 0) code.get(carry).op(Op.i64Add);
    if (i + 1 === locals.length) maskLimb(c, width, i);
    code.set(sum);
    if (i + 1 < locals.length) {
      // sum < a, or sum == a when the carry came in and b is all ones
      code.get(sum).get(first).op(Op.i64LtU);
      if (i > 0) code.get(sum).get(first).op(Op.i64Eq).get(carry).op(Op.i32WrapI64, Op.i32And, Op.i32Or);
      code.op(Op.i64ExtendI32U).set(carry);
    }
  }
  code.release(I64, carry);
  code.release(I64, first);
}

/** a - b; null stands for 0. */
export function subtract(
  c: Context,
  a: FlatId | null,
  b: FlatId,
  locals: readonly number[],
  width: number,
): void {
  const { code } = c;
  const borrow = code.local(I64);
  const first = code.local(I64);
  const second = code.local(I64);
  for (let i = 0; i < locals.length; i++) {
    if (a === null) code.i64(0n);
    else c.pushLimb(a, i);
    code.tee(first);
    c.pushLimb(b, i);
    code.tee(second).op(Op.i64Sub);
    if (i > 0) code.get(borrow).op(Op.i64Sub);
    if (i + 1 === locals.length) maskLimb(c, width, i);
    code.set(locals[i]!);
    if (i + 1 < locals.length) {
      code.get(first).get(second).op(Op.i64LtU);
      if (i > 0) code.get(first).get(second).op(Op.i64Eq).get(borrow).op(Op.i32WrapI64, Op.i32And, Op.i32Or);
      code.op(Op.i64ExtendI32U).set(borrow);
    }
  }
  for (const local of [borrow, first, second]) code.release(I64, local);
}

/** Factors of at most 64 bits in place; wider ones through memory and a helper with loops, for they are rare. */
export function multiply(c: Context, node: FlatBinary, locals: readonly number[]): void {
  if (locals.length === 2 && !isWide(c.widthOf(node.a)) && !isWide(c.widthOf(node.b))) {
    multiplyWords(c, node, locals[0]!, locals[1]!);
    return;
  }
  const { code } = c;
  const n = locals.length;
  const [a, b, product] = [0, 1, 2].map((k) => c.scratch(`mul${k} ${n}`, n * 8));
  for (const [place, id] of [
    [a!, node.a],
    [b!, node.b],
  ] as const) {
    for (let i = 0; i < n; i++) {
      code.i32(0);
      pushExtendedLimb(c, id, node.signedness, i);
      code.memory(Op.i64Store, place + 8 * i);
    }
  }
  code
    .i32(product!)
    .i32(a!)
    .i32(b!)
    .i32(2 * n)
    .call(c.multiplier());
  for (let i = 0; i < n; i++) {
    code.i32(0).memory(Op.i64Load, product! + 8 * i);
    maskLimb(c, node.width, i);
    code.set(locals[i]!);
  }
}

/** The 128 bits of a product of two words, from the products of their halves. */
function multiplyWords(c: Context, node: FlatBinary, low: number, high: number): void {
  const { code } = c;
  const [a, b, cross, middle] = [code.local(I64), code.local(I64), code.local(I64), code.local(I64)];
  const upper = (local: number): Code => code.get(local).i64(32n).op(Op.i64ShrU);
  const lower = (local: number): Code => code.get(local).i64(0xffffffffn).op(Op.i64And);
  c.push(node.a, 64, node.signedness);
  code.set(a);
  c.push(node.b, 64, node.signedness);
  code.set(b);
  // cross = a_low * b_high, then a_high * b_low; middle = what they and a_low * b_low have from bit 32 on
  lower(a);
  lower(b).op(Op.i64Mul).i64(32n).op(Op.i64ShrU).set(middle);
  lower(a);
  upper(b).op(Op.i64Mul).set(cross);
  upper(a);
  upper(b).op(Op.i64Mul);
  upper(cross).op(Op.i64Add).set(high);
  lower(cross).get(middle).op(Op.i64Add).set(middle);
  upper(a);
  lower(b).op(Op.i64Mul).set(cross);
  lower(cross).get(middle).op(Op.i64Add).set(middle);
  code.get(high);
  upper(cross).op(Op.i64Add);
  upper(middle).op(Op.i64Add);
  if (node.signedness === "s") {
    // Read as unsigned, a negative factor is 2^64 too large.
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const)
      code.get(x).i64(63n).op(Op.i64ShrS).get(y).op(Op.i64And, Op.i64Sub);
  }
  maskLimb(c, node.width, 1);
  code.set(high).get(a).get(b).op(Op.i64Mul).set(low);
  for (const local of [a, b, cross, middle]) code.release(I64, local);
}

/** The value is laid in memory between its fill, and read back from a place that depends on the count. */
export function shift(c: Context, node: FlatBinary, locals: readonly number[]): void {
  const { code } = c;
  const n = locals.length;
  const left = node.fn === "shl";
  // n + 1 limbs of fill on the side that moves in. On the left they stay 0, as memory starts.
  const place = c.scratch(`${left ? "shl" : "shr"} ${n}`, (2 * n + 2) * 8);
  const value = place + (left ? (n + 1) * 8 : 0);
  for (let i = 0; i < n; i++) {
    code.i32(0);
    pushExtendedLimb(c, node.a, left ? "u" : node.signedness, i);
    code.memory(Op.i64Store, value + 8 * i);
  }
  for (let i = n; !left && i < 2 * n + 1; i++) {
    code.i32(0);
    if (node.signedness === "u") code.i64(0n);
    else pushExtendedLimb(c, node.a, "s", n);
    code.memory(Op.i64Store, value + 8 * i);
  }
  const count = code.local(I64);
  const at = code.local(I32);
  pushCount(c, node.b, 64, node.width);
  code.set(count);
  // whole limbs
  code.i32(0).get(count).i64(6n).op(Op.i64ShrU, Op.i32WrapI64).i32(3).op(Op.i32Shl);
  if (left) code.op(Op.i32Sub);
  else code.op(Op.i32Add);
  code.set(at).get(count).i64(63n).op(Op.i64And).set(count);
  for (let i = 0; i < n; i++) {
    const near = value + 8 * i;
    const far = left ? near - 8 : near + 8;
    // By 1 and then by 63 - count: a shift by 64 would be one by 0.
    code
      .get(at)
      .i32(near)
      .op(Op.i32Add)
      .memory(Op.i64Load, 0)
      .get(count)
      .op(left ? Op.i64Shl : Op.i64ShrU);
    code
      .get(at)
      .i32(far)
      .op(Op.i32Add)
      .memory(Op.i64Load, 0)
      .i64(1n)
      .op(left ? Op.i64ShrU : Op.i64Shl);
    code
      .i64(63n)
      .get(count)
      .op(Op.i64Sub, left ? Op.i64ShrU : Op.i64Shl, Op.i64Or);
    maskLimb(c, node.width, i);
    code.set(locals[i]!);
  }
  code.release(I64, count);
  code.release(I32, at);
}
