/** The cache writer against golden: K minus its mean, scale bytes and codes in the stream memory, at any slot. */
import assert from "node:assert/strict";
import { cacheScale, KvCache, subtractMean } from "../../../golden/model/cache.js";
import { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import { Sticky } from "../../../golden/model/scale.js";
import { cacheWriter } from "./cachewriter.js";
import { Bench, equal, SHAPE, saturated, values } from "./parts.testing.js";

const CONTEXT = 40;

describe("micro cache writer", () => {
  for (const headDim of [32, 64])
    describe(`heads of ${headDim}`, () => {
      const shape = { ...SHAPE, dim: 2 * headDim, heads: 2, kvHeads: 2, headDim, context: CONTEXT };
      const model = randomModel(shape, 2);
      const bench = new Bench(cacheWriter, model);
      const { layout, image } = bench.context;
      const { cacheWords } = image;
      const { state } = bench.machine;
      const cache = new KvCache(shape, 0, CONTEXT, [{ keys: 4, values: 4 }]);
      const random = new Random(3);
      const count = 2 * headDim;

      /** Four bits of the stream memory, signed. */
      const nibble = (at: number): number => (state.spram[at >> 3]! << (28 - 4 * (at & 7))) >> 28;

      function write(t: number, k: Int32Array, v: Int32Array, mean: Int32Array): void {
        bench.stream((stream) => {
          for (const m of mean) stream.word(m + 2 ** 31);
        });
        state.vmem.set(k, layout.k);
        state.vmem.set(v, layout.v);
        state.offer = { token: 0, position: t, wanted: true };
        state.vmem[layout.cache] = image.cache;
        bench.machine.call("cache");
        const sticky = new Sticky();
        subtractMean(k, mean, sticky);
        cache.write(0, t, k, v, sticky);
        equal(bench.vmem(layout.k, count), k, "k");
        assert.equal(saturated(bench), sticky.total() > 0);
      }

      /** The whole cache up to slot `live`. */
      function compare(live: number): void {
        for (let head = 0; head < 2; head++) {
          const keys = image.cache + cacheWords.head(head);
          for (let slot = 0; slot < live; slot++) {
            const vector = cache.vector(0, head, slot);
            const block = 16 * (keys + (slot >> 3) * cacheWords.keyBlock);
            for (let i = 0; i < headDim; i++) {
              const value =
                16 * (keys + cacheWords.keys + (i >> 3) * cacheWords.valueBlock) + 8 * slot + (i & 7);
              assert.equal(
                nibble(block + 8 * i + (slot & 7)),
                cache.keyCodes[vector * headDim + i],
                `key ${slot}.${i}`,
              );
              assert.equal(nibble(value), cache.valueCodes[vector * headDim + i], `value ${slot}.${i}`);
            }
            const scale = (block + 8 * headDim + 4 * (slot & 7)) / 4;
            const half = (state.spram[scale >> 1]! >>> (16 * (scale & 1))) & 65535;
            assert.equal(half & 255, cache.keyScales[vector], `K scale ${slot}`);
            assert.equal(half >> 8, cache.valueScales[vector], `V scale ${slot}`);
          }
        }
      }

      it("slot after slot, values of all sizes", () => {
        for (let t = 0; t < CONTEXT; t++) {
          const bits = t % 5 === 0 ? 24 : 4 + (t % 20);
          write(
            t,
            values(random, count, bits),
            values(random, count, bits),
            values(random, count, t % 7 === 0 ? 24 : 8),
          );
        }
        compare(CONTEXT);
      });

      it("maxima at all borders of scale bytes", () => {
        const mean = new Int32Array(count);
        const maxima = [0, 1, 26, 27, 28, 29, 2 ** 23];
        for (let m = 30; m < 2 ** 23; m = Math.ceil(m * 1.4)) maxima.push(m);
        // the last maximum of a scale byte and the next
        for (let byte = 1; byte < 256; byte += 37) {
          let [low, high] = [0, 2 ** 23];
          while (high - low > 1) {
            const middle = (low + high) >> 1;
            if (cacheScale(middle, new Sticky()) < byte) low = middle;
            else high = middle;
          }
          maxima.push(low, high);
        }
        maxima.forEach((maximum, i) => {
          const vector = (): Int32Array => {
            const v = Int32Array.from({ length: count }, () =>
              random.integer(-maximum, Math.min(maximum, 2 ** 23 - 1)),
            );
            v[i % headDim] = -maximum;
            v[headDim + ((i + 5) % headDim)] = Math.min(maximum, 2 ** 23 - 1);
            return v;
          };
          write(i % CONTEXT, vector(), vector(), mean);
          compare(CONTEXT);
        });
      });
    });
});
