/**
 * Combinational loops, as the path of signals with the place of each: within a module, and through instances by the
 * ports that their outputs depend on in the same cycle (so ready/valid handshakes too).
 */
import { type Diagnostic, showLoc } from "../errors.js";
import type { Module, NodeId } from "../ir.js";
import { eachCombOperand } from "../operands.js";
import { title } from "./title.js";

/** Of one module: the input ports that each output depends on without a register in between. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/** `known` holds the dependencies of the modules below. Returns this module's own, and the first loop if there is one. */
export const checkLoops = (
  module: Module,
  known: ReadonlyMap<string, Dependencies>,
): { readonly dependencies: Dependencies; readonly loops: readonly Diagnostic[] } => {
  const operands = (id: NodeId): NodeId[] => {
    const n = module.nodes[id]!;
    const out: NodeId[] = [];
    if (n.op === "instOut") {
      const instance = module.instances[n.inst]!;
      for (const port of known.get(instance.module)?.get(n.port) ?? []) {
        const input = instance.inputs[port];
        if (input !== undefined) out.push(input);
      }
    } else eachCombOperand(n, (operand) => out.push(operand));
    return out;
  };
  // Depth first with an explicit stack; a node met again while it is open closes a loop.
  const state = new Uint8Array(module.nodes.length); // 0 new, 1 open, 2 done
  const inputs: (Set<string> | undefined)[] = [];
  for (let start = 0; start < module.nodes.length; start++) {
    const path: { id: NodeId; left: NodeId[] }[] = [];
    const open = (id: NodeId): void => {
      state[id] = 1;
      const n = module.nodes[id]!;
      inputs[id] = new Set(n.op === "input" ? [n.port] : []);
      path.push({ id, left: operands(id) });
    };
    if (state[start] === 0) open(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.left.pop();
      if (next === undefined) {
        state[top.id] = 2;
        path.pop();
        const reader = path.at(-1);
        if (reader !== undefined) for (const port of inputs[top.id]!) inputs[reader.id]!.add(port);
      } else if (state[next] === 0) open(next);
      else if (state[next] === 2) for (const port of inputs[next]!) inputs[top.id]!.add(port);
      else
        return {
          dependencies: new Map(),
          loops: [
            describe(
              module,
              path.map((p) => p.id),
              next,
            ),
          ],
        };
    }
  }
  const dependencies = new Map(module.outputs.map((o) => [o.name, [...inputs[o.value]!].sort()]));
  return { dependencies, loops: [] };
};

const describe = (module: Module, path: readonly NodeId[], closes: NodeId): Diagnostic => {
  // Each node of the path reads the next one; shown in the direction in which the value travels.
  const loop = path.slice(path.indexOf(closes)).reverse();
  const shown = [...loop, loop[0]!].map((id) => module.nodes[id]!);
  return {
    message: `combinational loop in module '${module.name}'; put a register into it`,
    loc: shown.find((n) => n.loc !== undefined)?.loc,
    notes: shown.map((n) => ({ message: title(n) + (n.loc === undefined ? "" : ` (${showLoc(n.loc)})`) })),
  };
};
