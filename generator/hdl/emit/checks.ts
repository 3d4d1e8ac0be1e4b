/**
 * Assertions, assumptions and covers of a design as SystemVerilog, one `<module>_checks.sv` per module that has some, bound
 * to it: the Verilog of the design stays Verilog-2005 and free of what only checks need. Verilator: `--assert`, with these
 * files on the command line. Registers that only checks read live here too.
 */
import type * as ir from "../ir.js";
import { eachOperand, mapOperands } from "../operands.js";
import { moduleText } from "./module.js";

/** The module that holds the checks: what is a net of the checked module comes in as a port of the same name. */
const checkingModule = (m: ir.Module, nets: ReadonlyMap<ir.NodeId, string>): ir.Module => {
  const nodes: ir.Node[] = [];
  const inputs = new Map<string, ir.Port>();
  for (const d of m.domains)
    for (const name of [d.clock, ...(d.reset === null ? [] : [d.reset])])
      inputs.set(name, { name, width: 1, signed: false });
  const known = new Map<ir.NodeId, ir.NodeId>();
  const place = (id: ir.NodeId): ir.NodeId => {
    const done = known.get(id);
    if (done !== undefined) return done;
    const at = nodes.length;
    known.set(id, at);
    const n = m.nodes[id]!;
    const net = nets.get(id);
    if (net !== undefined) {
      inputs.set(net, { name: net, width: n.width, signed: n.signed === true });
      nodes.push({ op: "input", port: net, width: n.width, name: net, named: true });
      return at;
    }
    if (n.op === "memRead" || n.op === "instOut")
      throw new Error(`module ${m.name}: a check reads ${n.op} '${n.name}' that the module does not have`);
    nodes.push(n);
    eachOperand(n, place);
    nodes[at] = mapOperands(n, place);
    return at;
  };
  const checks = m.checks.map((c) => ({
    ...c,
    condition: place(c.condition),
    enable: c.enable === null ? null : place(c.enable),
  }));
  return {
    name: `${m.name}_checks`,
    inputs: [...inputs.values()],
    outputs: [],
    domains: m.domains,
    nodes,
    memories: [],
    instances: [],
    checks,
    ...(m.loc === undefined ? {} : { loc: m.loc }),
    doc: `Checks of ${m.name}, bound to every instance of it.`,
  };
};

/** File name to text. */
export const emitChecks = (
  design: ir.Design,
  o: { readonly sourceComments?: boolean } = {},
): Map<string, string> => {
  const comments = o.sourceComments ?? true;
  const files = new Map<string, string>();
  for (const m of design.modules.values()) {
    if (m.checks.length === 0) continue;
    const checking = checkingModule(m, moduleText(m, design, false).nets);
    const text = moduleText(checking, design, comments, "checks").verilog;
    const pins = checking.inputs.map((p) => `  .${p.name}(${p.name})`).join(",\n");
    const bind = `bind ${m.name} ${checking.name} u_checks (\n${pins}\n);\n`;
    files.set(`${checking.name}.sv`, `${text}\n${bind}`);
  }
  return files;
};
