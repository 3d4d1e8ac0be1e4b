/**
 * GPTQ matrices (AutoGPTQ/AutoGPTQ, auto_gptq/nn_modules/qlinear/qlinear_cuda_old.py; ModelCloud/GPTQModel): qweight int32
 * [in·bits/32, out] packed along the inputs, qzeros int32 [groups, out·bits/32] packed along the outputs, scales [groups, out],
 * g_idx int32 [in]. Each column (row of qzeros) is one little-endian stream of bits, 3-bit values crossing words.
 * weight(o, i) = scale·(code - zero).
 *
 * Format "gptq" (v1) stores zero - 1, "gptq_v2" the zero. Some writers label v2 zeros "gptq" (vllm PR 38966): where the model is
 * symmetric every zero must be 2^(bits-1), which tells the two apart whatever the label says.
 */
import type { QuantizationConfig } from "./config.js";
import { InputError } from "./error.js";
import { checkFinite, toInt32 } from "./numbers.js";
import { type ByteSource, type PackedMatrix, partOf, readable } from "./packed.js";
import { codeRange, type GroupedCodes, groupedMatrix, transpose } from "./packedGroups.js";

const BITS = [2, 3, 4, 8];
const SCALES = ["F16", "BF16", "F32"];

/** Every matrix `P.weight` that lies as P.qweight, P.qzeros, P.scales and P.g_idx. */
export function gptqMatrices(
  source: ByteSource,
  settings: QuantizationConfig,
  file: string,
): Map<string, PackedMatrix> {
  const { bits = 4, desc_act: reordered = false } = settings;
  if (!BITS.includes(bits))
    throw new InputError(`GPTQ with ${bits} bits is not supported`, { file }, "Take 2, 3, 4 or 8 bits");
  const matrices = new Map<string, PackedMatrix>();
  for (const name of source.tensors.keys()) {
    if (!name.endsWith(".qweight")) continue;
    const prefix = name.slice(0, -"qweight".length);
    const matrix = gptqMatrix(source, prefix, { ...settings, bits, desc_act: reordered });
    matrices.set(matrix.info.name, matrix);
  }
  return matrices;
}

function gptqMatrix(
  source: ByteSource,
  prefix: string,
  settings: QuantizationConfig & { readonly bits: number },
): PackedMatrix {
  const { bits, group_size: groupSize = -1 } = settings;
  const qweight = partOf(source, `${prefix}qweight`, ["I32"], [-1, -1]);
  const inputs = (qweight.shape[0]! * 32) / bits;
  const outputs = qweight.shape[1]!;
  if (!Number.isInteger(inputs) || (outputs * bits) % 32 !== 0)
    throw new InputError(
      `[${qweight.shape.join(", ")}] words do not hold whole rows of ${bits}-bit codes`,
      { file: qweight.file, tensor: qweight.name, offset: qweight.offset },
      "The number of bits in config.json and the tensors must agree",
    );
  const groups = Math.ceil(inputs / (groupSize > 0 ? groupSize : inputs));
  const qzeros = partOf(source, `${prefix}qzeros`, ["I32"], [groups, (outputs * bits) / 32]);
  const scales = partOf(source, `${prefix}scales`, SCALES, [groups, outputs]);
  const index = source.tensors.has(`${prefix}g_idx`)
    ? partOf(source, `${prefix}g_idx`, ["I32"], [inputs])
    : null;
  const parts = [qweight, qzeros, scales, ...(index ? [index] : [])];
  const info = {
    ...readable(qweight),
    name: `${prefix}weight`,
    type: `GPTQ-${bits}`,
    shape: [outputs, inputs],
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
  };
  const names = parts.map((part) => part.name);
  return groupedMatrix(info, names, async (): Promise<GroupedCodes> => {
    const { low, high } = codeRange(bits);
    const scale = await source.read(scales.name);
    checkFinite(scale, "scale", () => ({ file: scales.file, tensor: scales.name, offset: scales.offset }));
    const zeros = unpackZeros(toInt32(await source.bytes(qzeros.name)), outputs, settings);
    return {
      low,
      high,
      codes: unpackColumns(toInt32(await source.bytes(qweight.name)), outputs, inputs, bits, low),
      scales: transpose(scale, groups, outputs),
      zeros: transpose(
        zeros.map((zero) => zero + low),
        groups,
        outputs,
      ),
      groupOf: await groupsOfInputs(source, index?.name ?? null, inputs, groups, groupSize),
    };
  });
}

/** Codes [outputs, inputs] from words [inputs·bits/32, outputs]. */
function unpackColumns(
  words: Int32Array,
  outputs: number,
  inputs: number,
  bits: number,
  low: number,
): Int8Array {
  const codes = new Int8Array(outputs * inputs);
  for (let i = 0; i < inputs; i++) {
    const bit = i * bits;
    const word = (bit >> 5) * outputs;
    for (let o = 0; o < outputs; o++)
      codes[o * inputs + i] = field(words, word + o, outputs, bit & 31, bits) + low;
  }
  return codes;
}

/** `bits` bits from bit `shift` of words[at], going on in words[at + step]. */
function field(words: Int32Array, at: number, step: number, shift: number, bits: number): number {
  const low = words[at]! >>> shift;
  const rest = shift + bits - 32;
  const high = rest > 0 ? words[at + step]! << (bits - rest) : 0;
  return (low | high) & (2 ** bits - 1);
}

/** Zeros [groups, outputs], after the sense of the format. */
function unpackZeros(
  words: Int32Array,
  outputs: number,
  { bits, sym: symmetric = false, checkpoint_format: format }: QuantizationConfig & { readonly bits: number },
): Float32Array {
  const perRow = (outputs * bits) / 32;
  const zeros = new Float32Array((words.length / perRow) * outputs);
  for (let i = 0; i < zeros.length; i++) {
    const bit = (i % outputs) * bits;
    const at = Math.floor(i / outputs) * perRow + (bit >> 5);
    zeros[i] = field(words, at, 1, bit & 31, bits);
  }
  const middle = 2 ** (bits - 1);
  const first = zeros[0];
  const told =
    symmetric && zeros.every((zero) => zero === first) && (first === middle || first === middle - 1);
  const storesZero = told ? first === middle : format === "gptq_v2";
  return storesZero ? zeros : zeros.map((zero) => zero + 1);
}

async function groupsOfInputs(
  source: ByteSource,
  name: string | null,
  inputs: number,
  groups: number,
  groupSize: number,
): Promise<Int32Array> {
  if (name === null)
    return Int32Array.from({ length: inputs }, (_, i) =>
      Math.floor(i / (groupSize > 0 ? groupSize : inputs)),
    );
  const index = toInt32(await source.bytes(name));
  const bad = index.findIndex((group) => group < 0 || group >= groups);
  if (bad >= 0) {
    const { file, offset } = source.tensors.get(name)!;
    throw new InputError(
      `input ${bad} is in group ${index[bad]} of ${groups}`,
      { file, tensor: name, offset: offset + 4 * bad },
      "Download the model again",
    );
  }
  return index;
}
