import assert from "node:assert/strict";
import { emitVerilog } from "../hdl/index.js";
import { UNITS, unitNames, unitOf } from "./units.js";

describe("units around engines", () => {
  it("are built at the size of the table, and each names its source", () => {
    assert.equal(new Set(unitNames()).size, UNITS.length);
    for (const { name, source, build } of UNITS) {
      assert.match(source, /arXiv \d{4}\.\d{5}/, name);
      const design = build();
      assert.ok(emitVerilog(design).has(`${design.top}.v`), name);
    }
  });

  it("are built at other sizes, and refuse what is none", () => {
    assert.equal(unitOf("topk")!.build({ length: 64, keep: 8 }).top, "topk_64_8");
    assert.throws(() => unitOf("topk")!.build({ keep: 0 }), /keeps 1 to 2048 of them, not 0/);
    assert.throws(
      () => unitOf("hadamard")!.build({ rows: 4 }),
      /no size 'rows'; it has length, vector, width/,
    );
    assert.equal(unitOf("none"), undefined);
  });
});
