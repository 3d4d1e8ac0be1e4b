/**
 * That everything described has a value, and one only: wires, registers, memories, streams and outputs. It reads what the
 * description leaves behind, because the netlist can hold neither a second driver nor an output that is not there.
 */
import type { Diagnostic } from "../errors.js";
import type { Loc, Memory, Node, NodeId } from "../ir.js";

type Place = Loc | undefined;

export interface StreamUse {
  readonly name: string;
  readonly loc: Place;
  /** The wire that its consumer drives. */
  readonly ready: NodeId;
  /** Where it is consumed. */
  readonly taken: Place[];
}

/** A module as its body leaves it. */
export interface Description {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly memories: readonly Memory[];
  readonly streams: readonly StreamUse[];
  /** Where each wire is driven. */
  readonly drives: ReadonlyMap<NodeId, readonly Place[]>;
  /** Wires and registers with a value that was refused: that error stands already. */
  readonly refused: ReadonlySet<NodeId>;
}

export function checkDrivers(module: Description, place: Place, missing: readonly string[]): Diagnostic[] {
  const where = `of module '${module.name}'`;
  return [
    ...missing.map((port) => ({
      message: `output '${port}' ${where} is missing; the body must return it`,
      loc: place,
      notes: [],
    })),
    ...module.nodes.flatMap((node, id) => checkNode(node, id, module, where)),
    ...module.memories.flatMap((memory) => checkMemory(memory, where)),
    ...module.streams.flatMap((stream) => checkStream(stream, where)),
  ];
}

function checkNode(node: Node, id: NodeId, module: Description, where: string): Diagnostic[] {
  if (module.refused.has(id)) return [];
  if (node.op === "wire") {
    const [first, second] = module.drives.get(id) ?? [];
    if ((module.drives.get(id)?.length ?? 0) > 1)
      return [
        {
          message: `wire '${node.name}' ${where} is driven twice; choose between the values with mux or select`,
          loc: second,
          notes: [
            { message: "driven first here", loc: first },
            { message: "declared here", loc: node.loc },
          ],
        },
      ];
    if (node.driver !== null || module.streams.some((s) => s.ready === id)) return [];
    const message = `wire '${node.name}' ${where} is never driven; give it a value with .drive(...)`;
    return [{ message, loc: node.loc, notes: [] }];
  }
  if (node.op !== "reg" || node.updates.length > 0) return [];
  const message = `register '${node.name}' ${where} is never set; give it a value with .set(...), or use a constant: lit(...)`;
  return [{ message, loc: node.loc, notes: [] }];
}

function checkMemory({ name, writes, contents, zero, loc }: Memory, where: string): Diagnostic[] {
  if (writes.length > 0 || contents !== undefined || zero === true) return [];
  const message = `memory '${name}' ${where} is never written and has no contents; call .write(...), or declare it with contents or zero`;
  return [{ message, loc, notes: [] }];
}

function checkStream({ name, loc, taken }: StreamUse, where: string): Diagnostic[] {
  const [first, second] = taken;
  if (taken.length === 1) return [];
  if (taken.length === 0) {
    const message = `stream '${name}' ${where} is never consumed; call .consume(ready), pass it to an instance or return it`;
    return [{ message, loc, notes: [] }];
  }
  return [
    {
      message: `stream '${name}' ${where} is consumed twice; a stream goes to one place, a fork makes two of one`,
      loc: second,
      notes: [
        { message: "consumed first here", loc: first },
        { message: "made here", loc },
      ],
    },
  ];
}
