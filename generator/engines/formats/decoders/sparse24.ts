/** Decoders of golden/contract/formats.md, sections 3 to 5: the two kept codes of four columns and their columns, combinational. */
import { bool, cat, defineModule, lit, select, type Sig, uint, vec } from "../../../hdl/index.js";
import { errorUnless, fourLevels, VALUE_BITS, value, wordIn } from "./legal.js";

/** Kept code k is that of column index[k]. */
const keptOut = { value: vec(value, 2), index: vec(uint(2), 2), error: bool };

export const n24IndexDecoder = () =>
  defineModule(
    "n24_index_decoder",
    { in: wordIn(8), out: keptOut, doc: "Two of four, two indices of two bits." },
    ({ word, valid }) => {
      const index = [word.slice(5, 4).as("first"), word.slice(7, 6).as("second")];
      return {
        value: [fourLevels(word.slice(1, 0)), fourLevels(word.slice(3, 2))],
        index,
        error: errorUnless(index[0]!.lt(index[1]!), valid, "the indices of a quad ascend"),
      };
    },
  );

/** First and second column by position code; what an illegal code gives does not matter. */
const FIRST = [0, 0, 0, 1, 1, 2, 2, 2];
const SECOND = [1, 2, 3, 2, 3, 3, 3, 3];

const columnsOf = (position: Sig<"u", number>): Sig<"u", number>[] => {
  const table = (columns: readonly number[]) =>
    select(
      position,
      columns.map((c) => lit(uint(2), c)),
    );
  return [table(FIRST).as("first"), table(SECOND).as("second")];
};

export const n24PositionDecoder = () =>
  defineModule(
    "n24_position_decoder",
    { in: wordIn(7), out: keptOut, doc: "Two of four, the pair of columns in three bits." },
    ({ word, valid }) => {
      const position = word.slice(6, 4).as("position");
      return {
        value: [fourLevels(word.slice(1, 0)), fourLevels(word.slice(3, 2))],
        index: columnsOf(position),
        error: errorUnless(position.lt(6), valid, "a position code is 0 to 5"),
      };
    },
  );

export const ternary24Decoder = () =>
  defineModule(
    "ternary24_decoder",
    { in: wordIn(5), out: keptOut, doc: "Ternary two of four, signs and columns in five bits." },
    ({ word, valid }) => {
      const one = (positive: Sig<"u", 1>) => cat(positive.not(), lit(uint(1), 1)).asSigned();
      return {
        value: [word.bit(0), word.bit(1)].map((s) => one(s).resize(VALUE_BITS)),
        index: columnsOf(word.slice(4, 2).as("position")),
        error: errorUnless(word.lt(24), valid, "a joint code is 0 to 23"),
      };
    },
  );
