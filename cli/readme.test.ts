/** The README's example is what the eDSL really gives. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { bool, defineModule, elaborate, emitVerilog, mux, reg, sint, when } from "../generator/hdl/index.js";
import { packageFile } from "./package.js";

const accumulate = (width: number) =>
  defineModule(
    `accumulate_${width}`,
    { in: { x: sint(8), valid: bool, last: bool }, out: { sum: sint(width), done: bool } },
    ({ x, valid, last }) => {
      const acc = reg("acc", sint(width), { reset: 0 });
      const sum = acc.add(x).wrap(width).as("next");
      when(valid, () => acc.set(mux(last, 0, sum)));
      return { sum, done: valid.and(last) };
    },
  );

describe("README", () => {
  it("shows the Verilog of its example", () => {
    const readme = readFileSync(packageFile("README.md"), "utf8");
    const shown = /```verilog\n([\s\S]*?)```/.exec(readme)?.[1];
    const text = emitVerilog(elaborate(accumulate(20)), { sourceComments: false }).get("accumulate_20.v")!;
    assert.equal(shown, text.slice(text.indexOf("module ")).replace(/\n\n`default_nettype wire\n$/, "\n"));
  });
});
