/** A safetensors file read by range: its header at once, its tensors by rows. */
import { InputError } from "./error.js";
import { checkFinite, isFloatType, toFloats } from "./numbers.js";
import { rowRange, rowsOf } from "./rows.js";
import { type Entry, headerLength, parseHeader } from "./safetensorsHeader.js";
import type { RandomAccess, StoredCodes, TensorInfo, TensorSource } from "./source.js";

/** Elements that one call gives at most: 4 GB of float32. */
const MOST = 2 ** 30;
const BY_ROWS = "Tensors of this size are read by rows";

export class SafetensorsSource implements TensorSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>;

  private constructor(
    private readonly access: RandomAccess,
    readonly metadata: ReadonlyMap<string, string>,
    entries: ReadonlyMap<string, Entry>,
  ) {
    this.tensors = new Map([...entries].map(([name, entry]) => [name, infoOf(name, entry, access.file)]));
  }

  get file(): string {
    return this.access.file;
  }

  /** Reads and checks the header; the source owns `access` from then on, and closes it when the header is refused. */
  static async from(access: RandomAccess): Promise<SafetensorsSource> {
    try {
      const { file, size } = access;
      const length = headerLength(await access.read(0, Math.min(8, size)), size, file);
      const { metadata, entries } = parseHeader(await access.read(8, length), size, file);
      return new SafetensorsSource(access, metadata, entries);
    } catch (error) {
      await access.close();
      throw error;
    }
  }

  /** Bytes of rows [from, from + count). */
  async bytes(name: string, from = 0, count?: number): Promise<Uint8Array> {
    const info = this.info(name);
    const { rows, cols } = rowsOf(info.shape);
    const many = rowRange(rows, from, count, name);
    if (many * cols > MOST)
      throw new InputError(
        `${many * cols} elements at once are too many`,
        { file: info.file, tensor: name, offset: info.offset },
        BY_ROWS,
      );
    const row = rows === 0 ? 0 : info.bytes / rows;
    return this.access.read(info.offset + from * row, many * row);
  }

  async read(name: string, from = 0, count?: number): Promise<Float32Array> {
    const info = this.info(name);
    const { file, type, offset, unsupported } = info;
    if (!isFloatType(type))
      throw new InputError(
        unsupported ?? `type ${type} is not read`,
        { file, tensor: name, offset },
        "Export the model in F32, F16 or BF16",
      );
    const values = toFloats(type, await this.bytes(name, from, count));
    const { cols } = rowsOf(info.shape);
    const size = type === "F32" ? 4 : 2;
    checkFinite(values, "weight", (i) => ({ file, tensor: name, offset: offset + (from * cols + i) * size }));
    return values;
  }

  async codes(name: string): Promise<StoredCodes | null> {
    this.info(name);
    return null;
  }

  close(): Promise<void> {
    return this.access.close();
  }

  private info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info === undefined)
      throw new InputError(
        "the tensor is missing",
        { file: this.file, tensor: name },
        "Check that the file is a model of the expected kind",
      );
    return info;
  }
}

function infoOf(name: string, { dtype, shape, offset, length }: Entry, file: string): TensorInfo {
  const info = { name, type: dtype, shape, bytes: length, offset, file };
  return isFloatType(dtype) ? info : { ...info, unsupported: `type ${dtype} alone is not read as weights` };
}
