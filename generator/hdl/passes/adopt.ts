/** A named alias of an unnamed node that nothing else reads: the node takes the name, the alias goes. */
import type { Module, Node } from "../ir.js";
import { eachOperand, eachRoot } from "../operands.js";

/** Operators that may stand under any name; state, ports and instances keep theirs. */
const anonymous = (n: Node): boolean =>
  n.named !== true &&
  (n.op === "unary" ||
    n.op === "binary" ||
    n.op === "mux" ||
    n.op === "cat" ||
    n.op === "extend" ||
    n.op === "slice");

export const adopt = (module: Module): Module => {
  const uses = module.nodes.map(() => 0);
  const count = (id: number): void => {
    uses[id]!++;
  };
  for (const n of module.nodes) eachOperand(n, count);
  eachRoot(module, count);
  const nodes = module.nodes.map((n): Node => {
    if (n.op !== "slice" || n.named !== true || n.lo !== 0) return n;
    const source = module.nodes[n.a]!;
    if (source.width !== n.width || uses[n.a] !== 1 || !anonymous(source)) return n;
    return { ...source, name: n.name!, named: true, ...(n.signed === undefined ? {} : { signed: n.signed }) };
  });
  return { ...module, nodes };
};
