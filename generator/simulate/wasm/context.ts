/** What the code rules for nodes are written against: operands in, instructions out. */
import type { FlatId } from "../graph.js";
import type { Code } from "./encode.js";
import type { Layout } from "./layout.js";
import { type Cls, classOf, type Form, isClean, type Range } from "./range.js";

export interface Context {
  readonly code: Code;
  readonly layout: Layout;
  widthOf(id: FlatId): number;
  /** Undefined unless the node is constant. */
  constantOf(id: FlatId): bigint | undefined;
  demandOf(id: FlatId): Form;
  /** Of the node's own word, as `push(id, own class, "any")` gives it; narrow nodes only. */
  rangeOf(id: FlatId): Range;
  /** Emits the value as a word of this class, its upper bits as asked; of a wide node, the low bits. */
  push(id: FlatId, cls: Cls, form: Form): Range;
  /** Emits limb `i` of a wide value; a narrow one gives its unsigned word and then zeros. */
  pushLimb(id: FlatId, i: number): void;
  /** Address of a value that lies in memory now, whole and unchanged; else undefined. */
  addressOf(id: FlatId): number | undefined;
  /** Address of a table of words of `bytes` bytes, made once for `key`. */
  table(key: FlatId, bytes: number, words: () => readonly bigint[]): number;
  /** Address of working space, zero at first and the same for every asker of `key`. */
  scratch(key: string, bytes: number): number;
  /** Index of the function that multiplies in memory; see multiplier.ts. */
  multiplier(): number;
}

/** The node's word is clean in this reading as it is; constants are whatever is asked. */
export function cleanAs(c: Context, id: FlatId, form: "u" | "s"): boolean {
  const width = c.widthOf(id);
  return c.constantOf(id) !== undefined || isClean(c.rangeOf(id), width, form, classOf(width));
}

/** A reading that all of these have without work, so that an operator on them keeps it; else "any". */
export function commonForm(c: Context, ids: readonly FlatId[], demand: Form): Form {
  const u = ids.every((id) => cleanAs(c, id, "u"));
  const s = ids.every((id) => cleanAs(c, id, "s"));
  if (u && s) return demand === "s" ? "s" : "u";
  return u ? "u" : s ? "s" : "any";
}
