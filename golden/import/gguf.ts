/** GGUF files as a source of tensors, read by rows. Rows are given as they lie in the file: see `rope` in ggufMetadata.ts. */
import { openFile } from "./access.js";
import { type BlockCodec, blockByType } from "./blocks/index.js";
import { InputError } from "./error.js";
import type { GgufValue } from "./ggufCursor.js";
import { readGgufHeader } from "./ggufHeader.js";
import { isFloatType, toFloats } from "./numbers.js";
import { rowRange, rowsOf } from "./rows.js";
import type { RandomAccess, StoredCodes, TensorInfo, TensorSource } from "./source.js";

/** Bytes that are decoded at a time. */
const PIECE = 1 << 22;
/** Weights that one call gives at most: 4 GB of float32. */
const MOST_WEIGHTS = 2 ** 30;

export class GgufSource implements TensorSource {
  private constructor(
    private readonly access: RandomAccess,
    readonly metadata: ReadonlyMap<string, GgufValue>,
    readonly tensors: ReadonlyMap<string, TensorInfo>,
  ) {}

  get file(): string {
    return this.access.file;
  }

  /** Reads and checks the header; the source owns `access` from then on, and closes it when the header is refused. */
  static async from(access: RandomAccess): Promise<GgufSource> {
    try {
      const { metadata, tensors } = await readGgufHeader(access);
      return new GgufSource(access, metadata, tensors);
    } catch (error) {
      await access.close();
      throw error;
    }
  }

  async read(name: string, from = 0, count?: number): Promise<Float32Array> {
    const { info, codec, cols, rows } = this.matrix(name);
    const many = rowRange(rows, from, count, name);
    checkSize(info, many * cols);
    const out = new Float32Array(many * cols);
    const { type } = info;
    await this.pieces(info, codec, (from * cols) / codec.elements, out.length, (bytes, blocks, to) => {
      if (isFloatType(type)) out.set(toFloats(type, bytes), to);
      else
        for (let b = 0; b < blocks; b++) codec.decode(bytes, b * codec.bytes, out, to + b * codec.elements);
    });
    refuseInfinite(out, info, codec, "weight", (i) => {
      const weight = from * cols + i;
      return [weight, Math.floor(weight / codec.elements)];
    });
    return out;
  }

  async codes(name: string): Promise<StoredCodes | null> {
    const { info, codec, cols, rows } = this.matrix(name);
    const { symmetric } = codec;
    if (symmetric === undefined) return null;
    checkSize(info, rows * cols);
    const codes = new Int8Array(rows * cols);
    const scales = new Float32Array(codes.length / codec.elements);
    await this.pieces(info, codec, 0, codes.length, (bytes, blocks, to) => {
      const first = to / codec.elements;
      for (let b = 0; b < blocks; b++)
        scales[first + b] = symmetric.codes(bytes, b * codec.bytes, codes, to + b * codec.elements);
    });
    refuseInfinite(scales, info, codec, "the scale of block", (block) => [block, block]);
    const { low } = symmetric;
    // TQ2_0 could store a fourth code, but a tensor without it is ternary
    const high = symmetric.high === 2 && !codes.includes(2) ? 1 : symmetric.high;
    return { low, high, codes, group: codec.elements, scales, zeros: null };
  }

  close(): Promise<void> {
    return this.access.close();
  }

  /** The tensor as rows; refuses what cannot be read. */
  private matrix(name: string): { info: TensorInfo; codec: BlockCodec; cols: number; rows: number } {
    const info = this.tensors.get(name);
    if (info === undefined)
      throw new InputError(
        "the tensor is missing",
        { file: this.file, tensor: name },
        "Check that the file is a model of the expected kind",
      );
    const codec = blockByType(info.type);
    if (codec === undefined)
      throw new InputError(
        info.unsupported ?? `type ${info.type} is not read`,
        { file: info.file, tensor: name, offset: info.offset },
        "Convert the model with another quantisation, F16 or Q8_0 for example",
      );
    return { info, codec, ...rowsOf(info.shape) };
  }

  /** Reads the blocks of `weights` weights from block `first` on, and hands them on in pieces; `to` counts the weights before. */
  private async pieces(
    info: TensorInfo,
    codec: BlockCodec,
    first: number,
    weights: number,
    each: (bytes: Uint8Array, blocks: number, to: number) => void,
  ): Promise<void> {
    const count = weights / codec.elements;
    const most = Math.floor(PIECE / codec.bytes);
    for (let done = 0; done < count; done += most) {
      const some = Math.min(most, count - done);
      const offset = info.offset + (first + done) * codec.bytes;
      each(await this.access.read(offset, some * codec.bytes), some, done * codec.elements);
    }
  }
}

/** `place` gives the number of a value within its tensor, and of its block. */
function refuseInfinite(
  values: Float32Array,
  info: TensorInfo,
  codec: BlockCodec,
  what: string,
  place: (i: number) => [number: number, block: number],
): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const [number, block] = place(bad);
  throw new InputError(
    `${what} ${number} is ${values[bad]}`,
    { file: info.file, tensor: info.name, offset: info.offset + block * codec.bytes },
    "Convert the model again; weights must be finite numbers",
  );
}

function checkSize(info: TensorInfo, weights: number): void {
  if (weights > MOST_WEIGHTS)
    throw new InputError(
      `${weights} weights at once are too many`,
      { file: info.file, tensor: info.name, offset: info.offset },
      "Tensors of this size are read by rows",
    );
}

/** Opens a GGUF file on disk; `name` is what messages call it. */
export async function openGguf(path: string, name = path): Promise<GgufSource> {
  return GgufSource.from(await openFile(path, name));
}
