/** Ways through a netlist that cost nothing. */
import type * as ir from "../hdl/ir.js";

/** A node behind its names. */
export const behindNames = (module: ir.Module, id: ir.NodeId): ir.Node => {
  const node = module.nodes[id]!;
  return node.op === "wire" && node.driver !== null ? behindNames(module, node.driver) : node;
};

/** A node behind names, slices and extensions, which are wires. */
export const behindWires = (module: ir.Module, id: ir.NodeId): ir.Node => {
  const node = behindNames(module, id);
  return node.op === "slice" || node.op === "extend" ? behindWires(module, node.a) : node;
};
