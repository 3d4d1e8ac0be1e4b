import assert from "node:assert/strict";
import type { Design, Module } from "../hdl/ir.js";
import { flatten } from "./flatten.js";
import { Sketch } from "./sketch.js";

const designOf = (...modules: Module[]): Design => ({
  top: modules[modules.length - 1]!.name,
  modules: new Map(modules.map((m) => [m.name, m])),
  blackboxes: new Map(),
});

/** y = not x, as a module. */
function inverter(): Module {
  const s = new Sketch("inverter");
  s.output("y", s.unary("not", s.input("x", 1)));
  return s.module([]);
}

describe("simulate: flattening", () => {
  it("dissolves hierarchy, ports and wires", () => {
    const s = new Sketch("two");
    const first = s.instance("u_first", "inverter", { x: s.input("a", 1) }, { y: 1 }).y!;
    const second = s.instance("u_second", "inverter", { x: s.named("between", first) }, { y: 1 }).y!;
    s.output("y", second);
    const graph = flatten(designOf(inverter(), s.module([])));
    assert.deepEqual(
      graph.nodes.map((n) => n.op),
      ["input", "unary", "unary"],
    );
    assert.equal(graph.signals.get("u_second.x")!.node, graph.signals.get("between")!.node);
    assert.deepEqual(
      [...graph.signals.keys()],
      ["a", "y", "between", "u_first.x", "u_first.y", "u_second.x", "u_second.y"],
    );
  });

  it("shows a combinational loop through instances", () => {
    const module = new Sketch("ring").module([]);
    const ring: Module = {
      ...module,
      nodes: [
        { op: "instOut", width: 1, inst: 1, port: "y", loc: { file: "ring.ts", line: 3, col: 1 } },
        {
          op: "binary",
          fn: "and",
          signedness: "u",
          width: 1,
          a: 0,
          b: 0,
          name: "gate",
          loc: { file: "ring.ts", line: 4, col: 1 },
        },
        { op: "instOut", width: 1, inst: 0, port: "y" },
      ],
      instances: [
        { name: "u_0", module: "inverter", inputs: { x: 1 }, domains: {} },
        { name: "u_1", module: "inverter", inputs: { x: 2 }, domains: {} },
      ],
    };
    assert.throws(() => flatten(designOf(inverter(), ring)), {
      message: "combinational loop: u_0.not -> u_1.not -> gate (ring.ts:4) -> u_0.not",
    });
  });

  it("shows a loop of nothing but wires", () => {
    const module = new Sketch("loop").module([]);
    const loop: Module = {
      ...module,
      outputs: [{ name: "y", width: 1, signed: false, value: 0 }],
      nodes: [
        { op: "wire", width: 1, driver: 1, name: "a" },
        { op: "wire", width: 1, driver: 0, name: "b" },
      ],
    };
    assert.throws(() => flatten(designOf(loop)), /combinational loop through wires and ports at a/);
  });

  it("names a wire that nobody drives and an input that nobody connects", () => {
    const module = new Sketch("open").module([]);
    const open: Module = {
      ...module,
      outputs: [{ name: "y", width: 1, signed: false, value: 0 }],
      nodes: [{ op: "wire", width: 1, driver: null, name: "nothing" }],
    };
    assert.throws(() => flatten(designOf(open)), /nothing: the wire is not driven/);
    const s = new Sketch("top");
    s.output("y", s.instance("u_inv", "inverter", {}, { y: 1 }).y!);
    assert.throws(
      () => flatten(designOf(inverter(), s.module([]))),
      /u_inv.x: the input port is not connected/,
    );
  });

  it("finds the reset of a child's clock domain in the parent", () => {
    const child = new Sketch("child");
    const count = child.reg("count", 4, { reset: 9 });
    child.set(count, child.binary("add", count, child.constant(4, 1)));
    child.output("count", count);
    const s = new Sketch("parent");
    s.output("y", s.instance("u_child", "child", {}, { count: 4 }).count!);
    const graph = flatten(designOf(child.module(), s.module()));
    assert.equal(graph.registers[0]!.domain, 0);
    assert.equal(graph.nodes[graph.domains[0]!.reset!]!.name, "rst");
    assert.equal(graph.signals.get("u_child.rst")!.node, graph.domains[0]!.reset);
  });
});
