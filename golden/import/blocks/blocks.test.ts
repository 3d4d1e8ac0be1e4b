/** Every block format against the Python package gguf 0.19.0 (check/hashes.py), and what the encoders lose. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { halfBits, readBfloat, readHalf, writeBfloat, writeHalf } from "./half.js";
import { BLOCKS, type BlockCodec, blockById, blockByType, decodeRows, encodeRows, UNREAD } from "./index.js";
import { randomBlocks, randomWeights } from "./sample.js";

const COUNT = 24 * 768;

/** Type; of COUNT weights decoded from randomBlocks; of the blocks that gguf's quantize makes of randomWeights(COUNT, 1). */
const HASHES: [type: string, decoded: string, blocks: string | null][] = [
  ["F32", "006a2df5fab38cda", "69e58461ec5d5d33"],
  ["F16", "ba8a5038c6e9688a", "17cf62b7fd72493d"],
  ["BF16", "1871b9260c43357f", "803a259383d8ad0d"],
  ["Q4_0", "5f7d9c23298699a2", "50f9a787ef3ab58a"],
  ["Q4_1", "d79ee4a89ce43a3e", "4123c3ca871de249"],
  ["Q5_0", "d458979922fcd70e", "74440775f3d2f823"],
  ["Q5_1", "287bdc16540321df", "c313293b1c7281be"],
  ["Q8_0", "a52b77804b73f645", "9ff9f536b2146c92"],
  ["Q2_K", "bcb82e0212cf5e1c", null],
  ["Q3_K", "af41d01bf5771cd3", null],
  ["Q4_K", "d5e7f7e74cae0a68", null],
  ["Q5_K", "ddf51b93bfa6fc48", null],
  ["Q6_K", "26918e16125924a4", null],
  ["TQ1_0", "2782c2c18b52be0e", "589b7e0887249b73"],
  ["TQ2_0", "b328e3e6b02576ed", "d7df0b8a805f81bd"],
];

function hash(array: Float32Array | Uint8Array): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

/** Root of the mean squared error relative to the weights'. */
function loss(codec: BlockCodec, weights: Float32Array): number {
  const back = decodeRows(codec, encodeRows(codec, weights));
  let error = 0;
  let size = 0;
  weights.forEach((w, i) => {
    error += (w - back[i]!) ** 2;
    size += w ** 2;
  });
  return Math.sqrt(error / size);
}

describe("block formats", () => {
  it("every type has its hash", () => {
    assert.deepEqual(
      HASHES.map(([type]) => type),
      BLOCKS.map(({ type }) => type),
    );
  });

  for (const [index, [type, decoded, blocks]] of HASHES.entries()) {
    const codec = blockByType(type)!;
    it(`${type}: decodes as gguf.quants does, bit for bit`, () => {
      const bytes = randomBlocks(codec, COUNT / codec.elements, index);
      assert.equal(hash(decodeRows(codec, bytes)), decoded);
    });
    if (blocks !== null)
      it(`${type}: encodes as gguf.quants does`, () => {
        assert.equal(hash(encodeRows(codec, randomWeights(COUNT, 1))), blocks);
      });
  }

  // what a type of so many bits must reach; gguf.quants does not write these
  for (const [type, most] of [
    ["Q2_K", 0.4],
    ["Q3_K", 0.22],
    ["Q4_K", 0.11],
    ["Q5_K", 0.055],
    ["Q6_K", 0.03],
  ] as const)
    it(`${type}: what the encoder loses`, () => {
      const codec = blockByType(type)!;
      const lost = loss(codec, randomWeights(COUNT, 2));
      assert.ok(lost < most && lost > most / 2, `${lost}`);
      assert.ok(encodeRows(codec, new Float32Array(512)).length === 2 * codec.bytes);
      assert.ok(decodeRows(codec, encodeRows(codec, new Float32Array(512))).every((w) => Math.abs(w) === 0));
    });

  for (const type of ["Q4_0", "Q8_0", "TQ1_0", "TQ2_0"])
    it(`${type}: weight = scale·code`, () => {
      const codec = blockByType(type)!;
      const { low, high, codes } = codec.symmetric!;
      const bytes = randomBlocks(codec, 50, 7);
      const weights = decodeRows(codec, bytes);
      const seen = new Int8Array(codec.elements);
      let [least, most] = [0, 0];
      for (let b = 0; b < 50; b++) {
        const scale = codes(bytes, b * codec.bytes, seen, 0);
        for (let i = 0; i < codec.elements; i++) {
          assert.equal(Math.fround(scale * seen[i]!), weights[b * codec.elements + i]);
          least = Math.min(least, seen[i]!);
          most = Math.max(most, seen[i]!);
        }
      }
      assert.deepEqual([least, most], [low, high]);
    });

  it("ids and names find the same codec, and no unread type has one", () => {
    for (const codec of BLOCKS) assert.equal(blockById(codec.id), blockByType(codec.type));
    for (const [id, [name]] of UNREAD) {
      assert.equal(blockById(id), undefined);
      assert.equal(blockByType(name), undefined);
    }
  });

  it("half precision: every value comes back, ties go to even, too large is infinite", () => {
    const bytes = new Uint8Array(2);
    for (let bits = 0; bits < 65536; bits++) {
      bytes[0] = bits;
      bytes[1] = bits >> 8;
      const value = readHalf(bytes, 0);
      if (!Number.isNaN(value)) assert.equal(halfBits(value), bits);
    }
    const cases: [number, number][] = [
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
      [1 + 2 ** -11 + 2 ** -23, 0x3c01],
      [65519, 0x7bff],
      [65520, 0x7c00],
      [-65520, 0xfc00],
      [2 ** -25, 0],
      [2 ** -25 * 1.5, 1],
      [1023.75 * 2 ** -24, 0x400],
    ];
    for (const [value, bits] of cases) assert.equal(halfBits(value), bits, String(value));
    writeHalf(-0, bytes, 0);
    assert.deepEqual([...bytes], [0, 0x80]);
  });

  it("bfloat16: ties go to even", () => {
    const bytes = new Uint8Array(2);
    for (const [value, back] of [
      [1, 1],
      [1 + 2 ** -8, 1],
      [1 + 3 * 2 ** -8, 1 + 2 ** -6],
      [-(1 + 2 ** -8 + 2 ** -23), -(1 + 2 ** -7)],
    ] as const) {
      writeBfloat(value, bytes, 0);
      assert.equal(readBfloat(bytes, 0), back);
    }
  });
});
