/** A random module of random registers, memories, wires, instances and operators. */
import type { Module, NodeId, OutPort } from "../hdl/ir.js";
import type { Prng } from "./prng.js";
import { Netlist, type RandomOptions } from "./randomnetlist.js";
import { addOperator } from "./randomoperators.js";
import { addMemory, addRegister, finishMemory, finishRegister } from "./randomstate.js";

/** An instance with random inputs; all its outputs become nodes. */
const addInstance = (n: Netlist, module: Module): void => {
  const inst = n.instances.length;
  const inputs: Record<string, NodeId> = {};
  for (const p of module.inputs) {
    if (n.clockPorts().includes(p.name)) continue;
    inputs[p.name] = p.name === "init" ? n.init : n.operand(p.width);
  }
  n.instances.push({
    name: `u${inst}`,
    module: module.name,
    inputs,
    domains: n.options.twoClocks ? { clk: n.domain(), aux: n.domain() } : { clk: 0 },
  });
  for (const p of module.outputs)
    n.add({ op: "instOut", width: p.width, inst, port: p.name }, Object.values(inputs));
};

/** What nobody uses, and a few more. */
const outputsOf = (n: Netlist): OutPort[] => {
  const values = n.nodes.flatMap((_, id) => (!n.used.has(id) || n.random.oneIn(12) ? [id] : []));
  return values.slice(-12).map((value, i) => ({
    name: `out${i}`,
    width: n.widthOf(value),
    signed: n.random.bool(),
    value,
  }));
};

export const randomModule = (
  random: Prng,
  name: string,
  options: RandomOptions,
  children: readonly Module[],
): Module => {
  const n = new Netlist(random, options);
  for (const port of n.clockPorts()) n.inputs.push({ name: port, width: 1, signed: false });
  if (options.defined) n.init = n.input("init", 1);
  for (let i = 1 + random.below(4); i > 0; i--) n.input(`in${n.inputs.length}`, n.width());
  const registers = Array.from({ length: 1 + random.below(4) }, (_, i) => addRegister(n, i));
  for (let i = random.below(3); i > 0; i--) addMemory(n);
  for (let i = random.below(3); i > 0; i--) n.wire();
  const wanted = n.nodes.length + options.nodes;
  for (const child of children) if (!random.oneIn(3)) addInstance(n, child);
  while (n.nodes.length < wanted) addOperator(n);
  for (const id of registers) finishRegister(n, id);
  for (const [m, memory] of n.memories.entries()) finishMemory(n, m, memory);
  n.driveWires();
  return {
    name,
    inputs: n.inputs,
    outputs: outputsOf(n),
    nodes: n.nodes,
    memories: n.memories,
    instances: n.instances,
    checks: [],
    domains: [
      { name: "clk", clock: "clk", reset: "rst" },
      ...(options.twoClocks ? [{ name: "aux", clock: "aux", reset: "aux_rst" }] : []),
    ],
  };
};
