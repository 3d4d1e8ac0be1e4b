/**
 * Code for values of more than 64 bits: little-endian i64 limbs whose upper bits are always clear. Operators that go
 * limb by limb can be emitted without locals (`pushWideLimb`); the others compute all limbs at once (`evalWide`).
 */
import { type CombNode, type FlatBinary, type FlatCat, type FlatId, type FlatUnary, unreachable } from "../graph.js";
import { maskOf } from "../semantics.js";
import type { Context } from "./context.js";
import { I32, I64, Op } from "./encode.js";
import { normalise, pushCount, pushMatch, pushWordAddress } from "./narrow.js";
import { type Cls, cleanRange, type Form, full, isWide, limbsOf, type Range } from "./range.js";

const BIT: Range = { lo: 0n, hi: 1n };

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
    c.code.memory(wide ? Op.i64Load : size === 8 ? (exact ? Op.i32Load8S : Op.i32Load8U)
      : size === 16 ? (exact ? Op.i32Load16S : Op.i32Load16U) : Op.i32Load, addr);
    if (!exact) by(cls - needed, Op.i32Shl, Op.i64Shl);
    by(exact ? shift : cls - width, Op.i32ShrS, Op.i64ShrS);
    return;
  }
  c.code.memory(wide ? Op.i64Load : size === 8 ? Op.i32Load8U : size === 16 ? Op.i32Load16U : Op.i32Load, addr);
  by(shift, Op.i32ShrU, Op.i64ShrU);
  normalise(c, cleanRange(bits - shift, "u", cls), width, form, cls);
}

/** Nodes of which one limb at a time can be emitted, each operand limb at most once per limb. */
export function isLimbwise(node: CombNode): boolean {
  switch (node.op) {
    case "const": case "mux": case "cat": case "extend": case "slice": return true;
    case "unary": return node.fn === "not";
    case "binary": return node.fn === "and" || node.fn === "or" || node.fn === "xor";
    case "select": case "fetch": return false;
    default: return unreachable(node);
  }
}

const limbMask = (width: number, i: number): bigint => maskOf(Math.min(64, width - 64 * i));

function maskLimb(c: Context, width: number, i: number): void {
  if (width - 64 * i < 64) c.code.i64(limbMask(width, i)).op(Op.i64And);
}

export function pushWideLimb(c: Context, node: CombNode, i: number): void {
  const { code } = c;
  const { width } = node;
  switch (node.op) {
    case "const": code.i64(BigInt.asUintN(64, node.value >> BigInt(64 * i))); return;
    case "mux":
      c.pushLimb(node.t, i);
      c.pushLimb(node.f, i);
      c.push(node.sel, 32, "u");
      code.op(Op.select);
      return;
    case "cat": return pushCatLimb(c, node, i);
    case "extend":
      pushExtendedLimb(c, node.a, node.signedness, i);
      if (node.signedness === "s") maskLimb(c, width, i);
      return;
    case "slice": pushBits(c, node.a, node.lo + 64 * i, Math.min(64, width - 64 * i), 64, "u"); return;
    case "unary":
      c.pushLimb(node.a, i);
      code.i64(limbMask(width, i)).op(Op.i64Xor);
      return;
    case "binary":
      c.pushLimb(node.a, i);
      c.pushLimb(node.b, i);
      code.op(node.fn === "and" ? Op.i64And : node.fn === "or" ? Op.i64Or : Op.i64Xor);
      return;
    default: throw new Error(`${node.op} has no single limbs`);
  }
}

/** Limb of a value of any width continued by zeros or its sign; beyond its own limbs too. */
function pushExtendedLimb(c: Context, id: FlatId, signedness: "u" | "s", i: number): void {
  const { code } = c;
  const width = c.widthOf(id);
  const top = limbsOf(width) - 1;
  if (signedness === "u") {
    if (i > top) code.i64(0n);
    else c.pushLimb(id, i);
    return;
  }
  if (i < top) return c.pushLimb(id, i);
  if (!isWide(width)) c.push(id, 64, "s");
  else {
    c.pushLimb(id, top);
    const spare = BigInt(64 * (top + 1) - width);
    if (spare > 0n) code.i64(spare).op(Op.i64Shl).i64(spare).op(Op.i64ShrS);
  }
  if (i > top) code.i64(63n).op(Op.i64ShrS);
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
    case "unary": return subtract(c, null, node.a, locals, width); // neg: the rest is limbwise or narrow
    case "binary":
      switch (node.fn) {
        case "add": return add(c, node.a, node.b, locals, width);
        case "sub": return subtract(c, node.a, node.b, locals, width);
        case "mul": return multiply(c, node, locals);
        case "shl": case "shr": return shift(c, node, locals);
        default: throw new Error(`${node.fn} is not wide`);
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
      for (let i = 0; i < n; i++) code.get(base).memory(Op.i64Load, slot.addr + 8 * i).set(locals[i]!);
      code.release(I32, base);
      return;
    }
    default: throw new Error(`${node.op} is limbwise`);
  }
}

function add(c: Context, a: FlatId, b: FlatId, locals: readonly number[], width: number): void {
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
function subtract(c: Context, a: FlatId | null, b: FlatId, locals: readonly number[], width: number): void {
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

/** Through memory and a helper with loops: products this wide are rare. */
function multiply(c: Context, node: FlatBinary, locals: readonly number[]): void {
  const { code } = c;
  const n = locals.length;
  const [a, b, product] = [0, 1, 2].map((k) => c.scratch(`mul${k} ${n}`, n * 8));
  for (const [place, id] of [[a!, node.a], [b!, node.b]] as const) {
    for (let i = 0; i < n; i++) {
      code.i32(0);
      pushExtendedLimb(c, id, node.signedness, i);
      code.memory(Op.i64Store, place + 8 * i);
    }
  }
  code.i32(product!).i32(a!).i32(b!).i32(2 * n).call(c.multiplier());
  for (let i = 0; i < n; i++) {
    code.i32(0).memory(Op.i64Load, product! + 8 * i);
    maskLimb(c, node.width, i);
    code.set(locals[i]!);
  }
}

/** The value is laid in memory between its fill, and read back from a place that depends on the count. */
function shift(c: Context, node: FlatBinary, locals: readonly number[]): void {
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
    code.get(at).i32(near).op(Op.i32Add).memory(Op.i64Load, 0).get(count).op(left ? Op.i64Shl : Op.i64ShrU);
    code.get(at).i32(far).op(Op.i32Add).memory(Op.i64Load, 0).i64(1n).op(left ? Op.i64ShrU : Op.i64Shl);
    code.i64(63n).get(count).op(Op.i64Sub, left ? Op.i64ShrU : Op.i64Shl, Op.i64Or);
    maskLimb(c, node.width, i);
    code.set(locals[i]!);
  }
  code.release(I64, count);
  code.release(I32, at);
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
