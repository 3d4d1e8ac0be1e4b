/** Drops unnamed nodes that nothing observes. Ports, instance outputs and nodes named by the user stay: they are peekable. */

import type { Module, Node, NodeId } from "../ir.js";
import { eachOperand, eachRoot, mapModule } from "../operands.js";

export function dce(module: Module): Module {
  const { nodes } = module;
  const live = new Uint8Array(nodes.length);
  const queue: NodeId[] = [];
  const want = (id: NodeId): void => {
    if (live[id] === 1) return;
    live[id] = 1;
    queue.push(id);
  };
  eachRoot(module, want);
  nodes.forEach((node, id) => {
    if (node.named === true || node.op === "input" || node.op === "instOut") want(id);
  });
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) eachOperand(nodes[id]!, want);
  const position: NodeId[] = [];
  const kept: Node[] = [];
  nodes.forEach((node, id) => {
    if (live[id] === 1) position[id] = kept.push(node) - 1;
  });
  return kept.length === nodes.length ? module : mapModule(module, kept, (id) => position[id]!);
}
