import assert from "node:assert/strict";
import { tokenWork } from "./work.js";

describe("work of a token", () => {
  const demo = { dim: 64, hidden: 256, layers: 4, heads: 2, kvHeads: 1, headDim: 32, vocab: 512 };

  it("counts a W4 weight and a KV4 product as two lane slots", () => {
    // weights 4 x 61,440; attention 4 layers x 2 heads x 2 x 64 x 32 products; head 512 x 64
    assert.deepEqual(tokenWork(demo, 64, true), {
      slots: 245_760 + 2 * 32_768 + 2 * 32_768,
      macs: 245_760 + 32_768 + 32_768,
    });
  });

  it("leaves the head out inside a prompt", () => {
    assert.equal(tokenWork(demo, 1, false).macs, 245_760 + 512);
  });
});
