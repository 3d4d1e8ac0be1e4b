/** What all decoders of a weight format have in common: what they say about a word that no encoder writes. */
import { assertAlways, bool, type Sig, sint, type Ty, uint } from "../../../hdl/index.js";

/** A code as decoders give it: -3..3. */
export const VALUE_BITS = 3;
export const value: Ty<"s", number> = sint(VALUE_BITS);

export const wordIn = (bits: number) => ({ valid: bool, word: uint(bits) });

/** `error` for a word that is not legal; simulation stops there. */
export const errorUnless = (legal: Sig<"u", 1>, valid: Sig<"u", 1>, message: string): Sig<"u", 1> => {
  const error = valid.and(legal.not()).as("word_is_corrupt");
  assertAlways("word_is_legal", error.not(), message);
  return error;
};

/** The code 2u + 1 of a field u + 2. */
export const fourLevels = (field: Sig<"u", number>): Sig<"s", number> =>
  field.shl(1).toSigned().sub(3).wrap(VALUE_BITS);
