import assert from "node:assert/strict";
import { bool, defineModule, elaborate, HdlError, reg, uint, wire } from "../index.js";

const textOf = (def: Parameters<typeof elaborate>[0]): string => {
  try {
    elaborate(def);
  } catch (error) {
    assert.ok(error instanceof HdlError);
    return error.message.replace(/:\d+:\d+/g, ":L:C");
  }
  return "no error";
};

describe("checkLoops", () => {
  it("shows a loop as a path", () => {
    const def = defineModule("ring", { in: { a: uint(4) }, out: { y: uint(4) } }, ({ a }) => {
      const back = wire("back", uint(4));
      const sum = a.addMod(back).as("sum");
      back.drive(sum);
      return { y: sum };
    });
    assert.equal(
      textOf(def),
      [
        "generator/hdl/passes/checkLoops.test.ts:L:C: combinational loop in module 'ring'; put a register into it",
        "    'sum' (generator/hdl/passes/checkLoops.test.ts:L:C)",
        "    'back' (generator/hdl/passes/checkLoops.test.ts:L:C)",
        "    'sum' (generator/hdl/passes/checkLoops.test.ts:L:C)",
      ].join("\n"),
    );
  });

  it("finds one through two instances, and none where a register stands between", () => {
    const pass = defineModule("pass", { in: { x: bool }, out: { y: bool } }, ({ x }) => ({ y: x.not() }));
    const hold = defineModule("hold", { in: { x: bool }, out: { y: bool } }, ({ x }) => {
      const q = reg("q", bool, { reset: 0 });
      q.set(x);
      return { y: q };
    });
    const around = (second: typeof pass) =>
      defineModule(`around_${second.name}`, { in: {}, out: { y: bool } }, () => {
        const back = wire("back", bool);
        const first = pass.inst("u_first", { x: back });
        back.drive(second.inst("u_second", { x: first.y }).y);
        return { y: first.y };
      });
    assert.match(
      textOf(around(pass)),
      /combinational loop in module 'around_pass'[\s\S]*'u_first_y'[\s\S]*'u_second_y'/,
    );
    assert.equal(textOf(around(hold as typeof pass)), "no error");
  });
});
