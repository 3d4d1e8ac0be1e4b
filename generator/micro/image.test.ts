/** The stream: where its parts lie, bytes of a row block, and what the machine refuses. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readDemo } from "../../golden/import/demo.js";
import { type RandomOptions, randomModel } from "../../golden/model/random.js";
import type { ModelShape, QuantisedModel } from "../../golden/model/types.js";
import { blockWords, Stream, streamImage } from "./image.js";
import { vmemLayout } from "./layout.js";

const SHAPE: ModelShape = {
  ...{ dim: 64, hidden: 96, layers: 2, heads: 2, kvHeads: 1, headDim: 32, vocab: 40, context: 16 },
};

const halfAt = (words: readonly bigint[], word: number, half = 0): number =>
  Number((words[word]! >> BigInt(16 * half)) & 0xffffn);

describe("micro stream", () => {
  it("the demo model fits with 256 slots", () => {
    const file = new URL("../../golden/demo/stories.safetensors", import.meta.url);
    const { model } = readDemo(readFileSync(file), "stories");
    const image = streamImage(model);
    assert.equal(image.words.length, image.cache);
    assert.equal(image.cache + 4 * image.cacheWords.words, 15_868);
    assert.ok(vmemLayout(model.shape).words <= 1024);
  });

  it("parts lie where the image says", () => {
    const model = randomModel(SHAPE, 2);
    const image = streamImage(model);
    const { words } = image;
    const scaleAt = (word: number) => ({ m: halfAt(words, word), e: halfAt(words, word, 1) - 512 });
    assert.deepEqual(
      [0, 1, 2, 3].map((half) => halfAt(words, 0, half)), // 2^24, s = 0
      [0, 256, 0, 0],
    );
    assert.equal(halfAt(words, 1), model.epsilonSum % 65536);
    const layerWords = (at: number) => ({ layer: halfAt(words, at), cache: halfAt(words, at, 2) });
    assert.deepEqual(layerWords(image.firstLayer), { layer: image.firstLayer, cache: image.cache });
    const blocks = (rows: number, cols: number, format: "w2" | "w4") => (rows / 8) * blockWords(cols, format);
    assert.equal(image.firstLayer - image.embedding, blocks(40, 64, "w4"));
    const perLayer = blocks(64 + 32 + 32 + 64 + 96 + 96, 64, "w2") + blocks(64, 96, "w2") + 32 + 16 + 1 + 6;
    const second = image.firstLayer + perLayer;
    assert.deepEqual(layerWords(second), { layer: second, cache: image.cache + image.cacheWords.words });
    assert.deepEqual(scaleAt(second + image.score), model.layers[1]!.scale.score);
    assert.deepEqual(scaleAt(second + image.attend), model.layers[1]!.scale.attend);
    assert.deepEqual(scaleAt(second + image.o), model.layers[1]!.scale.o);
    assert.deepEqual(scaleAt(image.cache - 1), model.headScale);
    assert.equal(halfAt(words, second + perLayer), model.finalGain[0]! + 32768);
  });

  it("a row block: columns of eight lanes, then mantissas and exponent of each row", () => {
    const base = randomModel(SHAPE, 2).layers[0]!.q;
    const codes = Int8Array.from({ length: 8 * 32 }, (_, i) => [-3, -1, 1, 3][(i >> 5) & 3]!);
    const matrix = { ...base, rows: 8, cols: 32, codes };
    const bytes = (format: "w2" | "w4"): number[] => {
      const stream = new Stream();
      stream.matrix(matrix, format);
      return stream.words().flatMap((word) => [...new Uint8Array(new BigUint64Array([word]).buffer)]);
    };
    assert.deepEqual(bytes("w2").slice(0, 2), [0b11100100, 0b11100100]);
    assert.deepEqual(bytes("w4").slice(0, 4), [0xfd, 0x31, 0xfd, 0x31]);
    const [m, e] = [matrix.mantissas, matrix.exponents];
    assert.deepEqual(
      bytes("w4").slice(128),
      [...e.subarray(0, 8)].flatMap((exponent, row) => [m[row]!, exponent]),
    );
  });

  it("ternary and 2:4 weights, and W2 where another layer has W4, lie as W4", () => {
    const [w2, w4] = [randomModel(SHAPE, 2), randomModel(SHAPE, 3, { format: "W4" })];
    const mixed = { ...w2, layers: [w2.layers[0]!, { ...w2.layers[1]!, up: w4.layers[1]!.up }] };
    assert.deepEqual(
      [streamImage(w2), streamImage(mixed)].map(({ formats }) => [formats.gate, formats.up]),
      [
        ["w2", "w2"],
        ["w2", "w4"],
      ],
    );
    for (const format of ["TERNARY", "N24"] as const)
      assert.equal(streamImage(randomModel(SHAPE, 2, { format })).formats.q, "w4");
  });

  it("refuses what the machine cannot do, each with its reason", () => {
    const refused = (
      message: RegExp,
      options: RandomOptions,
      shape: Partial<ModelShape> = {},
      change = {},
    ) => {
      const model: QuantisedModel = { ...randomModel({ ...SHAPE, ...shape }, 1, options), ...change };
      assert.throws(() => streamImage(model), { name: "MicroError", message });
    };
    refused(/q of layer 0 is W8; the micro machine has W2 and W4/, { format: "W8" });
    refused(/layer 1 has biases/, { bias: true });
    refused(/layer 0 has norms of q and k/, { qkNorm: true });
    refused(/layer 0 has sub-norms/, { subNorm: true });
    refused(/a head of its own/, { head: "W4" });
    refused(/4 sinks and a window of 12/, { sinks: 4 });
    refused(/0 sinks and a window of 8/, { window: 8 });
    refused(/an embedding of W8/, { embedding: "W8" });
    refused(/squared ReLU/, { gate: "relu2" });
    refused(/keys of 8 and values of 4 bits/, { cache: { keys: 8, values: 4 } });
    refused(/heads of 16 elements/, {}, { headDim: 16 });
    refused(/hidden 80 is no multiple of 32/, {}, { hidden: 80 });
    refused(/hidden 512: the micro machine holds 480/, {}, { hidden: 512 });
    refused(/a vocabulary of 42 is no multiple of 8/, {}, { vocab: 42 });
    refused(/264 slots; the micro machine has at most 256/, {}, { context: 264 });
    refused(/E of the norms is 1,/, {}, {}, { epsilonSum: 1 });
    refused(/shifted left by up to \d+ bits/, {}, {}, { residualFraction: 60 });
    refused(/weights and constants need \d+ words.* but the memory has 16384/, {}, { layers: 16 });
    assert.throws(() => vmemLayout({ ...SHAPE, hidden: 448 }), {
      name: "MicroError",
      message: /\d+ words of work space for dim 64, hidden 448/,
    });
  });
});
