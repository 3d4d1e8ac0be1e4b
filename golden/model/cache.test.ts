/** KV scales and codes, ring addressing, softmax and attention against float statements. */
import assert from "node:assert/strict";
import { attend, cacheCode, cacheScale, KvCache, norm16, Sticky, softmax } from "./ops.js";
import { Random } from "./random.js";

const shape = { dim: 8, hidden: 8, layers: 2, heads: 2, kvHeads: 2, headDim: 4, vocab: 4, context: 64 };

const KV4 = [
  { keys: 4, values: 4 },
  { keys: 4, values: 4 },
] as const;

/** What a scale byte means, times 4. */
function meaning(byte: number): number {
  return (16 + (byte & 15)) * 2 ** (byte >> 4);
}

describe("KV cache", () => {
  it("scale bytes are the smallest that keep every code within ±7", () => {
    const sticky = new Sticky();
    const check = (maximum: number): void => {
      const byte = cacheScale(maximum, sticky);
      assert.ok(meaning(byte) * 7 >= maximum * 4, `${maximum}: too small`);
      // the product with 37450 may round up past one step
      if (byte > 0) assert.ok(meaning(byte - 1) * 7 < maximum * 4 * 1.00003 + 8, `${maximum}: too large`);
      assert.ok(Math.abs(cacheCode(maximum, byte)) <= 7);
    };
    for (let maximum = 0; maximum < 200000; maximum++) check(maximum);
    for (let maximum = 200000; maximum < 1777664; maximum += 97) check(maximum);
    assert.equal(sticky.cache, 0);
    assert.equal(cacheScale(1777665, sticky), 255);
    assert.equal(cacheScale(8388608, sticky), 255);
    assert.equal(sticky.cache, 2);
  });

  it("codes are within half a step of the value", () => {
    const random = new Random(3);
    for (let i = 0; i < 20000; i++) {
      const maximum = random.integer(1, 1777664);
      const value = random.integer(-maximum, maximum);
      const byte = cacheScale(maximum, new Sticky());
      const step = meaning(byte) / 4;
      assert.ok(Math.abs(cacheCode(value, byte) * step - value) <= 0.502 * step, `${value} of ${maximum}`);
    }
  });

  it("sinks stay, the window is a ring", () => {
    const cache = new KvCache(shape, 2, 3, KV4);
    assert.equal(cache.slots, 5);
    const slots = Array.from({ length: 12 }, (_, t) => cache.slot(t));
    assert.deepEqual(slots, [0, 1, 2, 3, 4, 2, 3, 4, 2, 3, 4, 2]);
    const live = Array.from({ length: 7 }, (_, t) => cache.live(t));
    assert.deepEqual(live, [1, 2, 3, 4, 5, 5, 5]);
    const ring = new KvCache(shape, 0, 4, KV4);
    assert.deepEqual(
      Array.from({ length: 6 }, (_, t) => ring.slot(t)),
      [0, 1, 2, 3, 0, 1],
    );
  });

  it("writes each layer and head to its own place", () => {
    const cache = new KvCache(shape, 1, 2, KV4);
    const k = Int32Array.of(70, -70, 0, 35, 1, 2, 3, 7000);
    const v = Int32Array.of(0, 0, 0, 0, -7000, 7000, 0, 0);
    cache.write(1, 3, k, v, new Sticky()); // position 3 -> slot 1
    const at = (head: number): number => cache.vector(1, head, 1) * 4;
    assert.deepEqual(Array.from(cache.keyCodes.subarray(at(0), at(0) + 4)), [7, -7, 0, 3]); // the scale is 10.5: 37450 is a hair too large
    assert.deepEqual(Array.from(cache.keyCodes.subarray(at(1), at(1) + 4)), [0, 0, 0, 7]);
    assert.deepEqual(Array.from(cache.valueCodes.subarray(at(1), at(1) + 4)), [-7, 7, 0, 0]);
    assert.equal(cache.valueScales[cache.vector(1, 0, 1)], 0);
    const used = Array.from(cache.keyCodes).filter((code) => code !== 0).length;
    assert.equal(used, 4);
  });
});

describe("attention", () => {
  /** One head, random scores and values of very different scales: relative error of o against float. */
  function attentionError(seed: number, live: number, spread: number): number {
    const random = new Random(seed);
    const cache = new KvCache({ ...shape, context: 512 }, 0, 256, KV4);
    const scores = Int32Array.from({ length: live }, () => random.integer(-spread, spread));
    for (let s = 0; s < live; s++) {
      cache.valueScales[s] = random.integer(60, 130);
      for (let d = 0; d < 4; d++) cache.valueCodes[s * 4 + d] = random.integer(-7, 7);
    }
    const blocks = Math.ceil(live / 32);
    const view = {
      scores,
      scoresAt: 0,
      live,
      scales: cache.valueScales,
      scalesAt: 0,
      p: new Int32Array(blocks * 32).fill(99),
      pAt: 0,
      exponents: new Int32Array(blocks),
      exponentsAt: 0,
    };
    const sum = softmax(view);
    for (let s = live; s < blocks * 32; s++) assert.equal(view.p[s], 0, "a slot that is not live");
    const o = new Int32Array(4);
    // K for equal binary points of v and o: 1/127
    const k = norm16(Math.round(2 ** 40 / 127));
    attend(cache, 0, 0, view, sum, { m: k.m, e: k.e - 40 }, o, 0, new Sticky());

    const weights = Array.from(scores, (score) => 2 ** (score / 1024));
    const total = weights.reduce((a, b) => a + b, 0);
    let error = 0;
    let size = 0;
    for (let d = 0; d < 4; d++) {
      let expected = 0;
      for (let s = 0; s < live; s++)
        expected +=
          (weights[s]! / total) * cache.valueCodes[s * 4 + d]! * (meaning(cache.valueScales[s]!) / 4);
      error = Math.max(error, Math.abs(o[d]! - expected));
      size = Math.max(size, Math.abs(expected));
    }
    return error / size;
  }

  it("weighs values as softmax does", () => {
    for (const live of [1, 5, 32, 33, 100, 256]) {
      for (const spread of [0, 300, 3000, 30000]) {
        const error = attentionError(live * 7 + spread, live, spread);
        assert.ok(error < 0.03, `${live} slots, spread ${spread}: ${error}`);
      }
    }
  });
});
