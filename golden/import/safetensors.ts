/**
 * safetensors: u64 header length, JSON header, one buffer (huggingface/safetensors README). Little-endian, C order.
 * Whole files, read and written; safetensorsSource.ts reads by range. The writer gives the same bytes for the same tensors.
 */
import { InputError } from "./error.js";
import { headerLength, parseHeader } from "./safetensorsHeader.js";

/** Element types that this product reads and writes. */
export const DTYPES = ["F32", "F16", "BF16", "I32", "I16", "I8", "U8"] as const;
export type Dtype = (typeof DTYPES)[number];

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The elements' bytes, little-endian. */
  readonly bytes: Uint8Array;
  /** Where they begin in the file. */
  readonly offset: number;
}

export interface Safetensors {
  readonly file: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export function isDtype(dtype: string): dtype is Dtype {
  return DTYPES.some((name) => name === dtype);
}

/** Parses a whole file; `file` is its name for error messages. */
export function readSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const length = headerLength(bytes.subarray(0, 8), bytes.length, file);
  const { metadata, entries } = parseHeader(bytes.subarray(8, 8 + length), bytes.length, file);
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, offset, length }] of entries) {
    if (!isDtype(dtype))
      throw new InputError(
        `dtype ${JSON.stringify(dtype)} is not read`,
        { file, tensor: name, offset: 8 },
        `Export it as one of ${DTYPES.join(", ")}`,
      );
    tensors.set(name, { dtype, shape, bytes: bytes.subarray(offset, offset + length), offset });
  }
  return { file, metadata, tensors };
}

/** The tensor of this name, checked against dtype and shape. */
export function tensorOf(source: Safetensors, name: string, dtype: Dtype, shape: readonly number[]): Tensor {
  const { file } = source;
  const tensor = source.tensors.get(name);
  if (tensor === undefined)
    throw new InputError(
      "the tensor is missing",
      { file, tensor: name },
      "Check that the file is a model of the expected kind",
    );
  if (tensor.dtype !== dtype || tensor.shape.join() !== shape.join()) {
    const what = `expected ${dtype} [${shape.join(", ")}], found ${tensor.dtype} [${tensor.shape.join(", ")}]`;
    throw new InputError(
      what,
      { file, tensor: name, offset: tensor.offset },
      "The metadata and the tensors must agree; export again",
    );
  }
  return tensor;
}

/** Float32 elements of a checked tensor, copied (file offsets need not be aligned). */
export function floatsOf(source: Safetensors, name: string, shape: readonly number[]): Float32Array {
  const { bytes } = tensorOf(source, name, "F32", shape);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/** Serialises tensors (in the order given) and metadata; header padded with spaces to 8 bytes. */
export function writeSafetensors(
  tensors: ReadonlyMap<
    string,
    { readonly dtype: Dtype; readonly shape: readonly number[]; readonly bytes: Uint8Array }
  >,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const header: Record<string, unknown> = {};
  if (metadata.size > 0) header.__metadata__ = Object.fromEntries(metadata);
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  let text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(32);
  padded.set(text);
  text = padded;
  const out = new Uint8Array(8 + text.length + at);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  let to = 8 + text.length;
  for (const { bytes } of tensors.values()) {
    out.set(bytes, to);
    to += bytes.length;
  }
  return out;
}
