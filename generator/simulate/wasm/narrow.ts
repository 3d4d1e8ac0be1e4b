/** Code for nodes of up to 64 bits: leaves the value's word on the stack and says what its range is. */
import {
  type CombNode,
  type FlatBinary,
  type FlatCat,
  type FlatId,
  type FlatSlice,
  type FlatUnary,
  unreachable,
} from "../graph.js";
import { maskOf } from "../semantics.js";
import { cleanAs, commonForm, type Context } from "./context.js";
import { I32, I64, Op } from "./encode.js";
import { loadOp } from "./layout.js";
import {
  bitwiseAnd,
  bitwiseOr,
  type Cls,
  classOf,
  cleanRange,
  type Form,
  full,
  isWide,
  product,
  type Range,
  union,
  within,
} from "./range.js";
import { pushBits } from "./limbs.js";
import { pushSelect } from "./select.js";
import { compareWide, reduceWide } from "./wide.js";
import { BIT, normalise, OPS, pushCount, pushWord, pushWordAddress } from "./words.js";

export function pushNarrow(c: Context, id: FlatId, node: CombNode): Range {
  const { width } = node;
  const cls = classOf(width);
  switch (node.op) {
    case "const":
      pushWord(c, cls, node.value);
      return within(node.value, node.value, cls);
    case "unary":
      return pushUnary(c, id, node, cls);
    case "binary":
      return pushBinary(c, id, node, cls);
    case "mux": {
      const form = commonForm(c, [node.t, node.f], c.demandOf(id));
      const t = c.push(node.t, cls, form);
      const f = c.push(node.f, cls, form);
      c.push(node.sel, 32, "u");
      c.code.op(Op.select);
      return union(t, f);
    }
    case "select":
      return pushSelect(c, id, node, cls);
    case "slice":
      return pushSlice(c, id, node, cls);
    case "cat":
      return pushCat(c, id, node, cls);
    case "extend":
      return c.push(node.a, cls, node.signedness);
    case "fetch": {
      const { slot } = c.layout.memories[node.mem]!;
      pushWordAddress(c, node);
      const load = loadOp(slot, c.demandOf(id));
      c.code.memory(load.op, slot.addr);
      return load.range;
    }
    default:
      return unreachable(node);
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
      return within(-r.hi, -r.lo, cls);
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
    case "andr":
    case "orr":
    case "xorr": {
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
    default:
      return unreachable(fn);
  }
}

function pushBinary(c: Context, id: FlatId, node: FlatBinary, cls: Cls): Range {
  const { fn, a, b, width, signedness } = node;
  const ops = OPS[cls];
  switch (fn) {
    case "add":
    case "sub": {
      // A constant counts as signed: x + 0xff at 8 bits is x - 1, which keeps the range small.
      const form = (x: FlatId): Form => (c.constantOf(x) !== undefined ? "s" : "any");
      const ra = c.push(a, cls, form(a));
      const rb = c.push(b, cls, form(b));
      c.code.op(ops[fn]);
      return fn === "add"
        ? within(ra.lo + rb.lo, ra.hi + rb.hi, cls)
        : within(ra.lo - rb.hi, ra.hi - rb.lo, cls);
    }
    case "and": {
      const form = c.constantOf(a) !== undefined || c.constantOf(b) !== undefined ? "u" : "any";
      const ra = c.push(a, cls, c.constantOf(a) !== undefined ? form : "any");
      const rb = c.push(b, cls, c.constantOf(b) !== undefined ? form : "any");
      c.code.op(ops.and);
      return bitwiseAnd(ra, rb);
    }
    case "or":
    case "xor": {
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
    case "eq":
    case "ne":
    case "lt":
    case "le":
      return pushCompare(c, node);
    case "shl":
    case "shr":
      return pushShift(c, node, cls);
    default:
      return unreachable(fn);
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
    const count = c.code.local(cls === 32 ? I32 : I64);
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
    r = within(r.lo, r.hi, 32);
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
    if (top) range = within(r.lo << BigInt(below), (r.hi << BigInt(below)) + maskOf(below), cls);
    else c.code.op(ops.or);
  }
  return range;
}

function topForm(c: Context, id: FlatId, part: FlatId): Form {
  const demand = c.demandOf(id);
  return demand === "any" ? commonForm(c, [part], "u") : demand;
}
