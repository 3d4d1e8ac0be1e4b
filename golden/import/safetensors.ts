/**
 * safetensors: u64 header length, JSON header, one buffer (huggingface/safetensors README). Little-endian, C order.
 * The reader checks everything it relies on; the writer gives the same bytes for the same tensors.
 */
import { InputError } from "./error.js";

/** Element types that this product reads and writes. */
const DTYPES = { F32: 4, I32: 4, I16: 2, I8: 1, U8: 1 } as const;
export type Dtype = keyof typeof DTYPES;

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

const AGAIN = "Copy or export the file again";

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Parses a whole file; `file` is its name for error messages. */
export function readSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8)
    throw new InputError(
      `the file has ${bytes.length} bytes, a header length takes 8`,
      { file, offset: 0 },
      AGAIN,
    );
  const length = Number(view.getBigUint64(0, true));
  if (length > bytes.length - 8) {
    const what = `the header claims ${length} bytes but ${bytes.length - 8} follow`;
    throw new InputError(what, { file, offset: 0 }, "Check that this is a safetensors file and not cut off");
  }
  const header = parseHeader(bytes.subarray(8, 8 + length), file);
  const tensors = new Map<string, Tensor>();
  const metadata = new Map<string, string>();
  for (const [name, entry] of Object.entries(header)) {
    if (name !== "__metadata__") tensors.set(name, readEntry(entry, name, 8 + length, bytes, file));
    else if (isRecord(entry))
      for (const [key, value] of Object.entries(entry)) metadata.set(key, String(value));
  }
  checkOverlap(tensors, file);
  return { file, metadata, tensors };
}

function parseHeader(bytes: Uint8Array, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`the header is not JSON (${reason})`, { file, offset: 8 }, AGAIN);
  }
  if (!isRecord(header)) throw new InputError("the header is not a JSON object", { file, offset: 8 }, AGAIN);
  return header;
}

function readEntry(entry: unknown, tensor: string, start: number, bytes: Uint8Array, file: string): Tensor {
  const fail = (what: string, offset: number, remedy = AGAIN): never => {
    throw new InputError(what, { file, tensor, offset }, remedy);
  };
  if (!isRecord(entry)) return fail("its header entry is not an object", 8);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPES, dtype))
    return fail(
      `dtype ${JSON.stringify(dtype)} is not read`,
      8,
      `Export it as one of ${Object.keys(DTYPES).join(", ")}`,
    );
  if (!Array.isArray(shape) || !shape.every(isCount))
    return fail(`shape ${JSON.stringify(shape)} is not a list of sizes`, 8);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isCount(offsets[0]) || !isCount(offsets[1]))
    return fail(`data_offsets ${JSON.stringify(offsets)} are not two offsets`, 8);
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product: number, n: number) => product * n, DTYPES[dtype as Dtype]);
  if (end - begin !== size)
    return fail(
      `${dtype} [${shape.join(", ")}] takes ${size} bytes but data_offsets give ${end - begin}`,
      start + begin,
    );
  if (start + end > bytes.length)
    return fail(
      `it ends at byte ${start + end} but the file has ${bytes.length}`,
      start + begin,
      "The file is cut off; copy it again",
    );
  return {
    dtype: dtype as Dtype,
    shape,
    bytes: bytes.subarray(start + begin, start + end),
    offset: start + begin,
  };
}

function checkOverlap(tensors: ReadonlyMap<string, Tensor>, file: string): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes.length - b.bytes.length);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, a] = inOrder[i - 1]!;
    const [tensor, b] = inOrder[i]!;
    if (a.offset + a.bytes.length > b.offset)
      throw new InputError(`it overlaps tensor "${before}"`, { file, tensor, offset: b.offset }, AGAIN);
  }
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
