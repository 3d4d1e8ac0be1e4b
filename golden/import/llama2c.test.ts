/** llama2.c files built in memory: every tensor in its place, every refusal as the user reads it. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import { accessBytes } from "./access.js";
import { readLlama2c } from "./llama2c.js";
import { Llama2cSource } from "./llama2cSource.js";
import { writeLlama2c } from "./write/llama2c.js";
import { randomFloatModel, TINY } from "./write/random.js";

const SIZES = [4, 6, 2, 2, 1, 5, 3]; // dim, hidden, layers, heads, kvHeads, vocab, context
const FLOATS = 5 * 4 + 2 * (4 + 16 + 8 + 8 + 16 + 4 + 24 + 24 + 24) + 4 + 3 * 2;

/** A checkpoint whose float number i is i. */
function checkpoint(sizes = SIZES, floats = FLOATS): Uint8Array {
  const bytes = new Uint8Array(28 + 4 * floats);
  const view = new DataView(bytes.buffer);
  sizes.forEach((size, i) => {
    view.setInt32(4 * i, size, true);
  });
  for (let i = 0; i < floats; i++) view.setFloat32(28 + 4 * i, i, true);
  return bytes;
}

const MODEL = randomFloatModel({ ...llama(1e-5, 10000), tied: false }, 1);

function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  new DataView(bytes.buffer).setInt32(at, value, true);
  return bytes;
}

describe("llama2.c checkpoints", () => {
  it("finds every tensor: by kind, then by layer, w2 (down) before w3 (up)", () => {
    const model = readLlama2c(checkpoint(), "some/folder/tiny.bin");
    assert.equal(model.name, "tiny");
    assert.deepEqual(model.shape, {
      ...{ dim: 4, hidden: 6, layers: 2, heads: 2, kvHeads: 1, headDim: 2, vocab: 5, context: 3 },
    });
    assert.deepEqual(model.architecture, llama(1e-5, 10000));
    const [a, b] = model.layers as [(typeof model.layers)[0], (typeof model.layers)[0]];
    const firsts = (["attentionGain", "q", "k", "v", "o", "ffnGain", "gate", "down", "up"] as const).map(
      (name) => [a[name][0], b[name][0], b[name].length],
    );
    assert.deepEqual(firsts, [
      [20, 24, 4],
      [28, 44, 16],
      [60, 68, 8],
      [76, 84, 8],
      [92, 108, 16],
      [124, 128, 4],
      [132, 156, 24],
      [180, 204, 24],
      [228, 252, 24],
    ]);
    assert.deepEqual([...model.finalGain], [276, 277, 278, 279]);
  });

  for (const version of [0, 1] as const)
    for (const tied of [true, false])
      it(`version ${version}, ${tied ? "tied" : "untied"}: every weight comes back`, () => {
        const model = randomFloatModel({ ...llama(1e-5, 10000), tied }, 1);
        assert.deepEqual(readLlama2c(writeLlama2c(model, version), "tiny.bin"), model);
      });

  it("version 2: weights within half a step, groups across rows too", async () => {
    for (const group of [32, 24]) {
      const shape = { ...TINY, vocab: 48, hidden: 96, heads: 3, kvHeads: 3, headDim: 16, dim: 48 };
      const model = randomFloatModel({ ...llama(1e-5, 10000), tied: false }, 2, shape);
      const bytes = writeLlama2c(model, 2, group);
      const read = readLlama2c(bytes, "tiny.bin");
      assert.deepEqual(read.layers[1]!.ffnGain, model.layers[1]!.ffnGain);
      const down = model.layers[1]!.down;
      for (let i = 0; i < down.length; i++) {
        const first = Math.floor(i / group) * group;
        const largest = down
          .subarray(first, first + group)
          .reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        assert.ok(Math.abs(read.layers[1]!.down[i]! - down[i]!) <= (0.51 * largest) / 127);
      }
      const source = await Llama2cSource.from(accessBytes(bytes, "tiny.bin"));
      const name = "layers.1.feed_forward.w2.weight";
      assert.deepEqual(await source.read(name), read.layers[1]!.down);
      assert.deepEqual(await source.read(name, 3, 2), read.layers[1]!.down.slice(3 * 96, 5 * 96));
      const codes = await source.codes("layers.1.attention.wk.weight");
      if (group === 32)
        assert.equal(codes, null); // 48 columns: groups straddle rows
      else
        assert.deepEqual(
          Float32Array.from(codes!.codes, (c, i) => c * codes!.scales[Math.floor(i / 24)]!),
          read.layers[1]!.k,
        );
    }
  });

  it("by rows, the same as whole", async () => {
    const source = await Llama2cSource.from(accessBytes(writeLlama2c(MODEL), "tiny.bin"));
    assert.deepEqual(
      await source.read("layers.0.attention.wq.weight", 5, 3),
      MODEL.layers[0]!.q.slice(160, 256),
    );
    assert.equal(await source.codes("layers.0.attention.wq.weight"), null);
    assert.deepEqual(await source.read("output.weight"), MODEL.head);
    await assert.rejects(source.read("wat"), /tensor "wat": the tensor is missing/);
  });

  const cases: [string, Uint8Array, RegExp][] = [
    [
      "an empty file",
      new Uint8Array(0),
      /^m\.bin, byte 0: the file has 0 bytes, a header takes 28\. Copy it again\.$/,
    ],
    [
      "a cut file",
      checkpoint().subarray(0, 1000),
      /^m\.bin, byte 1000: these sizes take 1172 bytes but the file has 1000\. The file is cut off or of another kind; copy or export it again\.$/,
    ],
    [
      "a file that is too long",
      checkpoint(SIZES, FLOATS + 1),
      /^m\.bin, byte 1172: these sizes take 1172 bytes but the file has 1176\./,
    ],
    [
      "an untied head that is not there",
      checkpoint([4, 6, 2, 2, 1, -5, 3]),
      /^m\.bin, byte 1172: these sizes take 1252 bytes but the file has 1172\./,
    ],
    [
      "a version that is not known",
      patched(writeLlama2c(MODEL, 1), 4, 3),
      /^m\.bin, byte 4: version 3 is not known\. Export it with --version 0, 1 or 2\.$/,
    ],
    [
      "a long header that is cut",
      writeLlama2c(MODEL, 1).subarray(0, 200),
      /the file has 200 bytes, a header takes 256/,
    ],
    [
      "groups that do not divide",
      patched(writeLlama2c(MODEL, 2), 37, 7),
      /^m\.bin, tensor "tok_embeddings\.weight", byte 37: groups of 7 do not divide its 1280 weights\./,
    ],
    [
      "groups of nothing",
      patched(writeLlama2c(MODEL, 2), 37, 0),
      /byte 37: a group of 0 weights makes no sense/,
    ],
    [
      "a weight that is no number",
      checkpoint().fill(255, 28, 32),
      /^m\.bin, tensor "tok_embeddings\.weight", byte 28: weight 0 is NaN\./,
    ],
    [
      "a size of zero",
      checkpoint([4, 0]),
      /^m\.bin, byte 4: hidden = 0 makes no sense\. Check that this is a llama2\.c checkpoint\.$/,
    ],
    [
      "heads that do not divide",
      checkpoint([4, 6, 2, 3, 1, 5, 3]),
      /dim 4, heads 3, kvHeads 1 do not divide into heads of even width/,
    ],
  ];
  for (const [what, bytes, message] of cases) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readLlama2c(bytes, "m.bin"), { name: "InputError", message });
    });
  }
});
