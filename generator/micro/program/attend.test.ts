/** Attention of all heads against golden, over random caches of every length that ends a block and around it. */
import assert from "node:assert/strict";
import { exp2 } from "../../../golden/model/attention.js";
import { attention, IntegerState } from "../../../golden/model/integer.js";
import { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import type { ModelShape } from "../../../golden/model/types.js";
import { attend } from "./attend.js";
import { matrices } from "./matrix.js";
import { Bench, equal, SHAPE, saturated, values } from "./parts.testing.js";
import { quantise } from "./quantise.js";
import { recip, seekLayer, setScale } from "./scale.js";

/** The keys and values of golden's cache (layer 0) as they lie in the stream memory. */
function cacheWords(bench: Bench, { cache, model }: IntegerState): void {
  const { machine, context } = bench;
  const { cacheWords: at, cache: from } = context.image;
  const { kvHeads, headDim } = model.shape;
  const nibbles = new Uint8Array(16 * at.words);
  const put = (nibble: number, code: number): void => {
    nibbles[nibble] = code & 15;
  };
  for (let head = 0; head < kvHeads; head++)
    for (let slot = 0; slot < cache.slots; slot++) {
      const vector = cache.vector(0, head, slot);
      const block = 16 * (at.head(head) + (slot >> 3) * at.keyBlock);
      for (let dim = 0; dim < headDim; dim++) {
        put(block + 8 * dim + (slot & 7), cache.keyCodes[vector * headDim + dim]!);
        const dims = 16 * (at.head(head) + at.keys + (dim >> 3) * at.valueBlock);
        put(dims + 8 * slot + (dim & 7), cache.valueCodes[vector * headDim + dim]!);
      }
      const scales = cache.keyScales[vector]! + 256 * cache.valueScales[vector]!;
      for (let i = 0; i < 4; i++) put(block + 8 * headDim + 4 * (slot & 7) + i, scales >> (4 * i));
    }
  const words = Array.from({ length: at.words }, (_, w) =>
    nibbles.subarray(16 * w, 16 * w + 16).reduceRight((word, nibble) => word * 16n + BigInt(nibble), 0n),
  );
  machine.load(words, from);
}

function check(shape: ModelShape, lengths: readonly number[], bits: readonly number[]): void {
  const model = randomModel(shape, 3);
  const bench = new Bench((context) => {
    attend(context);
    quantise(context);
    recip(context);
    setScale(context);
    seekLayer(context);
    matrices(context);
  }, model);
  const { layout, image } = bench.context;
  const random = new Random(5);
  for (const live of lengths)
    for (const width of bits) {
      const golden = new IntegerState(model);
      golden.q.set(values(random, golden.q.length, width));
      for (let t = 0; t < shape.context; t++) {
        const length = shape.kvHeads * shape.headDim;
        golden.cache.write(0, t, values(random, length, width), values(random, length, width), golden.sticky);
      }
      const before = golden.sticky.total();
      attention(golden, 0, live - 1);
      cacheWords(bench, golden);
      const { vmem } = bench.machine.state;
      vmem.set(golden.q, layout.q);
      vmem[layout.live] = live;
      vmem[layout.layer] = image.firstLayer;
      vmem[layout.cache] = image.cache;
      bench.machine.call("attend.all");
      const what = `${live} slots, values of ${width} bits`;
      equal(bench.vmem(layout.o, golden.o.length), golden.o, what);
      const last = (shape.heads - 1) * live;
      const scores = golden.scores.subarray(last, last + live);
      const smax = scores.reduce((most, score) => Math.max(most, score));
      const powers = Array.from(scores, (score) => exp2(smax - score));
      equal(bench.vmem(layout.scores, live), powers, `${what}: exponentials of the last head`);
      assert.equal(saturated(bench), golden.sticky.total() > before, `${what}: sticky`);
    }
}

describe("micro attention", () => {
  it("one head of 32: every length", () => {
    const lengths = Array.from({ length: 72 }, (_, i) => i + 1);
    check({ ...SHAPE, context: 72 }, lengths, [16]);
  });

  it("values of all sizes", () => {
    const bits = Array.from({ length: 22 }, (_, i) => i + 3);
    check({ ...SHAPE, context: 40 }, [1, 8, 33, 40], bits);
  });

  it("four heads on two KV heads", () => {
    check({ ...SHAPE, dim: 64, heads: 4, kvHeads: 2, context: 64 }, [1, 31, 32, 64], [14, 20]);
  });

  it("heads of 64", () => {
    check({ ...SHAPE, dim: 64, heads: 2, headDim: 64, context: 40 }, [1, 8, 33, 40], [12, 18]);
  });

  it("256 slots", () => {
    check({ ...SHAPE, heads: 2, context: 256 }, [255, 256], [12, 18]);
  });
});
