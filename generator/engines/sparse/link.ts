/**
 * One link of the chain: a multiplier and an adder. In the fabric an adder for 3a and a multiplexer per token; in a DSP slice one
 * multiplier for both tokens: two activations share its weight, `lane` bits apart (FlightLLM, arXiv 2401.03868, CSD-Chain; AMD WP486).
 */
import { cat, type Cut, lit, replicate, select, type Sig, sint, uint } from "../../hdl/index.js";
import type { Signed } from "../digits.js";
import type { Family } from "../kernel.js";

/** Largest magnitude of a weight and of an activation. */
export const LARGEST_WEIGHT = 3;
export const LARGEST_ACTIVATION = 127;

/** Bits of the sum of so many products; -128 fits too, which costs a bit at few depths. */
export const sumBits = (depth: number): number =>
  Math.floor(Math.log2(depth * LARGEST_WEIGHT * (LARGEST_ACTIVATION + 1))) + 2;

/** Products that a lane of so many bits sums exactly: 18 bits 344, 17 bits 172. */
export const exactDepth = (lane: number): number =>
  Math.floor((2 ** (lane - 1) - 1) / (LARGEST_WEIGHT * LARGEST_ACTIVATION));

export interface Link {
  /** Bits between the activations of two tokens in one multiplier of a DSP slice; null in the fabric. */
  readonly lane: number | null;
  /** Products that may meet in one sum. */
  readonly depth: number;
  /** What meets the weight, of the activations of all tokens; the pre-adder of a slice has a register. */
  operands(activations: readonly Signed[], cut: Cut): Signed[];
  /** Operand times weight, -3..3, in the form that `accumulate` takes. */
  multiply(operand: Signed, weight: Signed): Signed;
  /** The sum so far and a product. */
  accumulate(before: Signed, product: Signed): Signed;
  /** Bits of a sum of so many products. */
  width(tokens: number, depth: number): number;
  /** The sums of all tokens from those of the operands. */
  extract(sums: readonly Signed[], tokens: number): Signed[];
}

/**
 * |w|·a by choice among 0, a, 2a and 3a; a negative product is all its bits inverted and a carry into the adder, 1 at the lowest
 * place of what `multiply` gives. So a multiplication costs one adder, for 3a, besides the chain's own.
 */
const fabric: Link = {
  lane: null,
  depth: exactDepth(18),
  operands: (activations) => [...activations],
  multiply: (a, weight) => {
    const thrice = a.shl(1).add(a).as("thrice");
    const negative = weight.bit(2);
    const magnitude = cat(weight.bit(1).xor(negative.and(weight.bit(0))), weight.bit(0)); // -4 does not occur
    const product = select(magnitude, [lit(sint(10), 0), a.extend(10), a.shl(1).extend(10), thrice]);
    return cat(product.asUnsigned().xor(replicate(negative, 10)), negative).asSigned();
  },
  accumulate: (before, product) =>
    cat(before.asUnsigned(), lit(uint(1), 1))
      .asSigned()
      .add(product)
      .shr(1),
  width: (_, depth) => sumBits(depth),
  extract: (sums) => [...sums],
};

/** (a1·2^lane + a0)·w: the upper sum lacks 1 where the lower one is negative. */
const packed = (lane: number): Link => ({
  lane,
  depth: exactDepth(lane),
  operands: ([a0, a1]) => [
    a1 === undefined
      ? a0!
      : a1
          .shl(lane)
          .add(a0!)
          .wrap(lane + 8),
  ],
  multiply: (operand, weight) => operand.mul(weight),
  accumulate: (before, product) => before.add(product),
  width: (tokens, depth) => sumBits(depth) + (tokens - 1) * lane,
  extract: ([sum], tokens) => {
    if (tokens === 1) return [sum!];
    const low = sum!.slice(lane - 1, 0).asSigned();
    const borrow: Sig<"u", 1> = sum!.bit(lane - 1);
    return [
      low,
      sum!
        .shr(lane)
        .add(borrow.toSigned())
        .wrap(sum!.width - lane),
    ];
  },
});

/** Ports of multipliers: 27 bits in a DSP48E2, 25 in a DSP48E1, so that two activations of 8 bits lie 18 or 17 bits apart. */
export const linkOf = (family: Family): Link =>
  family === "xcup" ? packed(18) : family === "xc7" ? packed(17) : fabric;
