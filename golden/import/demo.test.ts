/** A demo file written from a random model reads back as that model; every lie in one is found. */
import assert from "node:assert/strict";
import { generate, IntegerState } from "../model/integer.js";
import { GAIN_EXPONENT, randomModel } from "../model/random.js";
import type { QuantisedMatrix } from "../model/types.js";
import { MATRICES } from "../quantise/round.js";
import { readDemo } from "./demo.js";
import { type Dtype, writeSafetensors } from "./safetensors.js";

const SHAPE = { dim: 32, hidden: 40, layers: 2, heads: 2, kvHeads: 1, headDim: 16, vocab: 20, context: 16 };
const MODEL = randomModel(SHAPE, 3);
const SPARSE = randomModel(SHAPE, 4, { format: "N24" });

interface Entry {
  dtype: Dtype;
  shape: number[];
  bytes: Uint8Array;
}

function floats(values: readonly number[]): Entry {
  return { dtype: "F32", shape: [values.length], bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/** Byte of four codes of which two are kept: the format's encoder in one line. */
function quadByte(codes: Int8Array): number {
  const kept = [...codes.keys()].filter((i) => codes[i] !== 0);
  return kept.reduce(
    (byte, column, k) => byte | (((codes[column]! + 3) / 2) << (2 * k)) | (column << (4 + 2 * k)),
    0,
  );
}

function demoFile(
  change: (tensors: Map<string, Entry>, metadata: Map<string, string>) => void = () => {},
  model = MODEL,
): Uint8Array {
  const tensors = new Map<string, Entry>();
  const addMatrix = (name: string, matrix: QuantisedMatrix): void => {
    const { rows, cols, codes } = matrix;
    if (matrix.format === "N24") {
      const quads = { length: (rows * cols) / 4 };
      const bytes = Uint8Array.from(quads, (_, q) => quadByte(codes.subarray(4 * q, 4 * q + 4)));
      tensors.set(`${name}.quad`, { dtype: "U8", shape: [rows, cols / 4], bytes });
    } else {
      const [dtype, bytes] =
        matrix.format === "W2"
          ? (["U8", Uint8Array.from(codes, (c) => (c + 3) / 2)] as const)
          : (["I8", new Uint8Array(codes.buffer.slice(0))] as const);
      tensors.set(`${name}.code`, { dtype, shape: [rows, cols], bytes });
    }
    tensors.set(`${name}.mantissa`, {
      dtype: "U8",
      shape: [rows, Math.ceil(cols / 32)],
      bytes: matrix.mantissas.slice(),
    });
    tensors.set(`${name}.exponent`, { dtype: "U8", shape: [rows], bytes: matrix.exponents.slice() });
  };
  addMatrix("embedding", model.embedding);
  const gain = (g: Int16Array): Entry => floats(Array.from(g, (v) => v / 2 ** GAIN_EXPONENT));
  tensors.set("final_norm", gain(model.finalGain));
  model.layers.forEach((layer, l) => {
    for (const name of MATRICES) addMatrix(`layers.${l}.${name}`, layer[name]);
    tensors.set(`layers.${l}.attention_norm`, gain(layer.attentionGain));
    tensors.set(`layers.${l}.ffn_norm`, gain(layer.ffnGain));
    tensors.set(`layers.${l}.k_mean`, floats(Array.from(layer.kMean, (v) => v / 2 ** 14)));
  });
  const same = [1.5, 1.5];
  const metadata = new Map(
    Object.entries({
      ...{ dim: "32", hidden: "40", layers: "2", heads: "2", kv_heads: "1", vocab: "20", context: "16" },
      ...{ theta: "10000", eps: "1e-5", residual_max: "14" },
      ranges: JSON.stringify({ q: same, k: [20, 20], v: [20, 20], gate: same, up: same, act: [8, 8] }),
    }),
  );
  const format = model.layers[0]!.q.format;
  if (format !== "W2") metadata.set("weight_format", format);
  change(tensors, metadata);
  return writeSafetensors(tensors, metadata);
}

describe("demo model files", () => {
  it("read back as the model they were written from", () => {
    const { model, rounded } = readDemo(demoFile(), "demo.safetensors");
    assert.deepEqual(model.shape, SHAPE);
    assert.deepEqual(model.embedding, MODEL.embedding);
    for (const [l, layer] of model.layers.entries()) {
      for (const name of MATRICES) assert.deepEqual(layer[name], MODEL.layers[l]![name]);
      assert.deepEqual(layer.kMean, MODEL.layers[l]!.kMean); // 14 fraction bits for a range of 20
    }
    assert.deepEqual(model.ropeIncrements, MODEL.ropeIncrements);
    assert.deepEqual([model.residualFraction, model.sinks, model.window], [25, 0, 16]);
    const { codes, mantissas, exponents } = model.layers[1]!.down;
    assert.equal(rounded.float.layers[1]!.down[39], (codes[39]! * mantissas[1]!) / 2 ** exponents[0]!);
    // other binary points than the random model's, but the same function
    assert.deepEqual(generate(new IntegerState(model), [4], 8), generate(new IntegerState(MODEL), [4], 8));
  });

  it("read 2:4 weights back, four in a byte", () => {
    const { model, rounded } = readDemo(demoFile(undefined, SPARSE), "n24.safetensors");
    for (const [l, layer] of model.layers.entries())
      for (const name of MATRICES) assert.deepEqual(layer[name], SPARSE.layers[l]![name]);
    assert.equal(rounded.float.layers[0]!.up.filter((w) => w === 0).length, (40 * 32) / 2);
    assert.deepEqual(generate(new IntegerState(model), [4], 8), generate(new IntegerState(SPARSE), [4], 8));
  });

  it("refuse 2:4 weights that name a column twice or descend", () => {
    for (const [byte, message] of [
      [
        0b01_01_00_00,
        /^d, tensor "layers\.0\.k\.quad", byte \d+: byte 80: column 1 is not above column 1 in 2:4/,
      ],
      [0b00_11_00_00, /byte 48: column 0 is not above column 3/],
    ] as const) {
      const file = demoFile((t) => t.get("layers.0.k.quad")!.bytes.set([byte], 5), SPARSE);
      assert.throws(() => readDemo(file, "d"), { name: "InputError", message });
    }
  });

  const cases: [string, Parameters<typeof demoFile>[0], RegExp][] = [
    [
      "a range that no fixed-point format holds",
      (_, m) => m.set("residual_max", "1e12"),
      /^d: the residual stream reaches 1000000000000, too much for its width\. Export the model again/,
    ],
    [
      "a missing tensor",
      (t) => t.delete("layers.1.up.code"),
      /tensor "layers\.1\.up\.code": the tensor is missing/,
    ],
    [
      "a code beyond two bits",
      (t) => t.get("layers.0.k.code")!.bytes.set([4], 70),
      /^d, tensor "layers\.0\.k\.code", byte \d+: code 4 is not in 0\.\.3\. Export the model again with golden\/demo\/train\.$/,
    ],
    [
      "an embedding code beyond four bits",
      (t) => t.get("embedding.code")!.bytes.set([9], 3),
      /tensor "embedding\.code", byte \d+: code 9 is not in -8\.\.7/,
    ],
    [
      "an exponent beyond 31",
      (t) => t.get("layers.0.o.exponent")!.bytes.set([32]),
      /exponent 32 is not in 0\.\.31/,
    ],
    [
      "a shape that is not the metadata's",
      (_, m) => m.set("hidden", "72"),
      /tensor "layers\.0\.gate\.code", byte \d+: expected U8 \[72, 32\], found U8 \[40, 32\]/,
    ],
    [
      "a weight format that it does not know",
      (_, m) => m.set("weight_format", "N18"),
      /metadata weight_format = "N18" is none of W2, N24/,
    ],
    ["missing metadata", (_, m) => m.delete("theta"), /^d, byte 8: the metadata lack "theta"/],
    [
      "metadata that are no numbers",
      (_, m) => m.set("eps", "tiny"),
      /metadata eps = "tiny" is no positive number/,
    ],
    [
      "a fraction of a layer",
      (_, m) => m.set("layers", "1.5"),
      /metadata layers = "1\.5" is no whole number/,
    ],
    ["heads that do not divide", (_, m) => m.set("heads", "3"), /dim 32, heads 3, kv_heads 1 do not divide/],
    ["ranges that are not JSON", (_, m) => m.set("ranges", "{"), /metadata ranges are not JSON/],
    [
      "ranges of too few layers",
      (_, m) => m.set("ranges", '{"q":[1]}'),
      /metadata ranges\.q are not 2 numbers, one per layer/,
    ],
  ];
  for (const [what, change, message] of cases) {
    it(`refuse ${what}`, () => {
      assert.throws(() => readDemo(demoFile(change), "d"), { name: "InputError", message });
    });
  }
});
