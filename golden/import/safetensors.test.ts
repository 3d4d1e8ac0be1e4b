/** Round trips and every refusal, as the user reads it. */
import assert from "node:assert/strict";
import { InputError } from "./error.js";
import { type Dtype, floatsOf, readSafetensors, tensorOf, writeSafetensors } from "./safetensors.js";

function tensor(dtype: Dtype, shape: number[], ...bytes: number[]) {
  return { dtype, shape, bytes: Uint8Array.from(bytes) };
}

/** A file with this header text and this many bytes behind it. */
function file(header: string, buffer = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + text.length + buffer);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  return out;
}

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof InputError);
    return error.message;
  }
  return "nothing was refused";
}

describe("safetensors", () => {
  const good = writeSafetensors(
    new Map([
      ["a", tensor("U8", [3], 1, 2, 3)],
      ["b", tensor("F32", [1, 2], 0, 0, 128, 63, 0, 0, 0, 192)],
    ]),
    new Map([["dim", "64"]]),
  );

  it("reads what it writes, at any alignment", () => {
    const shifted = new Uint8Array(good.length + 1);
    shifted.set(good, 1);
    for (const bytes of [good, shifted.subarray(1)]) {
      const read = readSafetensors(bytes, "m.safetensors");
      assert.deepEqual([...read.tensors.keys()], ["a", "b"]);
      assert.equal(read.metadata.get("dim"), "64");
      assert.deepEqual([...tensorOf(read, "a", "U8", [3]).bytes], [1, 2, 3]);
      assert.deepEqual([...floatsOf(read, "b", [1, 2])], [1, -2]);
      assert.equal(read.tensors.get("a")!.offset % 8, 0);
    }
  });

  const entry = (more: object): string =>
    JSON.stringify({ w: { dtype: "U8", shape: [2, 2], data_offsets: [0, 4], ...more } });
  const cases: [string, Uint8Array, string][] = [
    [
      "a file without a header",
      new Uint8Array(5),
      "m.safetensors, byte 0: the file has 5 bytes, a header length takes 8. Copy or export the file again.",
    ],
    [
      "a header longer than the file",
      good.subarray(0, 40),
      `m.safetensors, byte 0: the header claims ${good.length - 19} bytes but 32 follow. Check that this is a safetensors file and not cut off.`,
    ],
    [
      "a header that is no object",
      file("[1]"),
      "m.safetensors, byte 8: the header is not a JSON object. Copy or export the file again.",
    ],
    [
      "an unknown dtype",
      file(entry({ dtype: "F4" }), 4),
      'm.safetensors, tensor "w", byte 8: dtype "F4" is not read. Export it as one of F32, F16, BF16, I32, I16, I8, U8.',
    ],
    [
      "a prototype's name as dtype",
      file(entry({ dtype: "toString" }), 4),
      'm.safetensors, tensor "w", byte 8: dtype "toString" is not read. Export it as one of F32, F16, BF16, I32, I16, I8, U8.',
    ],
    [
      "a shape that is none",
      file(entry({ shape: [2, -2] }), 4),
      'm.safetensors, tensor "w", byte 8: shape [2,-2] is not a list of sizes. Copy or export the file again.',
    ],
    [
      "offsets that are none",
      file(entry({ data_offsets: [0] }), 4),
      'm.safetensors, tensor "w", byte 8: data_offsets [0] are not two offsets. Copy or export the file again.',
    ],
    [
      "offsets that do not fit the shape",
      file(entry({ data_offsets: [0, 3] }), 4),
      'm.safetensors, tensor "w", byte 63: U8 [2, 2] takes 4 bytes but data_offsets give 3. Copy or export the file again.',
    ],
    [
      "a buffer that is cut off",
      file(entry({}), 3),
      'm.safetensors, tensor "w", byte 63: it ends at byte 67 but the file has 66. The file is cut off; copy it again.',
    ],
    [
      "tensors that overlap",
      file(entry({}).replace("{", '{"v":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},'), 4),
      'm.safetensors, tensor "v", byte 116: it overlaps tensor "w". Copy or export the file again.',
    ],
  ];
  for (const [what, bytes, message] of cases) {
    it(`refuses ${what}`, () => {
      assert.equal(
        refusal(() => readSafetensors(bytes, "m.safetensors")),
        message,
      );
    });
  }

  it("refuses a header that is not JSON", () => {
    assert.match(
      refusal(() => readSafetensors(file("{oops"), "m.safetensors")),
      /^m\.safetensors, byte 8: the header is not JSON \(.*\)\. Copy or export the file again\.$/,
    );
  });

  it("refuses a tensor that is missing, or of another kind than expected", () => {
    const read = readSafetensors(good, "m.safetensors");
    assert.equal(
      refusal(() => tensorOf(read, "c", "U8", [3])),
      'm.safetensors, tensor "c": the tensor is missing. Check that the file is a model of the expected kind.',
    );
    assert.equal(
      refusal(() => tensorOf(read, "a", "I8", [4])),
      `m.safetensors, tensor "a", byte ${good.length - 11}: expected I8 [4], found U8 [3]. The metadata and the tensors must agree; export again.`,
    );
  });
});
