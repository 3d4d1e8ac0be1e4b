/** Codes that a checkpoint already has in few bits, kept exactly as they are; only their scales are rounded to mantissas. */
import { GROUP } from "../../contract/tables.js";
import type { StoredCodes } from "../../import/source.js";
import { power2 } from "../../model/scale.js";
import type { QuantisedMatrix, WeightFormat } from "../../model/types.js";
import { recoverFourLevels } from "../matrix.js";
import type { Levels } from "../recipe.js";

/**
 * The matrix with the stored codes: those of two bits and ternary ones always, wider ones where the recipe asks for as many levels. Null where no format has them, or their groups are no groups of ours.
 */
export function keepCodes(
  stored: StoredCodes,
  rows: number,
  cols: number,
  levels: Levels,
): QuantisedMatrix | null {
  const { group, low, high } = stored;
  const few = high - low <= 3;
  if (!few && !(levels === "W4" && high - low === 15) && !(levels === "W8" && high - low <= 255)) return null;
  if (group !== cols && group % GROUP !== 0) return null;
  const values = wholeCodes(stored, rows, cols);
  if (values === null) return null;
  const format = formatOf(values.codes, values.halves, levels === "W8");
  if (format === null) return null;
  const scales = stored.scales.map((scale) => Math.abs(scale) / (values.halves ? 2 : 1));
  return withScales(values.codes, scales, { rows, cols, group, format });
}

/** A checkpoint of floats that are {-3, -1, 1, 3}·unit in groups of 64 or 32 already (golden/quantise/matrix.ts). */
export function keepLevels(weights: Float32Array, rows: number, cols: number): QuantisedMatrix | null {
  return recoverFourLevels(weights, rows, cols, 64) ?? recoverFourLevels(weights, rows, cols, 32) ?? null;
}

/** code - zero as whole numbers, or doubled where zeros lie between codes; signs of scales go into codes. */
function wholeCodes(
  { codes, zeros, scales, group }: StoredCodes,
  rows: number,
  cols: number,
): { readonly codes: Int8Array; readonly halves: boolean } | null {
  const groups = Math.ceil(cols / group);
  const halves = zeros?.some((zero) => !Number.isInteger(zero)) ?? false;
  if (halves && !zeros!.every((zero) => Math.abs(zero % 1) === 0.5)) return null;
  const out = new Int8Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cols; i++) {
      const g = row * groups + Math.floor(i / group);
      const value =
        (codes[row * cols + i]! - (zeros?.[g] ?? 0)) * (halves ? 2 : 1) * (scales[g]! < 0 ? -1 : 1);
      if (value < -128 || value > 127) return null;
      out[row * cols + i] = value;
    }
  }
  return { codes: out, halves };
}

function formatOf(codes: Int8Array, halves: boolean, wide: boolean): WeightFormat | null {
  let [low, high] = [0, 0];
  for (const code of codes) {
    low = Math.min(low, code);
    high = Math.max(high, code);
  }
  if (halves) return low >= -3 && high <= 3 ? "W2" : null;
  if (low >= -1 && high <= 1) return "TERNARY";
  if (low >= -8 && high <= 7) return "W4";
  return wide && low >= -119 && high <= 119 ? "W8" : null;
}

/** Rounds each scale to the mantissa of its row's exponent; null where a scale is beyond every mantissa. */
function withScales(
  codes: Int8Array,
  scales: Float32Array,
  about: {
    readonly rows: number;
    readonly cols: number;
    readonly group: number;
    readonly format: WeightFormat;
  },
): QuantisedMatrix | null {
  const { rows, cols, group, format } = about;
  const [stored, groups] = [Math.ceil(cols / group), Math.ceil(cols / GROUP)];
  const mantissas = new Uint8Array(rows * groups);
  const exponents = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const ofRow = scales.subarray(row * stored, (row + 1) * stored);
    const largest = ofRow.reduce((most, scale) => Math.max(most, scale), 0);
    if (!(largest <= 255)) return null;
    let exponent = 0;
    while (exponent < 31 && largest * power2(exponent + 1) <= 255) exponent++;
    exponents[row] = exponent;
    for (let g = 0; g < groups; g++)
      mantissas[row * groups + g] = Math.round(ofRow[Math.floor((g * GROUP) / group)]! * power2(exponent));
  }
  return { rows, cols, format, codes, mantissas, exponents };
}
