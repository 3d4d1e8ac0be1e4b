/**
 * Writes saved quantised models in parts: each part is a safetensors of its own (so that an interrupted run keeps what it has), and the
 * file is their tensors in order under one header.
 */
import type { QuantisedMatrix } from "../../model/types.js";
import { GROUP } from "../../contract/tables.js";
import { bytesPerRow, PACKINGS, packRows } from "../quantisedCodes.js";
import type { Entry } from "../safetensorsHeader.js";
import { type Written, written } from "./huggingface.js";

export type Tensors = Map<string, Written>;

/** A matrix that arrives by rows. */
export class MatrixWriter {
  private readonly codes: Uint8Array;
  private readonly mantissas: Uint8Array;
  private readonly exponents: Uint8Array;
  private row = 0;

  constructor(
    private readonly name: string,
    private readonly format: QuantisedMatrix["format"],
    private readonly rows: number,
    private readonly cols: number,
  ) {
    this.codes = new Uint8Array(rows * bytesPerRow(format, cols));
    this.mantissas = new Uint8Array(rows * Math.ceil(cols / GROUP));
    this.exponents = new Uint8Array(rows);
  }

  add(matrix: QuantisedMatrix): void {
    const { format, rows, cols } = matrix;
    if (format !== this.format || cols !== this.cols || this.row + rows > this.rows)
      throw new RangeError(`${rows} rows of ${format} [.., ${cols}] do not continue "${this.name}"`);
    this.codes.set(packRows(format, matrix.codes, rows, cols), this.row * bytesPerRow(format, cols));
    this.mantissas.set(matrix.mantissas, this.row * Math.ceil(cols / GROUP));
    this.exponents.set(matrix.exponents, this.row);
    this.row += rows;
  }

  tensors(): Tensors {
    if (this.row !== this.rows) throw new RangeError(`"${this.name}" has ${this.row} of ${this.rows} rows`);
    const { name, format, rows, cols } = this;
    const u8 = (bytes: Uint8Array, ...shape: number[]): Written => ({ dtype: "U8", shape, bytes });
    return new Map([
      [`${name}.${PACKINGS[format].ending}`, u8(this.codes, rows, bytesPerRow(format, cols))],
      [`${name}.mantissa`, u8(this.mantissas, rows, Math.ceil(cols / GROUP))],
      [`${name}.exponent`, u8(this.exponents, rows)],
    ]);
  }
}

export function matrixTensors(name: string, matrix: QuantisedMatrix): Tensors {
  const writer = new MatrixWriter(name, matrix.format, matrix.rows, matrix.cols);
  writer.add(matrix);
  return writer.tensors();
}

export function vectorTensors(name: string, values: Float32Array): Tensors {
  return new Map([[name, written("F32", [values.length], values)]]);
}

/** Where a tensor's bytes come from when parts become one file. */
export interface Piece {
  readonly part: number;
  readonly offset: number;
  readonly length: number;
}

/** The header of the whole file, and the bytes that follow it in order. */
export function joinParts(
  parts: readonly ReadonlyMap<string, Entry>[],
  metadata: ReadonlyMap<string, string>,
): { readonly header: Uint8Array; readonly pieces: readonly Piece[] } {
  const header: Record<string, unknown> = { __metadata__: Object.fromEntries(metadata) };
  const pieces: Piece[] = [];
  let at = 0;
  parts.forEach((entries, part) => {
    for (const [name, { dtype, shape, offset, length }] of entries) {
      if (name in header) throw new RangeError(`"${name}" is in two parts`);
      header[name] = { dtype, shape, data_offsets: [at, at + length] };
      pieces.push({ part, offset, length });
      at += length;
    }
  });
  const text = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(32);
  new DataView(out.buffer).setBigUint64(0, BigInt(out.length - 8), true);
  out.set(text, 8);
  return { header: out, pieces };
}
