/**
 * The header of a GGUF file (ggml-org/ggml docs/gguf.md, versions 2 and 3, little-endian): metadata, and where tensors lie.
 *
 * Why not `@huggingface/gguf` 0.4.6: it reads pieces of 2 MB into a zeroed buffer, so a token that lies across the end of a piece
 * loses its tail without a word (an array that ends "abcdefghij" at byte 2,000,007 came back ending "abc"), a file cut off inside the
 * header is read as if zeros followed, and its errors have no byte offset.
 */
import { blockById, UNREAD } from "./blocks/index.js";
import { InputError } from "./error.js";
import { GgufCursor, type GgufValue, MoreBytes } from "./ggufCursor.js";
import type { RandomAccess, TensorInfo } from "./source.js";

/** As a tensor is written, before its place is checked. */
interface Entry {
  readonly name: string;
  /** ggml_type. */
  readonly type: number;
  /** Outermost first. */
  readonly shape: readonly number[];
  /** From the beginning of the data. */
  readonly offset: number;
  /** Where the entry itself lies in the file. */
  readonly at: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/** Bounds far above real models (a vocabulary of 262,144 takes some 12 MB; experts come stacked in one tensor). */
const LARGEST_HEADER = 256 << 20;
const MOST_TENSORS = 1 << 18;
const MOST_KEYS = 1 << 16;

/** ggml's GGML_MAX_DIMS. */
const MOST_DIMS = 4;

const DAMAGED = "The file is damaged or cut off; copy it again";

/** Reads the header from ever longer beginnings of the file, until it is whole. */
export async function readGgufHeader(access: RandomAccess): Promise<GgufHeader> {
  for (let length = 1 << 18; ; length *= 4) {
    const bytes = await access.read(0, Math.min(length, access.size));
    try {
      return parse(new GgufCursor(bytes, access.file, access.size), access);
    } catch (error) {
      if (!(error instanceof MoreBytes)) throw error;
      if (length < LARGEST_HEADER) continue;
      const what = `the header is longer than ${LARGEST_HEADER >> 20} MB`;
      throw new InputError(what, { file: access.file, offset: 0 }, "Check that this is a GGUF file");
    }
  }
}

function parse(cursor: GgufCursor, access: RandomAccess): GgufHeader {
  if (cursor.u32("the magic number") !== 0x46554747)
    return cursor.fail('the file does not begin with "GGUF"', 0, "Give a GGUF file");
  const version = cursor.u32("the version");
  if (version !== 2 && version !== 3) {
    const bigEndian = version !== 0 && (version & 0xffff) === 0;
    const what = bigEndian ? "the file is big-endian" : `GGUF version ${version} is not read`;
    return cursor.fail(what, 4, "Convert it again with a current convert_hf_to_gguf.py");
  }
  const tensorCount = cursor.u64("the number of tensors");
  const keyCount = cursor.u64("the number of metadata keys");
  if (tensorCount > MOST_TENSORS) cursor.fail(`${tensorCount} tensors are too many`, 8);
  if (keyCount > MOST_KEYS) cursor.fail(`${keyCount} metadata keys are too many`, 16);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const at = cursor.at;
    const key = cursor.name(`metadata key ${i}`);
    if (metadata.has(key)) cursor.fail(`metadata key "${key}" occurs twice`, at);
    metadata.set(key, cursor.value(key));
  }
  const entries = Array.from({ length: tensorCount }, (_, i) => readEntry(cursor, i));
  const alignment = alignmentOf(metadata, access.file);
  const start = Math.ceil(cursor.at / alignment) * alignment;
  return { metadata, tensors: place(entries, start, alignment, access) };
}

function readEntry(cursor: GgufCursor, index: number): Entry {
  const at = cursor.at;
  const name = cursor.name(`the name of tensor ${index}`);
  const dims = cursor.u32(`the dimensions of "${name}"`);
  if (dims < 1 || dims > MOST_DIMS)
    cursor.fail(`tensor "${name}" has ${dims} dimensions, not 1 to ${MOST_DIMS}`, at);
  const shape: number[] = [];
  for (let d = 0; d < dims; d++) {
    const size = cursor.u64(`a dimension of "${name}"`);
    if (size < 1) cursor.fail(`tensor "${name}" has a dimension of 0`, at);
    shape.unshift(size);
  }
  return {
    name,
    shape,
    type: cursor.u32(`the type of "${name}"`),
    offset: cursor.u64(`the offset of "${name}"`),
    at,
  };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, file: string): number {
  const value = metadata.get("general.alignment") ?? 32;
  if (typeof value === "number" && Number.isInteger(Math.log2(value)) && value >= 1 && value <= 1 << 20)
    return value;
  throw new InputError(
    `general.alignment = ${typeof value === "object" ? "a list" : value} is not a power of two up to 1 MB`,
    { file, offset: 0 },
    DAMAGED,
  );
}

/** Checks every entry's place and size; tensors in the order of the file's list. */
function place(
  entries: readonly Entry[],
  start: number,
  alignment: number,
  access: RandomAccess,
): Map<string, TensorInfo> {
  const { file, size } = access;
  const tensors = new Map<string, TensorInfo>();
  for (const entry of entries) {
    const { name, shape } = entry;
    const fail = (what: string, offset: number): never => {
      throw new InputError(what, { file, tensor: name, offset }, DAMAGED);
    };
    const offset = start + entry.offset;
    if (tensors.has(name)) fail("there are two tensors of this name", entry.at);
    if (entry.offset % alignment !== 0)
      fail(`its offset ${entry.offset} is not a multiple of the alignment ${alignment}`, entry.at);
    const format = formatOf(entry.type);
    const elements = shape.reduce((product, n) => product * n, 1);
    const row = shape.at(-1)!;
    if (!Number.isSafeInteger(elements)) fail(`its shape [${shape.join(", ")}] overflows`, entry.at);
    if (row % format.elements !== 0)
      fail(`rows of ${row} are not whole ${format.type} blocks of ${format.elements}`, entry.at);
    const bytes = (elements / format.elements) * format.bytes;
    if (offset + bytes > size)
      fail(
        `${format.type} [${shape.join(", ")}] ends at byte ${offset + bytes} but the file has ${size}`,
        offset,
      );
    tensors.set(name, { name, type: format.type, shape, bytes, offset, file, ...format.note });
  }
  checkOverlap(tensors, file);
  return tensors;
}

interface Format {
  readonly type: string;
  readonly elements: number;
  readonly bytes: number;
  readonly note?: { readonly unsupported: string };
}

function formatOf(id: number): Format {
  const block = blockById(id);
  if (block !== undefined) return block;
  const named = UNREAD.get(id);
  if (named === undefined)
    return {
      type: `ggml ${id}`,
      elements: 1,
      bytes: 0, // not known
      note: { unsupported: `block type ${id} is not known` },
    };
  const [type, elements, bytes] = named;
  return { type, elements, bytes, note: { unsupported: `block type ${type} has no decoder here` } };
}

function checkOverlap(tensors: ReadonlyMap<string, TensorInfo>, file: string): void {
  const inOrder = [...tensors.values()].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let before = inOrder[0];
  for (const info of inOrder.slice(1)) {
    if (before !== undefined && before.offset + before.bytes > info.offset)
      throw new InputError(
        `it overlaps tensor "${before.name}"`,
        { file, tensor: info.name, offset: info.offset },
        DAMAGED,
      );
    before = info;
  }
}
