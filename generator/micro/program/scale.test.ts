/** Reciprocals and products of scales against golden. */
import assert from "node:assert/strict";
import { Random } from "../../../golden/model/prng.js";
import { mul, recip as goldenRecip, ZERO_SCALE } from "../../../golden/model/scale.js";
import { Bench } from "./parts.testing.js";
import { recip, setScale } from "./scale.js";

describe("micro scales", () => {
  it("recip of every mantissa", () => {
    const { machine } = new Bench(recip);
    for (let m = 32768; m < 65536; m++) {
      machine.state.r = m;
      machine.call("recip");
      if (machine.state.r !== goldenRecip(m)) assert.equal(machine.state.r, goldenRecip(m), `recip(${m})`);
    }
  });

  it("T = mul(S, K)", () => {
    const bench = new Bench(setScale);
    const random = new Random(3);
    const { state } = bench.machine;
    for (let i = 0; i < 500; i++) {
      const draw = (e: number) => ({ m: random.integer(32768, 65535), e: random.integer(-e, e) });
      const s = i % 10 === 0 ? { m: 0, e: -16 } : draw(100);
      const k = i % 10 === 1 ? ZERO_SCALE : draw(200);
      bench.stream((stream) => stream.scale(k));
      state.vmem[bench.context.layout.sM] = s.m;
      state.vmem[bench.context.layout.sE] = s.e;
      bench.machine.call("setScale");
      assert.deepEqual({ m: state.yr, e: state.te }, mul(s, k), JSON.stringify([s, k]));
      assert.equal(state.bi, 4);
    }
  });
});
