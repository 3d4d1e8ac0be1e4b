/** llama2.c files built in memory: every tensor in its place, every refusal as the user reads it. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import { readLlama2c } from "./llama2c.js";

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
      "version 1",
      checkpoint([0x616b3432, 1]),
      /this is a version 1 or 2 checkpoint\. Export it with --version 0\.$/,
    ],
    [
      "an untied head",
      checkpoint([4, 6, 2, 2, 1, -5, 3]),
      /^m\.bin, byte 20: the head is not tied to the embedding\. Only checkpoints with a tied head are read\.$/,
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
