/** A synchroniser samples at any moment: what settles late may be caught half-way, so registers stand before it, not logic. */
import type { Diagnostic } from "../errors.js";
import type { Module, Node, NodeId, Reg } from "../ir.js";
import { isState } from "../operands.js";
import { title } from "./title.js";

export function checkCrossing(reg: Reg, { name, nodes }: Module): Diagnostic[] {
  if (reg.crossing === undefined || reg.crossing === "static") return [];
  const logic = (id: NodeId): Node | null => {
    const node = nodes[id]!;
    switch (node.op) {
      case "const":
      case "input":
      case "instOut":
      case "reg":
        return null;
      case "memRead":
        return isState(node) ? null : node;
      case "wire":
        return node.driver === null ? null : logic(node.driver);
      case "slice":
      case "extend":
        return logic(node.a);
      case "unary":
        return node.fn === "not" ? logic(node.a) : node;
      case "cat":
        return node.parts.map(logic).find((found) => found !== null) ?? null;
      case "binary":
      case "mux":
      case "select":
        return node;
    }
  };
  const found = logic(reg.updates[0]!.value);
  if (found === null) return [];
  const message = `crossing ${title(reg)} in module '${name}' takes ${title(found)}, which is logic and may glitch; put a register of its own domain before it`;
  return [
    {
      message,
      loc: reg.loc,
      notes: found.loc === undefined ? [] : [{ message: "made here", loc: found.loc }],
    },
  ];
}
