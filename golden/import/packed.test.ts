/** GPTQ, AWQ and BitNet: words packed by hand, whole models through each, and what is refused. */
import assert from "node:assert/strict";
import { llama } from "../model/architecture.js";
import { accessBytes } from "./access.js";
import { awqMatrices } from "./awq.js";
import { bitnetMatrices } from "./bitnet.js";
import type { QuantizationConfig } from "./config.js";
import { gptqMatrices } from "./gptq.js";
import { openModel } from "./model.js";
import type { ByteSource, PackedMatrix } from "./packed.js";
import { writeSafetensors } from "./safetensors.js";
import { SafetensorsSource } from "./safetensorsSource.js";
import { TemporaryFolder } from "./write/folder.js";
import { type Pack, type Written, writeHuggingFace, written } from "./write/huggingface.js";
import { awq, bitnet, gptq } from "./write/packed.js";
import { randomFloatModel } from "./write/random.js";

const words = (shape: number[], ...values: number[]): Written => ({
  dtype: "I32",
  shape,
  bytes: new Uint8Array(Int32Array.from(values).buffer),
});
const halves = (shape: number[], ...values: number[]): Written =>
  written("F16", shape, Float32Array.from(values));

async function sourceOf(tensors: Record<string, Written>): Promise<ByteSource> {
  const bytes = writeSafetensors(new Map(Object.entries(tensors)));
  return SafetensorsSource.from(accessBytes(bytes, "m.safetensors"));
}

type Reader = (source: ByteSource, settings: QuantizationConfig, file: string) => Map<string, PackedMatrix>;
async function matrix(
  reader: Reader,
  tensors: Record<string, Written>,
  settings: QuantizationConfig,
): Promise<PackedMatrix> {
  return reader(await sourceOf(tensors), settings, "config.json").get("x.weight")!;
}

describe("packed matrices", () => {
  it("GPTQ 2-bit, v1 and v2: sixteen inputs in a word, zeros one less in v1", async () => {
    // 16 outputs; output 0 has inputs 0 1 2 3 0 1 2 3 ..., the others 0
    const tensors = {
      "x.qweight": words([1, 16], 0xe4e4e4e4 | 0, ...new Array<number>(15).fill(0)),
      "x.qzeros": words([2, 1], 0x00000001, 0x00000002),
      "x.scales": halves([2, 16], 0.5, ...new Array<number>(15).fill(1), 2, ...new Array<number>(15).fill(1)),
      "x.g_idx": words([16], ...Array.from({ length: 16 }, (_, i) => Math.floor(i / 8))),
    };
    const settings = { bits: 2, group_size: 8, checkpoint_format: "gptq" };
    const v1 = await matrix(gptqMatrices, tensors, settings);
    assert.deepEqual([v1.info.type, v1.info.shape, v1.info.unsupported], ["GPTQ-2", [16, 16], undefined]);
    const row = await v1.read(0, 1);
    assert.deepEqual([...row.subarray(0, 4)], [-1, -0.5, 0, 0.5]); // 0.5·(q - 2)
    assert.deepEqual([...row.subarray(8, 12)], [-6, -4, -2, 0]); // 2·(q - 3)
    assert.deepEqual([...(await v1.read(1, 1)).subarray(0, 2)], [-1, -1]); // stored zero 0 means 1
    const v2 = await matrix(gptqMatrices, tensors, { ...settings, checkpoint_format: "gptq_v2" });
    assert.deepEqual([...(await v2.read(0, 1)).subarray(0, 4)], [-0.5, 0, 0.5, 1]);
    const stored = await v2.codes();
    assert.deepEqual([stored!.low, stored!.high, stored!.group], [0, 3, 8]);
    assert.deepEqual([...stored!.codes.subarray(0, 5)], [0, 1, 2, 3, 0]);
    assert.deepEqual([...stored!.zeros!.subarray(0, 3)], [1, 2, 0]); // output 0: groups 0, 1; then output 1
  });

  it("GPTQ, symmetric: the stored zeros tell the format whatever the label", async () => {
    for (const [zero, label] of [
      [0x77777777, "gptq"],
      [0x88888888 | 0, "gptq"],
      [0x88888888 | 0, "gptq_v2"],
    ] as const) {
      const tensors = {
        "x.qweight": words([1, 8], ...new Array<number>(8).fill(0x98765432 | 0)),
        "x.qzeros": words([1, 1], zero),
        "x.scales": halves([1, 8], ...new Array<number>(8).fill(1)),
      };
      const m = await matrix(gptqMatrices, tensors, {
        bits: 4,
        group_size: -1,
        sym: true,
        checkpoint_format: label,
      });
      assert.deepEqual([...(await m.read(7, 1))], [-6, -5, -4, -3, -2, -1, 0, 1]);
    }
  });

  it("GPTQ 3-bit: values 10 and 21 cross words", async () => {
    let stream = 0n;
    for (let i = 0; i < 32; i++) stream |= BigInt((i * 5) % 8) << BigInt(3 * i);
    const word = (n: number): number => Number(BigInt.asIntN(32, stream >> BigInt(32 * n)));
    const tensors = {
      "x.qweight": words([3, 32], ...[0, 1, 2].flatMap((n) => new Array<number>(32).fill(word(n)))),
      "x.qzeros": words([1, 3], word(0), word(1), word(2)),
      "x.scales": halves([1, 32], ...new Array<number>(32).fill(1)),
    };
    const m = await matrix(gptqMatrices, tensors, { bits: 3, group_size: 32, checkpoint_format: "gptq_v2" });
    const zero = (21 * 5) % 8;
    assert.deepEqual(
      [...(await m.read(21, 1))],
      Array.from({ length: 32 }, (_, i) => ((i * 5) % 8) - zero),
    );
  });

  it("AWQ: outputs of a word in the order 0 2 4 6 1 3 5 7", async () => {
    const tensors = {
      "x.qweight": words([2, 1], 0x75316420, 0x11111111),
      "x.qzeros": words([1, 1], 0x00000010), // output 2 has zero 1
      "x.scales": halves([1, 8], ...new Array<number>(8).fill(0.5)),
    };
    const m = await matrix(awqMatrices, tensors, { bits: 4, group_size: 2 });
    assert.deepEqual(
      [...(await m.read(0, 8))].filter((_, i) => i % 2 === 0),
      [0, 0.5, 0.5, 1.5, 2, 2.5, 3, 3.5],
    );
    assert.deepEqual([...(await m.read(2, 1))], [0.5, 0]);
  });

  it("BitNet: rows a quarter apart in a byte; both senses of the scale; master weights", async () => {
    const tensors = {
      "l.q_proj.weight": {
        dtype: "U8",
        shape: [1, 2],
        bytes: Uint8Array.of(0b00_01_10_00, 0b10_00_01_01),
      } as const,
      "l.q_proj.weight_scale": written("F32", [1], Float32Array.of(4)),
    };
    const source = await sourceOf(tensors);
    const read = async (settings: QuantizationConfig): Promise<number[]> => [
      ...(await bitnetMatrices(source, settings, "config.json").get("l.q_proj.weight")!.read(0, 4)),
    ];
    const signs = [-1, 0, 1, 0, 0, -1, -1, 1];
    assert.deepEqual(
      await read({ linear_class: "autobitlinear" }),
      signs.map((s) => 4 * s),
    );
    assert.deepEqual(
      await read({ linear_class: "bitlinear" }),
      signs.map((s) => s / 4),
    );
    const matrices = bitnetMatrices(source, {}, "config.json");
    assert.deepEqual([...(await matrices.get("l.q_proj.weight")!.read(1, 2))], [1 / 4, 0, 0, -1 / 4]);
    const stored = (await matrices.get("l.q_proj.weight")!.codes())!;
    assert.deepEqual(
      [[...stored.codes], stored.group, [...stored.scales]],
      [signs, 2, [0.25, 0.25, 0.25, 0.25]],
    );

    const master = await sourceOf({
      "l.up_proj.weight": written("F32", [2, 2], Float32Array.of(1, -3, 0.25, 0.75)),
    });
    const online = bitnetMatrices(
      master,
      { linear_class: "autobitlinear", quantization_mode: "online" },
      "c",
    );
    // the mean magnitude is 1.25
    assert.deepEqual([...(await online.get("l.up_proj.weight")!.read(0, 2))], [1.25, -1.25, 0, 1.25]);
  });

  const base = {
    "x.qweight": words([1, 8], ...new Array<number>(8).fill(0)),
    "x.qzeros": words([1, 1], 0),
    "x.scales": halves([1, 8], ...new Array<number>(8).fill(1)),
  };
  const refusals: [string, Reader, Record<string, Written>, QuantizationConfig, RegExp][] = [
    [
      "five bits",
      gptqMatrices,
      base,
      { bits: 5 },
      /^config\.json: GPTQ with 5 bits is not supported\. Take 2, 3, 4 or 8 bits\.$/,
    ],
    ["AWQ of three bits", awqMatrices, base, { bits: 3 }, /AWQ with 3 bits is not supported/],
    ["AWQ for another kernel", awqMatrices, base, { version: "GEMV" }, /AWQ version "GEMV" is not supported/],
    [
      "scales of another group size",
      gptqMatrices,
      base,
      { bits: 4, group_size: 4 },
      /^m\.safetensors, tensor "x\.qzeros", byte \d+: expected I32 \[2, 1\], found I32 \[1, 1\]/,
    ],
    [
      "a group that is not there",
      gptqMatrices,
      { ...base, "x.g_idx": words([8], 0, 0, 0, 0, 0, 7, 0, 0) },
      { bits: 4 },
      /tensor "x\.g_idx", byte \d+: input 5 is in group 7 of 1\. Download the model again\.$/,
    ],
    [
      "a scale that is no number",
      gptqMatrices,
      { ...base, "x.scales": halves([1, 8], 1, 1, Number.NaN, 1, 1, 1, 1, 1) },
      { bits: 4 },
      /tensor "x\.scales", byte \d+: weight 2 is NaN/,
    ],
    [
      "scales that are missing",
      gptqMatrices,
      { "x.qweight": base["x.qweight"], "x.qzeros": base["x.qzeros"] },
      { bits: 4 },
      /^m\.safetensors, tensor "x\.scales": the tensor is missing beside the others of its matrix/,
    ],
    [
      "a code of 3 in ternary weights",
      bitnetMatrices,
      {
        "x.q_proj.weight": { dtype: "U8", shape: [1, 2], bytes: Uint8Array.of(0, 0b1100) },
        "x.q_proj.weight_scale": written("F32", [1], Float32Array.of(1)),
      },
      {},
      /tensor "x\.q_proj\.weight", byte \d+: bits 2 and 3 hold 3, which is no ternary weight/,
    ],
    [
      "a norm before every matrix",
      bitnetMatrices,
      {},
      { use_rms_norm: true },
      /use_rms_norm: a norm before every matrix/,
    ],
    [
      "a class that is not known",
      bitnetMatrices,
      {},
      { linear_class: "wat" },
      /linear_class "wat" is not known/,
    ],
  ];
  for (const [what, reader, tensors, settings, message] of refusals)
    it(`refuse ${what}`, async () => {
      const read = async (): Promise<void> => {
        const matrices = reader(await sourceOf(tensors), settings, "config.json");
        for (const m of matrices.values()) await m.read(0, m.info.shape[0]!);
      };
      await assert.rejects(read, { name: "InputError", message });
    });
});

describe("packed models", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());
  const shape = { dim: 64, hidden: 96, layers: 1, heads: 4, kvHeads: 2, headDim: 16, vocab: 40, context: 24 };
  const model = randomFloatModel(llama(1e-5, 10000), 4, shape);

  const kinds: [string, Pack, QuantizationConfig, string, number][] = [
    ...[2, 3, 4, 8].map((bits): [string, Pack, QuantizationConfig, string, number] => [
      `GPTQ ${bits}-bit`,
      gptq({ bits, group: 32 }),
      { quant_method: "gptq", bits, group_size: 32 },
      `GPTQ-${bits}`,
      1 / (2 ** bits - 1),
    ]),
    [
      "GPTQ 4-bit, v2, act-order",
      gptq({ bits: 4, group: 32, format: "gptq_v2", mixed: true }),
      { quant_method: "gptq", bits: 4, group_size: 32, desc_act: true, checkpoint_format: "gptq_v2" },
      "GPTQ-4",
      1 / 15,
    ],
    ["AWQ", awq(32), { quant_method: "awq", bits: 4, group_size: 32, version: "gemm" }, "AWQ-4", 1 / 15],
  ];
  for (const [name, pack, settings, type, step] of kinds)
    it(`${name}: weights within a step, codes that mean the same, zero biases left out`, async () => {
      const folder = temporary.folder(
        writeHuggingFace(model, { pack, config: { quantization_config: settings } }),
      );
      const { source } = await openModel(folder);
      assert.equal(source.tensors.get("layers.0.q")!.type, type);
      for (const role of ["q", "k", "o", "down"] as const) {
        const values = await source.read(`layers.0.${role}`);
        const original = model.layers[0]![role];
        const widest = original.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        for (const [i, v] of values.entries())
          assert.ok(
            Math.abs(v - original[i]!) <= 2.1 * widest * step,
            `${role}[${i}]: ${v} for ${original[i]}`,
          );
        assert.deepEqual(
          await source.read(`layers.0.${role}`, 3, 5),
          values.slice(
            3 * (values.length / source.tensors.get(`layers.0.${role}`)!.shape[0]!),
            8 * (values.length / source.tensors.get(`layers.0.${role}`)!.shape[0]!),
          ),
        );
        const stored = await source.codes(`layers.0.${role}`);
        if (name.includes("act-order")) assert.equal(stored, null);
        else
          assert.deepEqual(
            Float32Array.from(stored!.codes, (code, i) => {
              const g = Math.floor(i / stored!.group);
              return stored!.scales[g]! * (code - stored!.zeros![g]!);
            }),
            values,
          );
      }
      await source.close();
    });

  for (const kind of ["autobitlinear", "bitlinear"] as const)
    it(`BitNet ${kind}: ternary codes of permuted rows`, async () => {
      const settings = { quant_method: "bitnet", linear_class: kind, quantization_mode: "offline" };
      const folder = temporary.folder(
        writeHuggingFace(model, { pack: bitnet(kind), config: { quantization_config: settings } }),
      );
      const { source } = await openModel(folder);
      const q = model.layers[0]!.q;
      const mean = q.reduce((sum, v) => sum + Math.abs(v), 0) / q.length;
      const stored = (await source.codes("layers.0.q"))!;
      assert.deepEqual(
        stored.codes,
        Int8Array.from(q, (v) => Math.max(-1, Math.min(1, Math.round(v / mean)))),
      );
      assert.ok(stored.scales.every((scale) => Math.abs(scale / mean - 1) < 1e-6));
      await source.close();
    });

  it("a bias that is not zero is refused, for the model has no place for it", async () => {
    const pack: Pack = (values, rows, cols) => {
      const tensors = new Map(gptq({ bits: 4, group: 32 })(values, rows, cols));
      return tensors.set("bias", written("F16", [rows], new Float32Array(rows).fill(1)));
    };
    const settings = { quant_method: "gptq", bits: 4, group_size: 32 };
    const folder = temporary.folder(
      writeHuggingFace(model, { pack, config: { quantization_config: settings } }),
    );
    await assert.rejects(openModel(folder), {
      name: "InputError",
      message:
        /tensor "model\.layers\.0\.\S+\.bias", byte \d+: the model has no place for this tensor \(and 6 more/,
    });
  });
});
