/**
 * Random matrices for an engine, and what they multiply to: weights are drawn as whole numbers, written into beats as
 * isa/README.md says, and summed as whole numbers beside that. Independent of every kernel.
 */
import { GROUP, fieldAt } from "../engines/port.js";
import type { BeatCode } from "../isa/codes.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { mulberry32, type Prng } from "../simulate/prng.js";

/** Rows of the matrix that one row block holds. */
export const rowsPerBlock = (c: AcceleratorConfig, code: BeatCode): number =>
  code === "w4" ? Math.floor(c.rows / 2) : c.rows;

/** One weight beat: its bits, the mantissa of each matrix row, and the weights they mean, row by row. */
export interface WeightBeat {
  readonly bits: bigint;
  readonly mantissas: readonly number[];
  readonly weights: readonly (readonly number[])[];
}

const COLUMNS = Array.from({ length: GROUP }, (_, i) => i);

export class Stimulus {
  private readonly random: Prng;
  constructor(
    private readonly c: AcceleratorConfig,
    private readonly code: BeatCode,
    seed: number,
  ) {
    this.random = mulberry32(seed);
  }

  private between(lo: number, hi: number): number {
    return lo + this.random.below(hi - lo + 1);
  }

  /** One group of activations, in [-127, 127]; never -128 (contract section 1). */
  activations(): number[] {
    return COLUMNS.map(() => this.between(-127, 127));
  }

  weightBeat(): WeightBeat {
    const fields: { row: number; column: number; field: number }[] = [];
    const rows = rowsPerBlock(this.c, this.code);
    const weights = Array.from({ length: rows }, (_, r) => this.row(r, fields));
    let bits = 0n;
    for (const { row, column, field } of fields)
      bits |= BigInt(field) << BigInt(fieldAt(this.c.rows, row, column));
    return { bits, weights, mantissas: weights.map(() => this.between(0, 255)) };
  }

  /** Weights of one matrix row; its two-bit fields are added to `fields`. */
  private row(r: number, fields: { row: number; column: number; field: number }[]): number[] {
    const put = (row: number, column: number, field: number): number => {
      fields.push({ row, column, field });
      return field;
    };
    switch (this.code) {
      case "w2":
        return COLUMNS.map((i) => 2 * (put(r, i, this.between(0, 3)) - 2) + 1);
      case "ternary":
        return COLUMNS.map((i) => put(r, i, this.between(1, 3)) - 2);
      case "w4":
        return COLUMNS.map((i) => {
          const low = put(2 * r, i, this.between(0, 3)) - 2;
          return 4 * (put(2 * r + 1, i, this.between(0, 3)) - 2) + low + 2;
        });
      case "n24": {
        const row = COLUMNS.map(() => 0);
        for (let q = 0; q < GROUP; q += 4) {
          const first = this.between(0, 2);
          for (const [k, index] of [first, this.between(first + 1, 3)].entries()) {
            row[q + index] = 2 * (put(r, q + k, this.between(0, 3)) - 2) + 1;
            put(r, q + 2 + k, index);
          }
        }
        return row;
      }
    }
  }
}
