/** By range the same as whole; types that are no weights are listed, and only their reading is refused. */
import assert from "node:assert/strict";
import { accessBytes } from "./access.js";
import { writeSafetensors } from "./safetensors.js";
import { SafetensorsSource } from "./safetensorsSource.js";
import type { RandomAccess } from "./source.js";
import { type Written, written } from "./write/huggingface.js";

const values = Float32Array.from({ length: 24 }, (_, i) => (i - 12) / 8);

describe("safetensors by range", () => {
  const file = writeSafetensors(
    new Map<string, Written>([
      ["odd", { dtype: "U8", shape: [3], bytes: Uint8Array.of(1, 2, 3) }], // what follows is not aligned
      ["f32", written("F32", [6, 4], values)],
      ["f16", written("F16", [2, 3, 4], values)],
      ["bf16", written("BF16", [24], values)],
      ["none", written("F32", [0, 4], new Float32Array(0))],
    ]),
    new Map([["format", "pt"]]),
  );
  const open = (bytes = file): Promise<SafetensorsSource> =>
    SafetensorsSource.from(accessBytes(bytes, "m.st"));

  it("rows of every float type; a vector is one row", async () => {
    const source = await open();
    assert.equal(source.metadata.get("format"), "pt");
    assert.deepEqual(await source.read("f32"), values);
    assert.deepEqual(await source.read("f32", 2, 3), values.slice(8, 20));
    assert.deepEqual(await source.read("f16", 1, 1), values.slice(12));
    assert.deepEqual(await source.read("bf16"), values);
    assert.equal((await source.read("none")).length, 0);
    assert.deepEqual([...(await source.bytes("odd"))], [1, 2, 3]);
    assert.equal(await source.codes("f32"), null);
    await assert.rejects(source.read("f32", 5, 2), {
      name: "RangeError",
      message: /rows 5 to 7 of "f32" are outside 0 to 6/,
    });
  });

  it("lists what it does not read", async () => {
    const source = await open();
    assert.equal(source.tensors.get("odd")!.unsupported, "type U8 alone is not read as weights");
    await assert.rejects(source.read("odd"), {
      name: "InputError",
      message:
        /^m\.st, tensor "odd", byte \d+: type U8 alone is not read as weights\. Export the model in F32, F16 or BF16\.$/,
    });
    await assert.rejects(source.read("wat"), /^InputError: m\.st, tensor "wat": the tensor is missing/);
  });

  it("names the byte of an infinite weight", async () => {
    const bytes = file.slice();
    const { offset } = (await open()).tensors.get("f32")!;
    new DataView(bytes.buffer).setFloat32(offset + 4 * 9, -Infinity, true);
    const source = await open(bytes);
    assert.equal((await source.read("f32", 0, 2)).length, 8);
    await assert.rejects(source.read("f32", 2, 1), {
      message: new RegExp(`^m\\.st, tensor "f32", byte ${offset + 36}: weight 1 is -Infinity\\.`),
    });
  });

  it("closes the file when the header is refused, and asks for no more than the header", async () => {
    let closed = 0;
    let asked = 0;
    const spied = (bytes: Uint8Array, size = bytes.length): RandomAccess => {
      const inner = accessBytes(bytes, "m.st");
      return {
        file: "m.st",
        size,
        read: (at, length) => {
          asked += length;
          return inner.read(at, length);
        },
        close: async () => {
          closed++;
        },
      };
    };
    const huge = new Uint8Array(16);
    new DataView(huge.buffer).setBigUint64(0, 200_000_000n, true);
    await assert.rejects(
      SafetensorsSource.from(spied(huge, 2 ** 40)),
      /the header claims 200000000 bytes, more than 100000000/,
    );
    await assert.rejects(
      SafetensorsSource.from(spied(huge)),
      /the header claims 200000000 bytes but 8 follow/,
    );
    assert.deepEqual([closed, asked], [2, 16]);
    await SafetensorsSource.from(spied(file));
    assert.deepEqual([closed, asked], [2, 16 + (await open()).tensors.get("odd")!.offset]);
  });
});
