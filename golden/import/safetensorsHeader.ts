/**
 * The header of a safetensors file: names, types, shapes and places (huggingface/safetensors README; its Rust reader refuses headers
 * beyond 100 MB too). Everything is checked against the file's size before anything is read.
 */
import { InputError } from "./error.js";

/** Bytes of an element, of every type whose elements are whole bytes. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ...["BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"].map((name) => [name, 1] as const),
  ...["U16", "I16", "F16", "BF16"].map((name) => [name, 2] as const),
  ...["U32", "I32", "F32"].map((name) => [name, 4] as const),
  ...["U64", "I64", "F64"].map((name) => [name, 8] as const),
]);

/** Longest header that is read. */
export const LONGEST_HEADER = 100_000_000;

export interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where its bytes begin in the file, and how many they are. */
  readonly offset: number;
  readonly length: number;
}

export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: ReadonlyMap<string, Entry>;
}

export const AGAIN = "Copy or export the file again";

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Length of the JSON behind the first eight bytes, from those and the file's size. */
export function headerLength(first: Uint8Array, size: number, file: string): number {
  if (first.length < 8)
    throw new InputError(`the file has ${size} bytes, a header length takes 8`, { file, offset: 0 }, AGAIN);
  const view = new DataView(first.buffer, first.byteOffset, 8);
  const length = Number(view.getBigUint64(0, true));
  if (length > size - 8) {
    const what = `the header claims ${length} bytes but ${size - 8} follow`;
    throw new InputError(what, { file, offset: 0 }, "Check that this is a safetensors file and not cut off");
  }
  if (length > LONGEST_HEADER) {
    const what = `the header claims ${length} bytes, more than ${LONGEST_HEADER}`;
    throw new InputError(what, { file, offset: 0 }, "Check that this is a safetensors file");
  }
  return length;
}

/** Reads the JSON of a file of `size` bytes. */
export function parseHeader(json: Uint8Array, size: number, file: string): Header {
  const start = 8 + json.length;
  const entries = new Map<string, Entry>();
  const metadata = new Map<string, string>();
  for (const [name, entry] of Object.entries(parseObject(json, file))) {
    if (name !== "__metadata__") entries.set(name, readEntry(entry, name, start, size, file));
    else if (isRecord(entry))
      for (const [key, value] of Object.entries(entry)) metadata.set(key, String(value));
  }
  checkOverlap(entries, file);
  return { metadata, entries };
}

function parseObject(bytes: Uint8Array, file: string): Record<string, unknown> {
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

function readEntry(entry: unknown, tensor: string, start: number, size: number, file: string): Entry {
  const fail = (what: string, offset: number, remedy = AGAIN): never => {
    throw new InputError(what, { file, tensor, offset }, remedy);
  };
  if (!isRecord(entry)) return fail("its header entry is not an object", 8);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string") return fail(`dtype ${JSON.stringify(dtype)} is not a text`, 8);
  if (!Array.isArray(shape) || !shape.every(isCount))
    return fail(`shape ${JSON.stringify(shape)} is not a list of sizes`, 8);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isCount(offsets[0]) || !isCount(offsets[1]))
    return fail(`data_offsets ${JSON.stringify(offsets)} are not two offsets`, 8);
  const [begin, end] = [offsets[0], offsets[1]];
  const one = SIZES.get(dtype);
  const takes = one === undefined ? end - begin : shape.reduce((product, n) => product * n, one);
  if (end < begin || end - begin !== takes)
    return fail(
      `${dtype} [${shape.join(", ")}] takes ${takes} bytes but data_offsets give ${end - begin}`,
      start + begin,
    );
  if (start + end > size)
    return fail(
      `it ends at byte ${start + end} but the file has ${size}`,
      start + begin,
      "The file is cut off; copy it again",
    );
  return { dtype, shape, offset: start + begin, length: end - begin };
}

function checkOverlap(entries: ReadonlyMap<string, Entry>, file: string): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, a] = inOrder[i - 1]!;
    const [tensor, b] = inOrder[i]!;
    if (a.offset + a.length > b.offset)
      throw new InputError(`it overlaps tensor "${before}"`, { file, tensor, offset: b.offset }, AGAIN);
  }
}
