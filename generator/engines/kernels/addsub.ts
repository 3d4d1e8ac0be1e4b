/**
 * Sums of terms that carry a sign apart: one adder per pair adds or subtracts, so that nobody negates. A sum takes the
 * sign of its first term, hence only the relative signs meet adders; in a LUT and carry chain they cost nothing.
 */
import { cat, type Cut, lit, replicate, type Sig, sint, sum, uint } from "../../hdl/index.js";
import { range, type Signed } from "../digits.js";

type Bool = Sig<"u", 1>;

/** `value`, or minus `value` where `negative`. */
export interface Term {
  readonly value: Signed;
  readonly negative: Bool;
}

/**
 * a + b where `add`, else a - b: a - (b ^ add) - add, the last by a borrow from a bit below. Yosys gives a carry chain its
 * first operand as it is and takes gates before the second one of a subtraction into the LUT, not so of an addition.
 */
export const addOrSubtract = (a: Signed, b: Signed, add: Bool): Signed => {
  const width = Math.max(a.width, b.width) + 1;
  const flipped = b.extend(width).asUnsigned().xor(replicate(add, width));
  const borrowed = cat(a.extend(width), lit(uint(1), 0)).subMod(cat(flipped, add));
  return borrowed.slice(width, 1).asSigned();
};

/** The sum of two terms, as a term. */
export const addTerms = (a: Term, b: Term): Term => ({
  value: addOrSubtract(a.value, b.value, a.negative.eq(b.negative)),
  negative: a.negative,
});

/** Sums of neighbours, one level of a tree; an odd last one passes. */
export const pairsOfTerms = (terms: readonly Term[]): Term[] =>
  range(Math.ceil(terms.length / 2)).map((i) => {
    const [a, b] = [terms[2 * i]!, terms[2 * i + 1]];
    return b === undefined ? a : addTerms(a, b);
  });

/** The sum of all terms, a register after every two levels but the last. */
export const sumOfTerms = (terms: readonly Term[], cut: Cut): Term => {
  const four = pairsOfTerms(pairsOfTerms(terms));
  return four.length === 1 ? four[0]! : sumOfTerms(cut(four), cut);
};

/** The value of a term, its sign applied. */
export const settled = ({ value, negative }: Term): Signed =>
  addOrSubtract(lit(sint(1), 0), value, negative.not());

/** A sum, a register after every level down to four: else Yosys makes carry-save adders of two levels, at twice the LUTs. */
export const sumByLevels = (values: readonly Signed[], cut: Cut): Signed => {
  if (values.length <= 4) return sum(values);
  const level = range(values.length / 2).map((i) => cut(values[2 * i]!.add(values[2 * i + 1]!)));
  return sumByLevels(level, cut);
};
