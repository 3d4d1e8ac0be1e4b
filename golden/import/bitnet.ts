/**
 * BitNet b1.58 matrices (huggingface/transformers, integrations/bitnet.py). `offline` and `bitlinear` files: weight uint8 [out/4, in], where
 * row o lies in byte row o mod out/4, bits 2·floor(o/(out/4)), as code + 1, and weight_scale [1]. The scale has two senses: layers of
 * class "autobitlinear" multiply by it, those of "bitlinear" divide. A float weight beside a weight_scale holds -1, 0 and 1 unpacked.
 * `online` files hold master weights, which are made ternary here as the layer does: w = clamp(round(W·s))/s, s = 1/mean|W|.
 */
import type { QuantizationConfig } from "./config.js";
import { InputError } from "./error.js";
import { isFloatType } from "./numbers.js";
import { type ByteSource, type PackedMatrix, partOf, readable } from "./packed.js";
import type { StoredCodes, TensorInfo } from "./source.js";

/** The seven linear kinds of a layer; tables and head stay as they are. */
const LINEAR = /\.(q|k|v|o|gate|up|down)_proj\.weight$/;

interface Ternary {
  readonly codes: Int8Array;
  readonly scale: number;
}

export function bitnetMatrices(
  source: ByteSource,
  settings: QuantizationConfig,
  file: string,
): Map<string, PackedMatrix> {
  const { linear_class: kind = "bitlinear", quantization_mode: mode = "offline" } = settings;
  const refuse = (what: string): never => {
    throw new InputError(what, { file }, "Check quantization_config in config.json");
  };
  if (kind !== "bitlinear" && kind !== "autobitlinear") refuse(`linear_class "${kind}" is not known`);
  if (mode !== "offline" && mode !== "online") refuse(`quantization_mode "${mode}" is not known`);
  if (settings.use_rms_norm === true) refuse("use_rms_norm: a norm before every matrix is not supported");
  const online = kind === "autobitlinear" && mode === "online";
  const divide = kind === "bitlinear";
  const matrices = new Map<string, PackedMatrix>();
  for (const [name, info] of source.tensors) {
    if (!LINEAR.test(name) || (!online && !source.tensors.has(`${name}_scale`))) continue;
    matrices.set(name, online ? onlineMatrix(source, info) : offlineMatrix(source, info, divide));
  }
  return matrices;
}

function offlineMatrix(source: ByteSource, weight: TensorInfo, divide: boolean): PackedMatrix {
  const scale = partOf(source, `${weight.name}_scale`, ["F32", "F16", "BF16"], [1]);
  const [rows, cols] = [weight.shape[0] ?? 0, weight.shape[1] ?? 0];
  const packed = weight.type === "U8";
  if (weight.shape.length !== 2 || !(packed || isFloatType(weight.type)))
    partOf(source, weight.name, ["U8"], [-1, -1]);
  const info = {
    ...readable(weight),
    type: "BITNET",
    shape: packed ? [4 * rows, cols] : weight.shape,
    bytes: weight.bytes + scale.bytes,
  };
  const readScale = async (): Promise<number> => {
    const value = (await source.read(scale.name))[0]!;
    if (divide && value === 0)
      throw new InputError(
        "the scale that weights are divided by is 0",
        { file: scale.file, tensor: scale.name, offset: scale.offset },
        "Download the model again",
      );
    return divide ? 1 / value : value;
  };
  const codesOf = async (from: number, count: number): Promise<Int8Array> =>
    packed ? unpackRows(source, weight, from, count) : unpackedRows(source, weight, from, count);
  return ternaryMatrix(info, [weight.name, scale.name], async (from, count) => ({
    codes: await codesOf(from, count),
    scale: await readScale(),
  }));
}

/** Rows of a quarter lie side by side. */
async function unpackRows(
  source: ByteSource,
  weight: TensorInfo,
  from: number,
  count: number,
): Promise<Int8Array> {
  const [quarter, cols] = [weight.shape[0]!, weight.shape[1]!];
  const codes = new Int8Array(count * cols);
  for (let row = from; row < from + count; ) {
    const shift = 2 * Math.floor(row / quarter);
    const many = Math.min(from + count - row, quarter - (row % quarter));
    const bytes = await source.bytes(weight.name, row % quarter, many);
    for (let i = 0; i < bytes.length; i++) {
      const code = (bytes[i]! >> shift) & 3;
      if (code === 3) {
        const offset = weight.offset + (row % quarter) * cols + i;
        throw new InputError(
          `bits ${shift} and ${shift + 1} hold 3, which is no ternary weight`,
          { file: weight.file, tensor: weight.name, offset },
          "Download the model again",
        );
      }
      codes[(row - from) * cols + i] = code - 1;
    }
    row += many;
  }
  return codes;
}

async function unpackedRows(
  source: ByteSource,
  weight: TensorInfo,
  from: number,
  count: number,
): Promise<Int8Array> {
  const values = await source.read(weight.name, from, count);
  const bad = values.findIndex((value) => value !== 0 && value !== 1 && value !== -1);
  if (bad >= 0)
    throw new InputError(
      `weight ${from * weight.shape[1]! + bad} is ${values[bad]}, not -1, 0 or 1`,
      { file: weight.file, tensor: weight.name, offset: weight.offset },
      "Check quantization_config in config.json",
    );
  return Int8Array.from(values);
}

const BLOCK = 1 << 20;

function onlineMatrix(source: ByteSource, weight: TensorInfo): PackedMatrix {
  const [rows, cols] = [weight.shape[0] ?? 0, weight.shape[1] ?? 0];
  let known: Promise<number> | undefined;
  /** The mean magnitude, with one pass over the matrix. */
  const mean = async (): Promise<number> => {
    let sum = 0;
    const many = Math.max(1, Math.floor(BLOCK / Math.max(1, cols)));
    for (let row = 0; row < rows; row += many)
      for (const value of await source.read(weight.name, row, Math.min(many, rows - row)))
        sum += Math.abs(value);
    return Math.max(sum / (rows * cols), 1e-5);
  };
  return ternaryMatrix(
    { ...weight, type: `BITNET of ${weight.type}` },
    [weight.name],
    async (from, count) => {
      known ??= mean();
      const scale = await known;
      const values = await source.read(weight.name, from, count);
      const codes = Int8Array.from(values, (v) => Math.max(-1, Math.min(1, Math.round(v / scale))));
      return { codes, scale };
    },
  );
}

function ternaryMatrix(
  info: TensorInfo,
  parts: readonly string[],
  load: (from: number, count: number) => Promise<Ternary>,
): PackedMatrix {
  const [rows, cols] = [info.shape[0]!, info.shape[1]!];
  return {
    info,
    parts,
    read: async (from, count) => {
      const { codes, scale } = await load(from, count);
      return Float32Array.from(codes, (code) => code * scale);
    },
    codes: async (): Promise<StoredCodes> => {
      const { codes, scale } = await load(0, rows);
      const scales = new Float32Array(rows).fill(scale);
      return { low: -1, high: 1, codes, group: cols, scales, zeros: null };
    },
  };
}
