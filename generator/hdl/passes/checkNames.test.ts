import assert from "node:assert/strict";
import { messageOf } from "../errors.testing.js";
import { bool, defineModule, elaborate, Mem, reg, type Shape, uint } from "../index.js";

/** A module with these inputs; `body` describes more. */
const module = (inputs: Readonly<Record<string, Shape>>, body: () => void = () => {}, name = "m"): string =>
  messageOf(() =>
    elaborate(
      defineModule(name, { in: inputs, out: { y: bool } }, () => {
        body();
        return { y: 1 };
      }),
    ),
  );

describe("checkNames", () => {
  it("ports that become one by joining", () =>
    assert.equal(
      module({ a: { b: bool }, a_b: bool }),
      [
        "F:L:C: port 'a_b' of module 'm' exists twice; nested names are joined by _, and clocks are ports too: clk and rst",
        "    F:L:C: the first one",
      ].join("\n"),
    ));

  it("a port called as a clock", () =>
    assert.match(
      module({ clk: bool }, () => reg("r", bool).set(0)),
      /^F:L:C: port 'clk' of module 'm' exists twice/,
    ));

  it("memories and instances", () => {
    assert.equal(
      module({}, () => {
        for (let i = 0; i < 2; i++) new Mem("words", bool, 2, { zero: true });
      }),
      "F:L:C: memory 'words' of module 'm' exists twice; give each a name of its own\n    F:L:C: the first one",
    );
    const child = defineModule("child", { in: {}, out: { y: uint(2) } }, () => ({ y: 3 }));
    assert.equal(
      module({}, () => {
        for (let i = 0; i < 2; i++) child.inst("u_child", {});
      }),
      "F:L:C: instance 'u_child' of module 'm' exists twice; give each a name of its own\n    F:L:C: the first one",
    );
  });

  it("names that Verilog does not know", () => {
    assert.equal(
      module({ "a-b": bool }),
      "F:L:C: port 'a-b' of module 'm': a name has letters, digits and _ only",
    );
    assert.equal(module({}, undefined, "2m"), "F:L:C: module '2m': a name has letters, digits and _ only");
    assert.equal(module({ a_b: bool }, undefined, "m_2"), "no error");
  });
});
