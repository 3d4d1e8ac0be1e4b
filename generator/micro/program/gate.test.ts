/** SiLU times up against golden: every 64th gate, all corners. */
import assert from "node:assert/strict";
import { Random } from "../../../golden/model/prng.js";
import { Sticky } from "../../../golden/model/scale.js";
import { siluGate } from "../../../golden/model/silu.js";
import { maximumOf } from "../../../golden/model/vector.js";
import { gateTimesUp, silu } from "./gate.js";
import { Bench, equal, saturated, values } from "./parts.testing.js";

const MOST = 2 ** 23;

describe("micro gate", () => {
  const bench = new Bench((context) => {
    silu(context);
    gateTimesUp(context);
  });
  const { layout, shape } = bench.context;
  const { state } = bench.machine;

  function check(gate: Int32Array, up: Int32Array): void {
    const h = new Int32Array(shape.hidden);
    const sticky = new Sticky();
    siluGate(gate, up, h, sticky);
    state.vmem[layout.two24] = 2 ** 24;
    state.vmem.set(gate, layout.gate);
    bench.machine.call("silu");
    state.vmem[layout.up - 1] = 0; // as behind a matrix
    state.vmem.set(up, layout.up);
    bench.machine.call("gate");
    equal(bench.vmem(layout.gate, shape.hidden), h, `from ${gate[0]}`);
    assert.equal(state.m, maximumOf(h));
    assert.equal(saturated(bench), sticky.total() > 0);
  }

  it("gates within ±20 and up of all sizes", () => {
    const random = new Random(10);
    for (let gate = -20 * 4096; gate < 20 * 4096; gate += 37 * shape.hidden)
      check(
        Int32Array.from({ length: shape.hidden }, (_, i) => gate + 37 * i),
        values(random, shape.hidden, 24),
      );
    for (let bits = 1; bits <= 24; bits++)
      check(values(random, shape.hidden, bits), values(random, shape.hidden, 24));
  });

  it("corners", () => {
    const corners = [0, 1, 65535, 65536, 65537, 255, 256, 32768, MOST - 1, MOST].flatMap((v) => [-v, v]);
    const allowed = corners.filter((v) => v < MOST);
    for (const up of allowed)
      check(
        Int32Array.from({ length: shape.hidden }, (_, i) => allowed[i % allowed.length]!),
        new Int32Array(shape.hidden).fill(up),
      );
  });
});
