/** Every weight to its nearest code, under scales of the least error. */
import { GROUP } from "../../contract/tables.js";
import { power2 } from "../../model/scale.js";
import type { QuantisedMatrix, WeightFormat } from "../../model/types.js";
import { type CodeSet, nearestCode } from "./codes.js";
import { fitRow } from "./scale.js";

export interface NearestOptions {
  readonly format: WeightFormat;
  readonly sets: readonly CodeSet[];
  readonly group: number;
  /** [cols]: how much the squared error of each input counts. */
  readonly importance: Float64Array;
  /** [rows·cols], 1 where a weight is kept, 0 where its code is 0; every weight is kept when null. */
  readonly kept: Uint8Array | null;
}

export function roundToNearest(
  weights: Float32Array,
  rows: number,
  cols: number,
  { format, sets, group, importance, kept }: NearestOptions,
): QuantisedMatrix {
  const groups = Math.ceil(cols / GROUP);
  const codes = new Int8Array(rows * cols);
  const mantissas = new Uint8Array(rows * groups);
  const exponents = new Uint8Array(rows);
  const values = new Float64Array(cols);
  const counts = Float64Array.from(importance);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cols; i++) {
      const alive = kept === null || kept[row * cols + i] === 1;
      values[i] = alive ? weights[row * cols + i]! : 0;
      counts[i] = alive ? importance[i]! : 0; // a pruned weight has no say in the scale
    }
    const fit = fitRow(values, counts, group, sets);
    exponents[row] = fit.exponent;
    for (const [g, { mantissa, set }] of fit.groups.entries()) {
      const to = Math.min((g + 1) * group, cols);
      mantissas.fill(mantissa, row * groups + (g * group) / GROUP, row * groups + Math.ceil(to / GROUP));
      const perUnit = mantissa === 0 ? 0 : power2(fit.exponent) / mantissa;
      for (let i = g * group; i < to; i++)
        if (kept === null || kept[row * cols + i] === 1)
          codes[row * cols + i] = nearestCode(set, values[i]! * perUnit);
    }
  }
  return { rows, cols, format, codes, mantissas, exponents };
}
