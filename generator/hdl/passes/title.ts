/** What a node is called in an error. */
import type { Node } from "../ir.js";

export const title = (n: Node): string => {
  if (n.name !== undefined) return `'${n.name}'`;
  return n.op === "binary" || n.op === "unary" ? `an unnamed ${n.fn}` : `an unnamed ${n.op}`;
};
