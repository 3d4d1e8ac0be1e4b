/** Code for case statements of up to 64 bits: a table, a choice by index bits, or one comparison after another. */
import type { FlatId, FlatSelect } from "../graph.js";
import { commonForm, type Context } from "./context.js";
import { Op } from "./encode.js";
import { loadOp } from "./layout.js";
import { type Cls, classOf, type Form, isWide, type Range, union } from "./range.js";
import { OPS, pushWord } from "./words.js";

export function pushSelect(c: Context, id: FlatId, node: FlatSelect, cls: Cls): Range {
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
  return (
    node.width <= 64 &&
    c.widthOf(node.index) <= 12 &&
    node.cases.length >= 8 &&
    c.constantOf(node.other) !== undefined &&
    node.cases.every((k) => c.constantOf(k.value) !== undefined)
  );
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
