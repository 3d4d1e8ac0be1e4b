/** Code for nodes of up to 64 bits: leaves the value's word on the stack and says what its range is. */
import {
  type CombNode, type FlatBinary, type FlatCat, type FlatFetch, type FlatId, type FlatSelect, type FlatSlice, type FlatUnary,
  unreachable,
} from "../graph.js";
import { maskOf } from "../semantics.js";
import { cleanAs, commonForm, type Context } from "./context.js";
import { Op } from "./encode.js";
import { loadOp } from "./layout.js";
import {
  bitwiseAnd, bitwiseOr, type Cls, classOf, cleanRange, fit, type Form, full, isWide, product, type Range, union,
} from "./range.js";
import { reduceWide, compareWide, pushBits } from "./wide.js";

const OPS = {
  32: {
    add: Op.i32Add, sub: Op.i32Sub, mul: Op.i32Mul, and: Op.i32And, or: Op.i32Or, xor: Op.i32Xor, shl: Op.i32Shl,
    shrS: Op.i32ShrS, shrU: Op.i32ShrU, eq: Op.i32Eq, ne: Op.i32Ne, eqz: Op.i32Eqz, ltS: Op.i32LtS, ltU: Op.i32LtU,
    leS: Op.i32LeS, leU: Op.i32LeU, popcnt: Op.i32Popcnt,
  },
  64: {
    add: Op.i64Add, sub: Op.i64Sub, mul: Op.i64Mul, and: Op.i64And, or: Op.i64Or, xor: Op.i64Xor, shl: Op.i64Shl,
    shrS: Op.i64ShrS, shrU: Op.i64ShrU, eq: Op.i64Eq, ne: Op.i64Ne, eqz: Op.i64Eqz, ltS: Op.i64LtS, ltU: Op.i64LtU,
    leS: Op.i64LeS, leU: Op.i64LeU, popcnt: Op.i64Popcnt,
  },
} as const;

const BIT: Range = { lo: 0n, hi: 1n };

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

export function pushNarrow(c: Context, id: FlatId, node: CombNode): Range {
  const { width } = node;
  const cls = classOf(width);
  switch (node.op) {
    case "const":
      pushWord(c, cls, node.value);
      return fit(node.value, node.value, cls);
    case "unary": return pushUnary(c, id, node, cls);
    case "binary": return pushBinary(c, id, node, cls);
    case "mux": {
      const form = commonForm(c, [node.t, node.f], c.demandOf(id));
      const t = c.push(node.t, cls, form);
      const f = c.push(node.f, cls, form);
      c.push(node.sel, 32, "u");
      c.code.op(Op.select);
      return union(t, f);
    }
    case "select": return pushSelect(c, id, node, cls);
    case "slice": return pushSlice(c, id, node, cls);
    case "cat": return pushCat(c, id, node, cls);
    case "extend": return c.push(node.a, cls, node.signedness);
    case "fetch": {
      const { slot } = c.layout.memories[node.mem]!;
      pushWordAddress(c, node);
      const load = loadOp(slot, c.demandOf(id));
      c.code.memory(load.op, slot.addr);
      return load.range;
    }
    default: return unreachable(node);
  }
}

function pushUnary(c: Context, id: FlatId, node: FlatUnary, cls: Cls): Range {
  const { fn, a, width } = node;
  const ops = OPS[cls];
  const wa = c.widthOf(a);
  switch (fn) {
    case "neg": {
      pushWord(c, cls, 0n);
      const r = c.push(a, cls, "any");
      c.code.op(ops.sub);
      return fit(-r.hi, -r.lo, cls);
    }
    case "not": {
      const form = commonForm(c, [a], c.demandOf(id));
      if (width === 1 && form !== "s") {
        c.push(a, 32, "u");
        c.code.op(Op.i32Eqz);
        return BIT;
      }
      const r = c.push(a, cls, form);
      if (form === "u" && width < cls) {
        pushWord(c, cls, maskOf(width));
        c.code.op(ops.xor);
        return cleanRange(width, "u", cls);
      }
      pushWord(c, cls, -1n);
      c.code.op(ops.xor);
      return { lo: ~r.hi, hi: ~r.lo };
    }
    case "andr": case "orr": case "xorr": {
      if (isWide(wa)) return reduceWide(c, node);
      const ca = classOf(wa);
      c.push(a, ca, "u");
      if (fn === "xorr") {
        c.code.op(OPS[ca].popcnt);
        if (ca === 64) c.code.op(Op.i32WrapI64);
        c.code.i32(1).op(Op.i32And);
      } else {
        pushWord(c, ca, fn === "andr" ? maskOf(wa) : 0n);
        c.code.op(fn === "andr" ? OPS[ca].eq : OPS[ca].ne);
      }
      return BIT;
    }
    default: return unreachable(fn);
  }
}

function pushBinary(c: Context, id: FlatId, node: FlatBinary, cls: Cls): Range {
  const { fn, a, b, width, signedness } = node;
  const ops = OPS[cls];
  switch (fn) {
    case "add": case "sub": {
      // A constant counts as signed: x + 0xff at 8 bits is x - 1, which keeps the range small.
      const form = (x: FlatId): Form => (c.constantOf(x) !== undefined ? "s" : "any");
      const ra = c.push(a, cls, form(a));
      const rb = c.push(b, cls, form(b));
      c.code.op(ops[fn]);
      return fn === "add" ? fit(ra.lo + rb.lo, ra.hi + rb.hi, cls) : fit(ra.lo - rb.hi, ra.hi - rb.lo, cls);
    }
    case "and": {
      const form = c.constantOf(a) !== undefined || c.constantOf(b) !== undefined ? "u" : "any";
      const ra = c.push(a, cls, c.constantOf(a) !== undefined ? form : "any");
      const rb = c.push(b, cls, c.constantOf(b) !== undefined ? form : "any");
      c.code.op(ops.and);
      return bitwiseAnd(ra, rb);
    }
    case "or": case "xor": {
      const form = commonForm(c, [a, b], c.demandOf(id));
      const r = bitwiseOr(c.push(a, cls, form), c.push(b, cls, form));
      c.code.op(ops[fn]);
      return r;
    }
    case "mul": {
      // Low bits of a product need only the low bits of the factors.
      const ra = c.push(a, cls, c.widthOf(a) >= width ? "any" : signedness);
      const rb = c.push(b, cls, c.widthOf(b) >= width ? "any" : signedness);
      c.code.op(ops.mul);
      return product(ra, rb, cls);
    }
    case "eq": case "ne": case "lt": case "le": return pushCompare(c, node);
    case "shl": case "shr": return pushShift(c, node, cls);
    default: return unreachable(fn);
  }
}

function pushCompare(c: Context, node: FlatBinary): Range {
  const { fn } = node;
  // A constant goes last: comparing with 0 has its own instruction.
  const [a, b] = fn === "eq" && c.constantOf(node.a) !== undefined ? [node.b, node.a] : [node.a, node.b];
  const width = c.widthOf(a);
  if (isWide(width)) return compareWide(c, node);
  const cls = classOf(width);
  const ops = OPS[cls];
  const common = commonForm(c, [a, b], "u");
  if (fn === "eq" || fn === "ne") {
    if (common === "any" && !cleanAs(c, a, "u") && !cleanAs(c, b, "u") && width < cls) {
      // One mask for both.
      c.push(a, cls, "any");
      c.push(b, cls, "any");
      c.code.op(ops.xor);
      pushWord(c, cls, maskOf(width));
      c.code.op(ops.and);
      if (fn === "eq") c.code.op(ops.eqz);
      else {
        pushWord(c, cls, 0n);
        c.code.op(ops.ne);
      }
      return BIT;
    }
    const form = common === "any" ? "u" : common;
    c.push(a, cls, form);
    if (c.constantOf(b) === 0n && fn === "eq") {
      c.code.op(ops.eqz);
      return BIT;
    }
    c.push(b, cls, form);
    c.code.op(ops[fn]);
    return BIT;
  }
  // Copies of the sign keep the unsigned order too, when both have them.
  const form = node.signedness === "s" ? "s" : common === "s" ? "s" : "u";
  c.push(a, cls, form);
  c.push(b, cls, form);
  const less = fn === "lt";
  c.code.op(node.signedness === "s" ? (less ? ops.ltS : ops.leS) : less ? ops.ltU : ops.leU);
  return BIT;
}

function pushShift(c: Context, node: FlatBinary, cls: Cls): Range {
  const { fn, a, b, signedness } = node;
  const ops = OPS[cls];
  const wb = c.widthOf(b);
  const small = !isWide(wb) && maskOf(wb) < BigInt(cls);
  if (fn === "shr" && signedness === "s") {
    const r = c.push(a, cls, "s");
    pushCount(c, b, cls, cls - 1);
    c.code.op(ops.shrS);
    return union(r, { lo: -1n, hi: 0n });
  }
  const r = c.push(a, cls, fn === "shr" ? "u" : "any");
  if (small) {
    c.push(b, cls, "u");
    c.code.op(fn === "shr" ? ops.shrU : ops.shl);
  } else {
    // The machine takes the count modulo the word, so larger counts are answered apart.
    const count = c.code.local(cls === 32 ? 0x7f : 0x7e);
    pushCount(c, b, cls, cls);
    c.code.tee(count).op(fn === "shr" ? ops.shrU : ops.shl);
    pushWord(c, cls, 0n);
    c.code.get(count);
    pushWord(c, cls, BigInt(cls));
    c.code.op(ops.ltU, Op.select);
  }
  // A clean unsigned word of full width reads as signed here, so its range says nothing of the shifted one.
  return fn === "shr" && r.lo >= 0n ? { lo: 0n, hi: r.hi } : full(cls);
}

/** The shift count as a word, at most `limit`; it costs nothing when b is too narrow to pass it. */
export function pushCount(c: Context, b: FlatId, cls: Cls, limit: number): void {
  const wb = c.widthOf(b);
  if (!isWide(wb) && maskOf(wb) <= BigInt(limit)) {
    c.push(b, cls, "u");
    return;
  }
  const cb = classOf(wb);
  const type = cb === 32 ? 0x7f : 0x7e;
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

function pushSlice(c: Context, id: FlatId, node: FlatSlice, cls: Cls): Range {
  const { a, lo, width } = node;
  const wa = c.widthOf(a);
  const demand = c.demandOf(id);
  if (isWide(wa)) {
    return pushBits(c, a, lo, width, cls, demand);
  }
  const ca = classOf(wa);
  const ops = OPS[ca];
  if (lo === 0) return c.push(a, cls, "any");
  const shifted = (op: number, by: number): void => {
    pushWord(c, ca, BigInt(by));
    c.code.op(op);
  };
  let r: Range;
  if (lo + width === wa && (demand === "s" || !cleanAs(c, a, "u"))) {
    if (cleanAs(c, a, "s")) {
      const ra = c.push(a, ca, "s");
      shifted(ops.shrS, lo);
      r = { lo: ra.lo >> BigInt(lo), hi: ra.hi >> BigInt(lo) };
    } else {
      c.push(a, ca, "any");
      if (wa < ca) shifted(ops.shl, ca - wa);
      shifted(demand === "s" ? ops.shrS : ops.shrU, ca - width);
      r = cleanRange(width, demand === "s" ? "s" : "u", ca);
    }
  } else if (demand === "s" && lo + width < wa) {
    c.push(a, ca, "any");
    shifted(ops.shl, ca - lo - width);
    shifted(ops.shrS, ca - width);
    r = cleanRange(width, "s", ca);
  } else {
    const ra = c.push(a, ca, "any");
    shifted(ops.shrU, lo);
    // A logical shift of a negative word has zeros on top.
    const out = ra.lo >= 0n ? { lo: 0n, hi: ra.hi >> BigInt(lo) } : { lo: 0n, hi: maskOf(ca - lo) };
    r = demand === "u" ? normalise(c, out, width, "u", ca) : out;
  }
  if (ca === 64 && cls === 32) {
    c.code.op(Op.i32WrapI64);
    r = fit(r.lo, r.hi, 32);
  }
  return r;
}

function pushCat(c: Context, id: FlatId, node: FlatCat, cls: Cls): Range {
  const ops = OPS[cls];
  let below = node.width;
  let range: Range = { lo: 0n, hi: 0n };
  for (const [i, part] of node.parts.entries()) {
    const w = c.widthOf(part);
    below -= w;
    const top = i === 0;
    const r = c.push(part, cls, top && node.width < cls ? topForm(c, id, part) : top ? "any" : "u");
    if (below > 0) {
      pushWord(c, cls, BigInt(below));
      c.code.op(ops.shl);
    }
    if (top) range = fit(r.lo << BigInt(below), (r.hi << BigInt(below)) + maskOf(below), cls);
    else c.code.op(ops.or);
  }
  return range;
}

function topForm(c: Context, id: FlatId, part: FlatId): Form {
  const demand = c.demandOf(id);
  return demand === "any" ? commonForm(c, [part], "u") : demand;
}

function pushSelect(c: Context, id: FlatId, node: FlatSelect, cls: Cls): Range {
  const { index, cases, other } = node;
  const wi = c.widthOf(index);
  const values = [...new Set([...cases.map((k) => k.value), other])];
  const form = commonForm(c, values, c.demandOf(id));
  if (isTable(c, node)) {
    const bytes = node.width <= 8 ? 1 : node.width <= 16 ? 2 : cls / 8;
    const slot = { addr: 0, width: node.width, form: "u" as const, bytes };
    const addr = c.table(id, bytes, () => {
      const words = new Array<bigint>(2 ** wi).fill(c.constantOf(other)!);
      for (const k of cases) words[Number(k.match)] = c.constantOf(k.value)!;
      return words;
    });
    c.push(index, 32, "u");
    if (bytes > 1) c.code.i32(Math.log2(bytes)).op(Op.i32Shl);
    const load = loadOp(slot, c.demandOf(id));
    c.code.memory(load.op, addr);
    return load.range;
  }
  if (isDenseSelect(node, wi)) return pushTree(c, selectTree(c, node), index, cls, form);
  let range: Range | undefined;
  const seen = (r: Range): void => {
    range = range === undefined ? r : union(range, r);
  };
  for (const k of cases) seen(c.push(k.value, cls, form));
  seen(c.push(other, cls, form));
  for (let i = cases.length - 1; i >= 0; i--) {
    pushMatch(c, index, cases[i]!.match);
    c.code.op(Op.select);
  }
  return range!;
}

/** 1 when the index has this value. */
export function pushMatch(c: Context, index: FlatId, match: bigint): void {
  const wi = c.widthOf(index);
  if (isWide(wi)) {
    for (let i = 0; i * 64 < wi; i++) {
      c.pushLimb(index, i);
      c.code.i64(BigInt.asUintN(64, match >> BigInt(64 * i))).op(Op.i64Xor);
      if (i > 0) c.code.op(Op.i64Or);
    }
    c.code.op(Op.i64Eqz);
    return;
  }
  const cls = classOf(wi);
  c.push(index, cls, "u");
  pushWord(c, cls, match);
  c.code.op(OPS[cls].eq);
}

/** Constants only, and enough of them to be worth memory. */
function isTable(c: Context, node: FlatSelect): boolean {
  return node.width <= 64 && c.widthOf(node.index) <= 12 && node.cases.length >= 8 &&
    c.constantOf(node.other) !== undefined && node.cases.every((k) => c.constantOf(k.value) !== undefined);
}

/** Most indices have a case, so choosing by index bits beats comparing one by one. */
export function isDenseSelect(node: FlatSelect, indexWidth: number): boolean {
  return indexWidth <= 10 && node.cases.length >= 3 && node.cases.length * 2 >= 2 ** indexWidth;
}

/** The value of every index. */
function selectTree(c: Context, node: FlatSelect): FlatId[] {
  const leaves = new Array<FlatId>(2 ** c.widthOf(node.index)).fill(node.other);
  for (const k of node.cases) leaves[Number(k.match)] = k.value;
  return leaves;
}

function pushTree(c: Context, leaves: readonly FlatId[], index: FlatId, cls: Cls, form: Form): Range {
  const first = leaves[0]!;
  if (leaves.every((leaf) => leaf === first)) return c.push(first, cls, form);
  const half = leaves.length / 2;
  const t = pushTree(c, leaves.slice(half), index, cls, form);
  const f = pushTree(c, leaves.slice(0, half), index, cls, form);
  c.push(index, 32, "any");
  c.code.i32(half).op(Op.i32And, Op.select);
  return union(t, f);
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
    return fit(r.lo, r.hi, 32);
  }
  if (form === "u" || r.lo >= 0n) {
    c.code.op(Op.i64ExtendI32U);
    return r.lo >= 0n ? r : cleanRange(width, "u", 64);
  }
  c.code.op(Op.i64ExtendI32S);
  return r;
}
