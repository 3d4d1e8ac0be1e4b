/**
 * AWQ matrices, version "gemm" (casper-hansen/AutoAWQ, awq/modules/linear/gemm.py): qweight int32 [in, out/8], qzeros int32
 * [groups, out/8], scales [groups, out]; the eight 4-bit codes of a word are outputs 0 2 4 6 1 3 5 7, from the low end.
 * weight(o, i) = scale·(code - zero).
 */
import type { QuantizationConfig } from "./config.js";
import { InputError } from "./error.js";
import { checkFinite, toInt32 } from "./numbers.js";
import { type ByteSource, type PackedMatrix, partOf, readable } from "./packed.js";
import { type GroupedCodes, groupedMatrix, transpose } from "./packedGroups.js";

/** Output of each nibble. */
const ORDER = [0, 2, 4, 6, 1, 3, 5, 7];
const SCALES = ["F16", "BF16", "F32"];

export function awqMatrices(
  source: ByteSource,
  { bits = 4, version = "gemm", group_size: groupSize = -1 }: QuantizationConfig,
  file: string,
): Map<string, PackedMatrix> {
  if (bits !== 4)
    throw new InputError(`AWQ with ${bits} bits is not supported`, { file }, "Take a 4-bit model");
  if (version.toLowerCase() !== "gemm")
    throw new InputError(
      `AWQ version "${version}" is not supported`,
      { file },
      'Quantise it with version "GEMM"',
    );
  const matrices = new Map<string, PackedMatrix>();
  for (const name of source.tensors.keys()) {
    if (!name.endsWith(".qweight")) continue;
    const matrix = awqMatrix(source, name.slice(0, -"qweight".length), groupSize);
    matrices.set(matrix.info.name, matrix);
  }
  return matrices;
}

function awqMatrix(source: ByteSource, prefix: string, groupSize: number): PackedMatrix {
  const qweight = partOf(source, `${prefix}qweight`, ["I32"], [-1, -1]);
  const [inputs, outputs] = [qweight.shape[0]!, qweight.shape[1]! * 8];
  const size = groupSize > 0 ? groupSize : inputs;
  const groups = Math.ceil(inputs / size);
  const qzeros = partOf(source, `${prefix}qzeros`, ["I32"], [groups, outputs / 8]);
  const scales = partOf(source, `${prefix}scales`, SCALES, [groups, outputs]);
  const parts = [qweight, qzeros, scales];
  const info = {
    ...readable(qweight),
    name: `${prefix}weight`,
    type: "AWQ-4",
    shape: [outputs, inputs],
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
  };
  const names = parts.map((part) => part.name);
  return groupedMatrix(info, names, async (): Promise<GroupedCodes> => {
    const scale = await source.read(scales.name);
    checkFinite(scale, "scale", () => ({ file: scales.file, tensor: scales.name, offset: scales.offset }));
    const codes = new Int8Array(outputs * inputs);
    unpack(toInt32(await source.bytes(qweight.name)), outputs, (i, o, code) => {
      codes[o * inputs + i] = code;
    });
    const zeros = new Float32Array(outputs * groups);
    unpack(toInt32(await source.bytes(qzeros.name)), outputs, (g, o, zero) => {
      zeros[o * groups + g] = zero;
    });
    const groupOf = Int32Array.from({ length: inputs }, (_, i) => Math.floor(i / size));
    return { low: 0, high: 15, codes, scales: transpose(scale, groups, outputs), zeros, groupOf };
  });
}

function unpack(
  words: Int32Array,
  outputs: number,
  put: (row: number, output: number, code: number) => void,
): void {
  const perRow = outputs / 8;
  for (let at = 0; at < words.length; at++) {
    const row = Math.floor(at / perRow);
    const first = (at % perRow) * 8;
    for (let nibble = 0; nibble < 8; nibble++)
      put(row, first + ORDER[nibble]!, (words[at]! >>> (4 * nibble)) & 15);
  }
}
