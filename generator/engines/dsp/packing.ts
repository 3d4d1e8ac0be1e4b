/**
 * Several products in one multiplier (AMD WP486; DSP-Packing, arXiv 2203.11028): values `spacing` bits apart in one operand, times the
 * other operand, summed along a cascade. A sum then holds one lane per value:
 *
 *   P = s_0 + s_1·2^spacing + s_2·2^(2·spacing)      -2^(spacing-1) <= s_k < 2^(spacing-1)
 *
 * A negative lane borrows 1 from the one above. Instead of adding it back per lane, the cascade starts at 2^(spacing-1) in every lane
 * but the top one: no lane is negative then, nothing is borrowed, and s_k is its field with the top bit inverted. So the correction
 * costs nothing, and is exact as long as the lanes hold their sums: for `depth` products.
 */
import { cat, fail, lit, type Sig, sint, uint } from "../../hdl/index.js";
import { range, type Signed } from "../digits.js";

export interface Packing {
  readonly lanes: number;
  readonly spacing: number;
  /** Products that a lane sums exactly. */
  readonly depth: number;
  /** Largest magnitude of a product. */
  readonly largest: number;
}

/** Products of so large a magnitude that a lane of so many bits sums exactly. */
export const exactDepth = (spacing: number, largest: number): number =>
  Math.floor((2 ** (spacing - 1) - 1) / largest);

/** Bits of a sum of so many products. */
export const sumBits = (products: number, largest: number): number =>
  Math.floor(Math.log2(products * largest)) + 2;

/** As many bits apart as the operand allows, but no more than `wanted` products need. */
export const packing = (o: {
  readonly operand: number;
  readonly lanes: number;
  /** Bits of the top value in the operand, one more where it lacks one as soon as a lower value is negative. */
  readonly value: number;
  readonly largest: number;
  readonly wanted: number;
}): Packing => {
  const { lanes, largest, wanted } = o;
  const widest = lanes === 1 ? o.operand : Math.floor((o.operand - o.value) / (lanes - 1));
  const spacing = Math.min(widest, sumBits(wanted, largest));
  const depth = Math.min(wanted, exactDepth(spacing, largest));
  if (depth < 2)
    fail(
      `${lanes} values of ${o.value} bits lie ${spacing} bits apart in an operand of ${o.operand} bits: ${depth} products of up to ${largest} are exact, a cascade needs 2; pack fewer values, or choose a family with wider multipliers`,
    );
  return { lanes, spacing, depth, largest };
};

/** What the cascade starts from. */
export const offset = ({ lanes, spacing }: Packing): bigint =>
  range(lanes - 1).reduce((sum, k) => sum | (1n << BigInt(k * spacing + spacing - 1)), 0n);

/** Values side by side in one operand. */
export const packed = ({ spacing }: Packing, values: readonly number[]): bigint =>
  values.reduce((sum, v, k) => sum + (BigInt(v) << BigInt(k * spacing)), 0n);

/**
 * Values as they are stored, `excess` too high, wired side by side; the pre-adder takes the excess off in every lane.
 * So the operand costs no logic.
 */
export const sideBySide = (
  p: Packing,
  stored: readonly Sig<"u", number>[],
  excess: number,
): { readonly multiplicand: Signed; readonly addend: Signed } => {
  const gap = lit(uint(p.spacing - stored[0]!.width), 0);
  const multiplicand = cat(
    ...stored
      .flatMap((value) => [gap, value])
      .slice(1)
      .reverse(),
  ).toSigned();
  const excesses = packed(
    p,
    stored.map(() => -excess),
  );
  return { multiplicand, addend: lit(sint(multiplicand.width), excesses) };
};

/** Bits of the sum of all lanes. */
export const packedBits = ({ lanes, spacing, largest }: Packing, products: number): number =>
  (lanes - 1) * spacing + sumBits(products, largest);

/** The lanes of a sum that started at `offset`. */
export const unpacked = (p: Packing, sum: Signed): Signed[] =>
  range(p.lanes).map((k) => {
    const lo = k * p.spacing;
    if (k === p.lanes - 1) return sum.shr(lo);
    const field = sum.slice(lo + p.spacing - 1, lo);
    return inverted(field);
  });

const inverted = (field: Sig<"u", number>): Signed => {
  const top = 2 ** (field.width - 1);
  return field.xor(top).asSigned();
};
