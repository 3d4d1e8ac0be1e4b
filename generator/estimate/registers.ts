/** What synthesis makes of registers: equal ones become one, and rows of them shift registers. */
import type * as ir from "../hdl/ir.js";
import { eachOperand } from "../hdl/operands.js";
import { behindNames } from "./walk.js";

/** Registers that differ in what they hold: of those with the same clock, reset, guards and values, the first. */
export const distinctRegisters = (module: ir.Module): readonly ir.Reg[] => {
  const same = new Map<ir.NodeId, ir.NodeId>();
  const known = new Map<string, ir.NodeId>();
  const identity = (id: ir.NodeId): ir.NodeId => {
    const node = module.nodes[id]!;
    if (node.op === "wire" && node.driver !== null) return identity(node.driver);
    return same.get(id) ?? id;
  };
  const distinct: ir.Reg[] = [];
  for (const [id, node] of module.nodes.entries()) {
    if (node.op !== "reg") continue;
    const updates = node.updates.map(
      ({ guard, value }) => `${guard === null ? "-" : identity(guard)}:${identity(value)}`,
    );
    const key = [node.width, node.domain, node.reset ?? "x", ...updates].join();
    const before = known.get(key);
    if (before === undefined) {
      known.set(key, id);
      distinct.push(node);
    } else same.set(id, before);
  }
  return distinct;
};

/** Shortest row that becomes a shift register. */
const SHORTEST = 3;

/** Rows of registers without reset, each read by the next alone. */
export const shiftRegisters = (
  module: ir.Module,
  registers: readonly ir.Reg[],
): readonly (readonly ir.Reg[])[] => {
  const readers = readersOf(module);
  const among = new Set<ir.Node>(registers);
  const guardOf = (r: ir.Reg): ir.NodeId | null => r.updates[0]!.guard;
  const plain = (r: ir.Reg): boolean =>
    r.reset === undefined && r.updates.length === 1 && r.crossing === undefined;
  /** The register that `r` takes its value from, where `r` alone reads it. */
  const before = (r: ir.Reg): ir.Reg | null => {
    const source = behindNames(module, r.updates[0]!.value);
    return source.op === "reg" &&
      among.has(source) &&
      plain(source) &&
      guardOf(source) === guardOf(r) &&
      readers.get(source) === 1
      ? source
      : null;
  };
  const candidates = registers.filter(plain);
  const previous = new Map(candidates.map((r) => [r, before(r)]));
  const followed = new Set([...previous.values()]);
  return candidates
    .filter((r) => !followed.has(r))
    .map((last) => {
      const row: ir.Reg[] = [];
      for (let r: ir.Reg | null = last; r !== null; r = previous.get(r) ?? null) row.push(r);
      return row;
    })
    .filter((row) => row.length >= SHORTEST);
};

/** How many nodes, ports and memories read a register, names aside. */
const readersOf = (module: ir.Module): ReadonlyMap<ir.Node, number> => {
  const count = new Map<ir.Node, number>();
  const read = (id: ir.NodeId | null): void => {
    if (id === null) return;
    const node = behindNames(module, id);
    count.set(node, (count.get(node) ?? 0) + 1);
  };
  for (const node of module.nodes) if (node.op !== "wire") eachOperand(node, read);
  for (const { writes } of module.memories)
    for (const w of writes) [w.addr, w.data, w.enable, w.mask].forEach(read);
  for (const { inputs } of module.instances) Object.values(inputs).forEach(read);
  for (const { value } of module.outputs) read(value);
  return count;
};
