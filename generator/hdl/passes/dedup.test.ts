import assert from "node:assert/strict";
import type { Module, Node } from "../ir.js";
import { dedup } from "./dedup.js";

const port = (name: string, width: number) => ({ name, width, signed: false });
/** Inputs a, b are nodes 0, 1; `nodes` follow; the ids of `outputs` leave. */
const module = (nodes: readonly Node[], outputs: readonly number[]): Module => ({
  name: "m",
  inputs: [port("clk", 1), port("a", 8), port("b", 8)],
  outputs: outputs.map((value, i) => ({ ...port(`y${i}`, 8), value })),
  domains: [{ name: "", clock: "clk", reset: null }],
  nodes: [{ op: "input", width: 8, port: "a" }, { op: "input", width: 8, port: "b" }, ...nodes],
  memories: [],
  instances: [],
  checks: [],
});
const binary = (
  fn: "add" | "sub" | "mul" | "shr",
  a: number,
  b: number,
  signedness: "u" | "s" = "u",
): Node => ({
  op: "binary",
  width: 8,
  fn,
  signedness,
  a,
  b,
});
const named = (name: string, node: Node): Node => ({ ...node, name, named: true });
/** Which outputs are one node, and how many nodes there are besides the inputs. */
const shape = (m: Module): { outputs: number[]; nodes: number } => {
  const out = dedup(m);
  const ids = out.outputs.map((o) => o.value);
  return { outputs: ids.map((id) => ids.indexOf(id)), nodes: out.nodes.length - 2 };
};

describe("dedup", () => {
  it("merges equal nodes, through their operands", () =>
    assert.deepEqual(
      shape(
        module([binary("add", 0, 1), binary("add", 0, 1), binary("sub", 2, 1), binary("sub", 3, 1)], [4, 5]),
      ),
      { outputs: [0, 0], nodes: 2 },
    ));

  it("knows which operands may change places", () => {
    assert.deepEqual(shape(module([binary("add", 0, 1), binary("add", 1, 0)], [2, 3])).outputs, [0, 0]);
    assert.deepEqual(shape(module([binary("sub", 0, 1), binary("sub", 1, 0)], [2, 3])).outputs, [0, 1]);
    assert.deepEqual(shape(module([binary("shr", 0, 1), binary("shr", 1, 0)], [2, 3])).outputs, [0, 1]);
  });

  it("reads the sign only where the operator does", () => {
    assert.deepEqual(shape(module([binary("add", 0, 1, "s"), binary("add", 0, 1)], [2, 3])).outputs, [0, 0]);
    for (const fn of ["mul", "shr"] as const)
      assert.deepEqual(shape(module([binary(fn, 0, 1, "s"), binary(fn, 0, 1)], [2, 3])).outputs, [0, 1]);
  });

  it("gives an unnamed node to the named one, wherever it stands, and keeps two names apart", () => {
    const one = dedup(module([binary("add", 0, 1), named("sum", binary("add", 0, 1))], [2, 3]));
    assert.deepEqual(
      one.outputs.map((o) => one.nodes[o.value]!.name),
      ["sum", "sum"],
    );
    const nodes = [named("p", binary("add", 0, 1)), named("q", binary("add", 0, 1))];
    const two = module([...nodes, binary("sub", 2, 1), binary("sub", 3, 1)], [2, 3, 4, 5]);
    assert.deepEqual(shape(two), { outputs: [0, 1, 2, 2], nodes: 3 });
  });

  it("keeps registers and widths apart", () => {
    const reg: Node = { op: "reg", width: 8, domain: 0, updates: [{ guard: null, value: 0 }] };
    assert.deepEqual(shape(module([reg, reg], [2, 3])).outputs, [0, 1]);
    const slice = (width: number): Node => ({ op: "slice", width, a: 0, lo: 0 });
    const extend: Node = { op: "extend", width: 8, signedness: "u", a: 2 };
    const extended = module([slice(4), slice(5), extend, { ...extend, a: 3 }], [4, 5]);
    assert.deepEqual(shape(extended).outputs, [0, 1]);
  });
});
