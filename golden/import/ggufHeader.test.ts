/** Headers as written, and every refusal, as the user reads it. */
import assert from "node:assert/strict";
import { accessBytes } from "./access.js";
import { readGgufHeader } from "./ggufHeader.js";
import { type GgufEntry, type GgufTensor, ggufTensor, writeGguf } from "./write/gguf.js";

const KEY: ReadonlyMap<string, GgufEntry> = new Map([["a", { type: "u32", value: 5 }]]);

function tensors(...list: [string, GgufTensor][]): Map<string, GgufTensor> {
  return new Map(list);
}

const zeros = (type: string, ...shape: number[]): GgufTensor =>
  ggufTensor(type, shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));

/** The file, with changes at byte offsets. */
function patched(bytes: Uint8Array, ...changes: [at: number, ...bytes: number[]][]): Uint8Array {
  const copy = bytes.slice();
  for (const [at, ...values] of changes) copy.set(values, at);
  return copy;
}

const parse = (bytes: Uint8Array) => readGgufHeader(accessBytes(bytes, "m.gguf"));

describe("GGUF header", () => {
  // 24 bytes, then key "a" with its value to 41, then tensor "w" to 82, then 14 bytes of padding
  const small = writeGguf(KEY, tensors(["w", zeros("F32", 2, 3)]));

  it("reads what the writer wrote: every kind of value", async () => {
    const metadata = new Map<string, GgufEntry>([
      ["u8", { type: "u8", value: 200 }],
      ["i8", { type: "i8", value: -100 }],
      ["u16", { type: "u16", value: 60000 }],
      ["i16", { type: "i16", value: -30000 }],
      ["u32", { type: "u32", value: 4e9 }],
      ["i32", { type: "i32", value: -2e9 }],
      ["f32", { type: "f32", value: 0.5 }],
      ["f64", { type: "f64", value: 0.1 }],
      ["u64", { type: "u64", value: 2n ** 64n - 1n }],
      ["i64", { type: "i64", value: -5n }],
      ["bool", { type: "bool", value: true }],
      ["string", { type: "string", value: "\uFEFFé日" }],
      ["strings", { type: "strings", value: ["", "\uFEFF", "x"] }],
      ["i32s", { type: "i32s", value: [-1, 2] }],
      ["u32s", { type: "u32s", value: [4e9] }],
      ["f32s", { type: "f32s", value: [] }],
    ]);
    const read = (await parse(writeGguf(metadata, new Map()))).metadata;
    const expected = new Map<string, unknown>([...metadata].map(([key, { value }]) => [key, value]));
    expected.set("i64", -5); // small enough for a number
    for (const key of ["i32s", "u32s", "f32s"])
      expected.set(key, Float64Array.from(metadata.get(key)!.value as readonly number[]));
    assert.deepEqual(read, expected);
  });

  it("places tensors, outermost dimension first, at any alignment", async () => {
    for (const alignment of [8, 32, 4096]) {
      const bytes = writeGguf(
        KEY,
        tensors(["w", zeros("Q8_0", 3, 64)], ["v", zeros("F16", 5)], ["e", zeros("F32", 2, 3, 4)]),
        alignment,
      );
      const [w, v, e] = [...(await parse(bytes)).tensors.values()];
      assert.deepEqual([w!.type, w!.shape, w!.bytes], ["Q8_0", [3, 64], 204]);
      assert.deepEqual([v!.type, v!.shape, v!.bytes], ["F16", [5], 10]);
      assert.deepEqual([e!.type, e!.shape, e!.bytes], ["F32", [2, 3, 4], 96]);
      for (const info of [w!, v!, e!]) assert.equal(info.offset % alignment, 0);
      assert.equal(e!.offset + Math.ceil(96 / alignment) * alignment, bytes.length);
    }
  });

  it("reads a header longer than the first pieces of the file, and no byte of it is lost", async () => {
    const words = Array.from({ length: 200000 }, (_, i) => `word ${i}`);
    const bytes = writeGguf(
      new Map([["words", { type: "strings", value: words }]]),
      tensors(["w", zeros("F32", 3)]),
    );
    const header = await parse(bytes);
    assert.deepEqual(header.metadata.get("words"), words);
    assert.deepEqual([...header.tensors.keys()], ["w"]);
  });

  it("types without a decoder are listed with the reason", async () => {
    const iq4: GgufTensor = { type: 20, shape: [2, 32], bytes: new Uint8Array(36) };
    const unknown: GgufTensor = { type: 99, shape: [7], bytes: new Uint8Array(3) };
    const list = (await parse(writeGguf(KEY, tensors(["a", iq4], ["b", unknown])))).tensors;
    assert.deepEqual(
      [...list.values()].map(({ type, bytes, unsupported }) => [type, bytes, unsupported]),
      [
        ["IQ4_NL", 36, "block type IQ4_NL has no decoder here"],
        ["ggml 99", 0, "block type 99 is not known"],
      ],
    );
  });

  const twice = writeGguf(KEY, tensors(["w", zeros("F32", 8)], ["x", zeros("F32", 8)]));
  const DAMAGED = "The file is damaged or cut off; copy it again.";
  const cases: [string, Uint8Array, string][] = [
    [
      "an empty file",
      new Uint8Array(0),
      `m.gguf, byte 0: the magic number takes 4 bytes but 0 are left in the file. ${DAMAGED}`,
    ],
    [
      "another format",
      patched(small, [0, 88]),
      'm.gguf, byte 0: the file does not begin with "GGUF". Give a GGUF file.',
    ],
    [
      "version 1",
      patched(small, [4, 1]),
      "m.gguf, byte 4: GGUF version 1 is not read. Convert it again with a current convert_hf_to_gguf.py.",
    ],
    [
      "big-endian files",
      patched(small, [4, 0, 0, 0, 3]),
      "m.gguf, byte 4: the file is big-endian. Convert it again with a current convert_hf_to_gguf.py.",
    ],
    [
      "a huge number of tensors",
      patched(small, [15, 1]),
      `m.gguf, byte 8: the number of tensors = 72057594037927937 is too large. ${DAMAGED}`,
    ],
    [
      "more tensors than a model has",
      patched(small, [11, 1]),
      `m.gguf, byte 8: 16777217 tensors are too many. ${DAMAGED}`,
    ],
    [
      "more keys than a model has",
      patched(small, [18, 2]),
      `m.gguf, byte 16: 131073 metadata keys are too many. ${DAMAGED}`,
    ],
    [
      "a key longer than the file",
      patched(small, [24, 255]),
      `m.gguf, byte 32: metadata key 0 takes 255 bytes but ${small.length - 32} are left in the file. ${DAMAGED}`,
    ],
    [
      "a key that is not UTF-8",
      patched(small, [32, 255]),
      `m.gguf, byte 24: metadata key 0 is not UTF-8. ${DAMAGED}`,
    ],
    [
      "a key that would write to the terminal",
      patched(small, [32, 27]),
      `m.gguf, byte 24: metadata key 0 holds characters that cannot be printed. ${DAMAGED}`,
    ],
    [
      "a name longer than names are",
      writeGguf(KEY, tensors(["w".repeat(1025), zeros("F32", 1)])),
      `m.gguf, byte 41: the name of tensor 0 has 1025 bytes. ${DAMAGED}`,
    ],
    [
      "an unknown type of value",
      patched(small, [33, 13]),
      `m.gguf, byte 33: "a" has the unknown type 13. ${DAMAGED}`,
    ],
    [
      "a list of lists",
      patched(small, [33, 9], [37, 9]),
      `m.gguf, byte 37: the elements of "a" have type 9, which is not read. ${DAMAGED}`,
    ],
    [
      "a list longer than the file",
      patched(small, [33, 9], [37, 0], [41, 255, 255]),
      `m.gguf, byte 37: "a" claims 65535 elements but ${small.length - 49} bytes are left in the file. ${DAMAGED}`,
    ],
    [
      "a key that occurs twice",
      writeGguf(new Map([...KEY, ["b", { type: "u32", value: 1 }]]), new Map()).map((byte, at) =>
        at === 49 ? 97 : byte,
      ),
      `m.gguf, byte 41: metadata key "a" occurs twice. ${DAMAGED}`,
    ],
    [
      "no dimension",
      patched(small, [50, 0]),
      `m.gguf, byte 41: tensor "w" has 0 dimensions, not 1 to 4. ${DAMAGED}`,
    ],
    [
      "a dimension of 0",
      patched(small, [54, 0]),
      `m.gguf, byte 41: tensor "w" has a dimension of 0. ${DAMAGED}`,
    ],
    [
      "a product of dimensions that overflows",
      patched(small, [58, 1], [66, 1]),
      `m.gguf, tensor "w", byte 41: its shape [4294967298, 4294967299] overflows. ${DAMAGED}`,
    ],
    [
      "a tensor that is cut off",
      small.subarray(0, 119),
      `m.gguf, tensor "w", byte 96: F32 [2, 3] ends at byte 120 but the file has 119. ${DAMAGED}`,
    ],
    [
      "a tensor behind the end",
      patched(small, [78, 1]),
      `m.gguf, tensor "w", byte 4294967392: F32 [2, 3] ends at byte 4294967416 but the file has 128. ${DAMAGED}`,
    ],
    [
      "an offset off the alignment",
      patched(small, [74 + 1, 0], [74, 1]),
      `m.gguf, tensor "w", byte 41: its offset 1 is not a multiple of the alignment 32. ${DAMAGED}`,
    ],
    [
      "rows that are no whole blocks",
      patched(small, [70, 8]),
      `m.gguf, tensor "w", byte 41: rows of 3 are not whole Q8_0 blocks of 32. ${DAMAGED}`,
    ],
    [
      "an alignment that is none",
      writeGguf(new Map([["general.alignment", { type: "u32", value: 24 }]]), new Map()),
      `m.gguf, byte 0: general.alignment = 24 is not a power of two up to 1 MB. ${DAMAGED}`,
    ],
    [
      "tensors of the same name",
      twice.map((byte, at) => (at === 82 && byte === 120 ? 119 : byte)),
      `m.gguf, tensor "w", byte 74: there are two tensors of this name. ${DAMAGED}`,
    ],
    [
      "tensors that overlap",
      patched(twice, [99, 0]),
      `m.gguf, tensor "x", byte 128: it overlaps tensor "w". ${DAMAGED}`,
    ],
  ];
  for (const [what, bytes, message] of cases)
    it(`refuses ${what}`, () => assert.rejects(parse(bytes), { name: "InputError", message }));

  it("refuses every file that is cut off, whatever the byte", async () => {
    // the padding behind the last tensor may be missing
    for (let length = 0; length < 120; length++)
      await assert.rejects(parse(small.subarray(0, length)), { name: "InputError" }, String(length));
    for (let length = 120; length <= small.length; length++) await parse(small.subarray(0, length));
  });
});
