import assert from "node:assert/strict";
import { randomModel } from "../../golden/model/random.js";
import { precisionOf, tokenWork } from "./work.js";

const SHAPE = { dim: 64, hidden: 256, layers: 4, heads: 2, kvHeads: 1, headDim: 32, vocab: 512, context: 64 };

describe("work of a token", () => {
  const demo = randomModel(SHAPE, 1);

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

  it("counts four slots for 8 bits, and half of 2:4's", () => {
    const wide = randomModel(SHAPE, 1, { format: "W8", cache: { keys: 8, values: 4 }, head: "W8" });
    assert.equal(tokenWork(wide, 64, true).slots, 4 * 245_760 + 4 * 16_384 + 2 * 16_384 + 4 * 32_768);
    assert.equal(tokenWork(randomModel(SHAPE, 1, { format: "N24" }), 0, false).slots, 245_760 / 2);
  });

  it("names the widths as the field does", () => {
    assert.equal(precisionOf(demo), "W2A8KV4");
    assert.equal(
      precisionOf(randomModel(SHAPE, 1, { format: "W4", cache: { keys: 8, values: 4 } })),
      "W4A8K8V4",
    );
    assert.equal(precisionOf(randomModel(SHAPE, 1, { format: "TERNARY" })), "W1.58A8KV4");
    assert.equal(precisionOf(randomModel(SHAPE, 1, { format: "N24" })), "W2(2:4)A8KV4");
  });
});
