/** A matrix of small codes with a scale and a zero for every group of inputs: what GPTQ and AWQ files unpack to. */
import { InputError } from "./error.js";
import type { PackedMatrix } from "./packed.js";
import type { StoredCodes, TensorInfo } from "./source.js";

/** Codes that are unpacked at once: 1 GB. */
const MOST = 2 ** 30;

export interface GroupedCodes {
  readonly low: number;
  readonly high: number;
  /** [outputs·inputs] */
  readonly codes: Int8Array;
  /** [outputs·groups], beside codes. */
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
  /** Group of each input. */
  readonly groupOf: Int32Array;
}

/** Codes of `bits` bits from 0; eight of them from -128, so that a byte holds them. */
export function codeRange(bits: number): { low: number; high: number } {
  const low = bits === 8 ? -128 : 0;
  return { low, high: low + 2 ** bits - 1 };
}

/** Unpacks when first asked and keeps the last result, for rows are read one block after another. */
export function groupedMatrix(
  info: TensorInfo,
  parts: readonly string[],
  unpack: () => Promise<GroupedCodes>,
): PackedMatrix {
  const [rows, cols] = [info.shape[0]!, info.shape[1]!];
  let kept: GroupedCodes | undefined;
  const load = async (): Promise<GroupedCodes> => {
    if (rows * cols > MOST)
      throw new InputError(
        `${rows * cols} packed weights at once are too many`,
        { file: info.file, tensor: info.name, offset: info.offset },
        "Take a smaller model",
      );
    kept ??= await unpack();
    return kept;
  };
  return {
    info,
    parts,
    read: async (from, count) => {
      const values = dequantise(await load(), cols, from, count);
      if (from + count === rows) kept = undefined; // the last block
      return values;
    },
    codes: async () => {
      const all = await load();
      kept = undefined;
      return stored(all, cols);
    },
  };
}

function dequantise(
  { codes, scales, zeros, groupOf }: GroupedCodes,
  cols: number,
  from: number,
  count: number,
): Float32Array {
  const groups = (scales.length * cols) / codes.length;
  const out = new Float32Array(count * cols);
  for (let row = 0; row < count; row++) {
    const at = (from + row) * cols;
    const group = (from + row) * groups;
    for (let i = 0; i < cols; i++) {
      const g = group + groupOf[i]!;
      out[row * cols + i] = scales[g]! * (codes[at + i]! - zeros[g]!);
    }
  }
  return out;
}

/** Null where inputs of one group do not lie side by side. */
function stored({ groupOf, ...all }: GroupedCodes, cols: number): StoredCodes | null {
  const groups = (all.scales.length * cols) / all.codes.length;
  const group = cols / groups;
  if (!Number.isInteger(group) || groupOf.some((g, i) => g !== Math.floor(i / group))) return null;
  return { ...all, group };
}

/** [a, b] to [b, a]. */
export function transpose(values: Float32Array, a: number, b: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) out[j * a + i] = values[i * b + j]!;
  return out;
}
