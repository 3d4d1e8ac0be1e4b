/** A llama2.c checkpoint as a source of tensors, read by rows. Names are those of llama2.c's model.py. */
import { InputError } from "./error.js";
import { LLAMA2C_HEADER, type Llama2c, type Place, parseLlama2c } from "./llama2c.js";
import { fromGroups, groupsOf } from "./llama2cGroups.js";
import { checkFinite, toFloats } from "./numbers.js";
import { rowRange, rowsOf } from "./rows.js";
import type { RandomAccess, StoredCodes, TensorInfo, TensorSource } from "./source.js";

export class Llama2cSource implements TensorSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>;

  private constructor(
    private readonly access: RandomAccess,
    readonly checkpoint: Llama2c,
  ) {
    this.tensors = new Map(
      [...checkpoint.places].map(([name, { shape, offset, bytes, group }]) => [
        name,
        { name, type: group === null ? "F32" : `Q8-${group}`, shape, bytes, offset, file: access.file },
      ]),
    );
  }

  get file(): string {
    return this.access.file;
  }

  /** Reads and checks the header; the source owns `access` from then on, and closes it when the header is refused. */
  static async from(access: RandomAccess): Promise<Llama2cSource> {
    try {
      const first = await access.read(0, Math.min(LLAMA2C_HEADER, access.size));
      return new Llama2cSource(access, parseLlama2c(first, access.size, access.file));
    } catch (error) {
      await access.close();
      throw error;
    }
  }

  async read(name: string, from = 0, count?: number): Promise<Float32Array> {
    const place = this.place(name);
    const { rows, cols } = rowsOf(place.shape);
    const weights = rowRange(rows, from, count, name) * cols;
    const start = from * cols;
    const values =
      place.group === null
        ? toFloats("F32", await this.access.read(place.offset + 4 * start, 4 * weights))
        : await this.readGroups(place, place.group, start, weights);
    const width = place.group === null ? 4 : 1;
    checkFinite(values, "weight", (i) => ({
      file: this.file,
      tensor: name,
      offset: place.offset + width * (start + i),
    }));
    return values;
  }

  /** Codes as they are where groups do not straddle rows. */
  async codes(name: string): Promise<StoredCodes | null> {
    const { shape, offset, group } = this.place(name);
    const { rows, cols } = rowsOf(shape);
    if (group === null || cols % group !== 0) return null;
    const bytes = await this.access.read(offset, rows * cols);
    const scales = groupsOf(await this.access.read(offset + rows * cols, (4 * rows * cols) / group));
    checkFinite(scales, "scale", (i) => ({
      file: this.file,
      tensor: name,
      offset: offset + rows * cols + 4 * i,
    }));
    const codes = Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    return { low: -128, high: 127, codes, group, scales, zeros: null };
  }

  close(): Promise<void> {
    return this.access.close();
  }

  private async readGroups(
    { shape, offset }: Place,
    group: number,
    start: number,
    weights: number,
  ): Promise<Float32Array> {
    const all = shape.reduce((product, n) => product * n, 1);
    const first = Math.floor(start / group);
    const last = Math.ceil((start + weights) / group);
    const scales = groupsOf(await this.access.read(offset + all + 4 * first, 4 * (last - first)));
    return fromGroups(await this.access.read(offset + start, weights), scales, start, group);
  }

  private place(name: string): Place {
    const place = this.checkpoint.places.get(name);
    if (place === undefined)
      throw new InputError(
        "the tensor is missing",
        { file: this.file, tensor: name },
        "Check that the file is a model of the expected kind",
      );
    return place;
  }
}
