/** Matrices that a folder keeps as several tensors of integers (GPTQ, AWQ, BitNet), shown as the one matrix they stand for. */
import { InputError } from "./error.js";
import type { StoredCodes, TensorInfo, TensorSource } from "./source.js";

export interface PackedMatrix {
  readonly info: TensorInfo;
  /** Tensors of the folder that it is made of. */
  readonly parts: readonly string[];
  /** Rows as float32. */
  read(from: number, count: number): Promise<Float32Array>;
  codes(): Promise<StoredCodes | null>;
}

/** A source whose raw bytes can be had as well. */
export interface ByteSource extends TensorSource {
  bytes(name: string, from?: number, count?: number): Promise<Uint8Array>;
}

export class PackedSource implements TensorSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>;

  constructor(
    private readonly inner: TensorSource,
    private readonly packed: ReadonlyMap<string, PackedMatrix>,
  ) {
    const parts = new Set([...packed.values()].flatMap((matrix) => matrix.parts));
    this.tensors = new Map([
      ...[...inner.tensors].filter(([name]) => !parts.has(name)),
      ...[...packed].map(([name, { info }]) => [name, info] as const),
    ]);
  }

  get file(): string {
    return this.inner.file;
  }

  async read(name: string, from = 0, count?: number): Promise<Float32Array> {
    const matrix = this.packed.get(name);
    if (matrix === undefined) return this.inner.read(name, from, count);
    const rows = matrix.info.shape[0]!;
    const many = count ?? rows - from;
    if (!Number.isInteger(from) || from < 0 || !Number.isInteger(many) || many < 0 || from + many > rows)
      throw new RangeError(`rows ${from} to ${from + many} of "${name}" are outside 0 to ${rows}`);
    const { unsupported, file, offset } = matrix.info;
    if (unsupported !== undefined)
      throw new InputError(
        unsupported,
        { file, tensor: name, offset },
        "`gateloom inspect` lists what is read",
      );
    return matrix.read(from, many);
  }

  async codes(name: string): Promise<StoredCodes | null> {
    return this.packed.get(name)?.codes() ?? this.inner.codes(name);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** One tensor of a packed matrix, checked: type and shape, with -1 for any size. */
export function partOf(
  source: TensorSource,
  name: string,
  types: readonly string[],
  shape: readonly number[],
): TensorInfo {
  const info = source.tensors.get(name);
  if (info === undefined)
    throw new InputError(
      "the tensor is missing beside the others of its matrix",
      { file: source.file, tensor: name },
      "Download the model again",
    );
  const fits =
    types.includes(info.type) &&
    info.shape.length === shape.length &&
    shape.every((n, i) => n === -1 || n === info.shape[i]);
  if (!fits) {
    const sizes = shape.map((n) => (n === -1 ? "any" : n)).join(", ");
    const what = `expected ${types.join(" or ")} [${sizes}], found ${info.type} [${info.shape.join(", ")}]`;
    throw new InputError(
      what,
      { file: info.file, tensor: name, offset: info.offset },
      "The quantisation settings in config.json and the tensors must agree; download the model again",
    );
  }
  return info;
}

/** The tensor as part of a matrix that is read. */
export function readable({ unsupported: _, ...info }: TensorInfo): TensorInfo {
  return info;
}
