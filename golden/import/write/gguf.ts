/** Writes GGUF version 3 (ggml-org/ggml docs/gguf.md), little-endian: for fixtures, and the same bytes for the same input. */
import { blockByType, encodeRows } from "../blocks/index.js";

/** Metadata values with their type, as the format wants to know it. */
export type GgufEntry =
  | { readonly type: "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "f32" | "f64"; readonly value: number }
  | { readonly type: "u64" | "i64"; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "i32s" | "f32s" | "u32s"; readonly value: readonly number[] };

export interface GgufTensor {
  /** ggml_type, or its name. */
  readonly type: string | number;
  /** Outermost first. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  u64: 10,
  i64: 11,
  f64: 12,
};
const SIZES = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, f64: 8 };
const ARRAY = 9;

/** A growing little-endian buffer. */
class Writer {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  length = 0;

  private grow(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  number(type: "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "f32" | "f64", value: number): void {
    const at = this.grow(SIZES[type]); // first: it may replace the view
    switch (type) {
      case "u8":
        return this.view.setUint8(at, value);
      case "i8":
        return this.view.setInt8(at, value);
      case "u16":
        return this.view.setUint16(at, value, true);
      case "i16":
        return this.view.setInt16(at, value, true);
      case "u32":
        return this.view.setUint32(at, value, true);
      case "i32":
        return this.view.setInt32(at, value, true);
      case "f32":
        return this.view.setFloat32(at, value, true);
      case "f64":
        return this.view.setFloat64(at, value, true);
    }
  }

  u64(value: bigint | number): void {
    const at = this.grow(8);
    this.view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  }

  raw(bytes: Uint8Array): void {
    const at = this.grow(bytes.length);
    this.bytes.set(bytes, at);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }

  align(to: number): void {
    this.grow(Math.ceil(this.length / to) * to - this.length);
  }

  done(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

function writeEntry(out: Writer, entry: GgufEntry): void {
  switch (entry.type) {
    case "string":
      out.number("u32", TYPES.string);
      return out.string(entry.value);
    case "bool":
      out.number("u32", TYPES.bool);
      return out.number("u8", entry.value ? 1 : 0);
    case "u64":
    case "i64":
      out.number("u32", TYPES[entry.type]);
      return out.u64(entry.value);
    case "strings":
      out.number("u32", ARRAY);
      out.number("u32", TYPES.string);
      out.u64(entry.value.length);
      return entry.value.forEach((text) => {
        out.string(text);
      });
    case "i32s":
    case "u32s":
    case "f32s": {
      const element = entry.type === "i32s" ? "i32" : entry.type === "u32s" ? "u32" : "f32";
      out.number("u32", ARRAY);
      out.number("u32", TYPES[element]);
      out.u64(entry.value.length);
      return entry.value.forEach((value) => {
        out.number(element, value);
      });
    }
    default:
      out.number("u32", TYPES[entry.type]);
      out.number(entry.type, entry.value);
  }
}

/** Weights of a matrix or vector as a tensor of a block type. */
export function ggufTensor(type: string, shape: readonly number[], values: Float32Array): GgufTensor {
  const codec = blockByType(type);
  if (codec === undefined) throw new RangeError(`type ${type} is not written`);
  return { type, shape, bytes: encodeRows(codec, values) };
}

/** A file of this metadata and these tensors, in the order given. `general.alignment` is written when it is not 32. */
export function writeGguf(
  metadata: ReadonlyMap<string, GgufEntry>,
  tensors: ReadonlyMap<string, GgufTensor>,
  alignment = 32,
): Uint8Array {
  const out = new Writer();
  const entries = new Map(metadata);
  if (alignment !== 32) entries.set("general.alignment", { type: "u32", value: alignment });
  out.raw(new TextEncoder().encode("GGUF"));
  out.number("u32", 3);
  out.u64(tensors.size);
  out.u64(entries.size);
  for (const [key, entry] of entries) {
    out.string(key);
    writeEntry(out, entry);
  }
  let offset = 0;
  for (const [name, { type, shape, bytes }] of tensors) {
    out.string(name);
    out.number("u32", shape.length);
    for (const size of shape.toReversed()) out.u64(size);
    out.number("u32", typeof type === "number" ? type : (blockByType(type)?.id ?? 0));
    out.u64(offset);
    offset += Math.ceil(bytes.length / alignment) * alignment;
  }
  for (const { bytes } of tensors.values()) {
    out.align(alignment);
    out.raw(bytes);
  }
  out.align(alignment);
  return out.done();
}
