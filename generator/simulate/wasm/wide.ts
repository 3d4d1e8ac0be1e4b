/**
 * Code for values of more than 64 bits: little-endian i64 limbs whose upper bits are always clear. Operators that go
 * limb by limb can be emitted without locals (`pushWideLimb`); the others compute all limbs at once (`evalWide`).
 */
import { type CombNode, type FlatBinary, type FlatCat, type FlatUnary, unreachable } from "../graph.js";
import type { Context } from "./context.js";
import { I32, Op } from "./encode.js";
import { limbMask, maskLimb, pushBits, pushExtendedLimb } from "./limbs.js";
import { isWide, limbsOf, type Range } from "./range.js";
import { pushMatch } from "./select.js";
import { add, multiply, shift, subtract } from "./wideMath.js";
import { BIT, pushWordAddress } from "./words.js";

/** Nodes of which one limb at a time can be emitted, each operand limb at most once per limb. */
export function isLimbwise(node: CombNode): boolean {
  switch (node.op) {
    case "const":
    case "mux":
    case "cat":
    case "extend":
    case "slice":
      return true;
    case "unary":
      return node.fn === "not";
    case "binary":
      return node.fn === "and" || node.fn === "or" || node.fn === "xor";
    case "select":
    case "fetch":
      return false;
    default:
      return unreachable(node);
  }
}

export function pushWideLimb(c: Context, node: CombNode, i: number): void {
  const { code } = c;
  const { width } = node;
  switch (node.op) {
    case "const":
      code.i64(BigInt.asUintN(64, node.value >> BigInt(64 * i)));
      return;
    case "mux":
      c.pushLimb(node.t, i);
      c.pushLimb(node.f, i);
      c.push(node.sel, 32, "u");
      code.op(Op.select);
      return;
    case "cat":
      pushCatLimb(c, node, i);
      return;
    case "extend":
      pushExtendedLimb(c, node.a, node.signedness, i);
      if (node.signedness === "s") maskLimb(c, width, i);
      return;
    case "slice":
      pushBits(c, node.a, node.lo + 64 * i, Math.min(64, width - 64 * i), 64, "u");
      return;
    case "unary":
      c.pushLimb(node.a, i);
      code.i64(limbMask(width, i)).op(Op.i64Xor);
      return;
    case "binary":
      c.pushLimb(node.a, i);
      c.pushLimb(node.b, i);
      code.op(node.fn === "and" ? Op.i64And : node.fn === "or" ? Op.i64Or : Op.i64Xor);
      return;
    default:
      throw new Error(`${node.op} has no single limbs`);
  }
}

function pushCatLimb(c: Context, node: FlatCat, i: number): void {
  const { code } = c;
  let at = node.width;
  let some = false;
  for (const part of node.parts) {
    const w = c.widthOf(part);
    at -= w; // the part is at bits [at, at + w)
    const from = Math.max(at, 64 * i);
    const to = Math.min(at + w, 64 * (i + 1));
    if (from >= to) continue;
    if (isWide(w)) pushBits(c, part, from - at, to - from, 64, "u");
    else {
      c.push(part, 64, "u");
      if (from > at) code.i64(BigInt(from - at)).op(Op.i64ShrU);
    }
    if (from > 64 * i) code.i64(BigInt(from - 64 * i)).op(Op.i64Shl);
    if (some) code.op(Op.i64Or);
    some = true;
  }
}

/** Computes all limbs into `locals`. */
export function evalWide(c: Context, node: CombNode, locals: readonly number[]): void {
  const { code } = c;
  const { width } = node;
  const n = locals.length;
  if (isLimbwise(node)) {
    for (let i = 0; i < n; i++) {
      pushWideLimb(c, node, i);
      code.set(locals[i]!);
    }
    return;
  }
  switch (node.op) {
    case "unary":
      subtract(c, null, node.a, locals, width); // neg: the rest is limbwise or narrow
      return;
    case "binary":
      switch (node.fn) {
        case "add":
          add(c, node.a, node.b, locals, width);
          return;
        case "sub":
          subtract(c, node.a, node.b, locals, width);
          return;
        case "mul":
          multiply(c, node, locals);
          return;
        case "shl":
        case "shr":
          shift(c, node, locals);
          return;
        default:
          throw new Error(`${node.fn} is not wide`);
      }
    case "select": {
      const matches = node.cases.map((k) => {
        const local = code.local(I32);
        pushMatch(c, node.index, k.match);
        code.set(local);
        return local;
      });
      for (let i = 0; i < n; i++) {
        for (const k of node.cases) c.pushLimb(k.value, i);
        c.pushLimb(node.other, i);
        for (const m of [...matches].reverse()) code.get(m).op(Op.select);
        code.set(locals[i]!);
      }
      for (const m of matches) code.release(I32, m);
      return;
    }
    case "fetch": {
      const base = code.local(I32);
      pushWordAddress(c, node);
      code.set(base);
      const { slot } = c.layout.memories[node.mem]!;
      for (let i = 0; i < n; i++)
        code
          .get(base)
          .memory(Op.i64Load, slot.addr + 8 * i)
          .set(locals[i]!);
      code.release(I32, base);
      return;
    }
    default:
      throw new Error(`${node.op} is limbwise`);
  }
}

export function compareWide(c: Context, node: FlatBinary): Range {
  const { code } = c;
  const { a, b, fn } = node;
  const width = c.widthOf(a);
  const n = limbsOf(width);
  if (fn === "eq" || fn === "ne") {
    for (let i = 0; i < n; i++) {
      c.pushLimb(a, i);
      c.pushLimb(b, i);
      code.op(Op.i64Xor);
      if (i > 0) code.op(Op.i64Or);
    }
    code.op(Op.i64Eqz);
    if (fn === "ne") code.op(Op.i32Eqz);
    return BIT;
  }
  // From the bottom up: a higher limb decides unless it is equal.
  code.i32(fn === "le" ? 1 : 0);
  for (let i = 0; i < n; i++) {
    const signed = node.signedness === "s" && i === n - 1;
    const both = (): void => {
      for (const id of [a, b]) pushExtendedLimb(c, id, signed ? "s" : "u", i);
    };
    both();
    code.op(signed ? Op.i64LtS : Op.i64LtU);
    both();
    code.op(Op.i64Eq, Op.select);
  }
  return BIT;
}

export function reduceWide(c: Context, node: FlatUnary): Range {
  const { code } = c;
  const width = c.widthOf(node.a);
  for (let i = 0; i < limbsOf(width); i++) {
    c.pushLimb(node.a, i);
    if (node.fn === "andr") code.i64(limbMask(width, i)).op(Op.i64Xor);
    if (i > 0) code.op(node.fn === "xorr" ? Op.i64Xor : Op.i64Or);
  }
  if (node.fn === "xorr") code.op(Op.i64Popcnt, Op.i32WrapI64).i32(1).op(Op.i32And);
  else code.op(Op.i64Eqz);
  if (node.fn === "orr") code.op(Op.i32Eqz);
  return BIT;
}
