/** Reads the values of a GGUF header one after another from its first bytes; every length is checked before it is believed. */
import { InputError } from "./error.js";

/** What metadata may hold. Arrays of numbers are typed arrays, so that a hostile header takes no more than its own size. */
export type GgufValue =
  | number
  | bigint
  | boolean
  | string
  | readonly string[]
  | readonly boolean[]
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** The bytes at hand end here, but the file goes on. */
export class MoreBytes extends Error {}

const BYTES_OF_TYPE = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;
/** Real names have up to 63 bytes (GGML_MAX_NAME). */
const LONGEST_NAME = 1024;
const DAMAGED = "The file is damaged or cut off; copy it again";

// strings of vocabularies may hold any bytes, and a byte order mark is a character of them like any other
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

export class GgufCursor {
  at = 0;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
    /** Of the whole file. */
    private readonly size: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Goes on by `count` bytes and returns where they begin. */
  take(count: number, what: string): number {
    const at = this.at;
    if (count > this.size - at)
      return this.fail(`${what} takes ${count} bytes but ${this.size - at} are left in the file`, at);
    if (count > this.bytes.length - at) throw new MoreBytes();
    this.at += count;
    return at;
  }

  fail(what: string, offset: number, remedy = DAMAGED): never {
    throw new InputError(what, { file: this.file, offset }, remedy);
  }

  u32(what: string): number {
    const at = this.take(4, what);
    return this.view.getUint32(at, true);
  }

  /** A u64 that must be a safe integer. */
  u64(what: string): number {
    const at = this.take(8, what);
    const value = this.view.getBigUint64(at, true);
    return value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : this.fail(`${what} = ${value} is too large`, at);
  }

  /** u64 length and so many bytes. */
  string(what: string): string {
    const length = this.u64(`the length of ${what}`);
    const at = this.take(length, what);
    return lenient.decode(this.bytes.subarray(at, at + length));
  }

  /** A string that stands in messages and maps: short, printable, exact. */
  name(what: string): string {
    const begin = this.at;
    const length = this.u64(`the length of ${what}`);
    const at = this.take(length, what);
    if (length > LONGEST_NAME) return this.fail(`${what} has ${length} bytes`, begin);
    let name: string;
    try {
      name = strict.decode(this.bytes.subarray(at, at + length));
    } catch {
      return this.fail(`${what} is not UTF-8`, begin);
    }
    return /\p{C}/u.test(name) ? this.fail(`${what} holds characters that cannot be printed`, begin) : name;
  }

  /** A type number, and a value of that type. */
  value(key: string): GgufValue {
    const at = this.at;
    const type = this.u32(`the type of "${key}"`);
    if (type >= BYTES_OF_TYPE.length) return this.fail(`"${key}" has the unknown type ${type}`, at);
    return type === ARRAY ? this.array(key) : this.scalar(type, key);
  }

  private scalar(type: number, key: string): GgufValue {
    if (type === STRING) return this.string(`"${key}"`);
    const at = this.take(BYTES_OF_TYPE[type]!, `"${key}"`);
    if (type === 7) return this.view.getUint8(at) !== 0;
    if (type === 10 || type === 11) {
      const value = type === 10 ? this.view.getBigUint64(at, true) : this.view.getBigInt64(at, true);
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    return this.number(type, at);
  }

  private number(type: number, at: number): number {
    const { view } = this;
    switch (type) {
      case 0:
        return view.getUint8(at);
      case 1:
        return view.getInt8(at);
      case 2:
        return view.getUint16(at, true);
      case 3:
        return view.getInt16(at, true);
      case 4:
        return view.getUint32(at, true);
      case 5:
        return view.getInt32(at, true);
      case 6:
        return view.getFloat32(at, true);
      default:
        return view.getFloat64(at, true);
    }
  }

  private array(key: string): GgufValue {
    const begin = this.at;
    const type = this.u32(`the element type of "${key}"`);
    // llama.cpp (ggml/src/gguf.cpp) does not read arrays of arrays either
    if (type >= BYTES_OF_TYPE.length || type === ARRAY)
      return this.fail(`the elements of "${key}" have type ${type}, which is not read`, begin);
    const count = this.u64(`the length of "${key}"`);
    const least = type === STRING ? 8 : BYTES_OF_TYPE[type]!;
    if (count * least > this.size - this.at)
      return this.fail(
        `"${key}" claims ${count} elements but ${this.size - this.at} bytes are left in the file`,
        begin,
      );
    if (type === STRING) {
      if (count * 8 > this.bytes.length - this.at) throw new MoreBytes();
      const texts: string[] = [];
      for (let i = 0; i < count; i++) texts.push(this.string(`element ${i} of "${key}"`));
      return texts;
    }
    const at = this.take(count * least, `"${key}"`);
    if (type === 7) return Array.from({ length: count }, (_, i) => this.bytes[at + i] !== 0);
    if (type === 10)
      return BigUint64Array.from({ length: count }, (_, i) => this.view.getBigUint64(at + 8 * i, true));
    if (type === 11)
      return BigInt64Array.from({ length: count }, (_, i) => this.view.getBigInt64(at + 8 * i, true));
    return Float64Array.from({ length: count }, (_, i) => this.number(type, at + i * least));
  }
}
