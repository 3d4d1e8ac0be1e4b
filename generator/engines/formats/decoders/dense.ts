/** Decoders of golden/contract/formats.md, sections 1 and 2: all columns of a word, combinational. */
import { bool, defineModule, lit, mux, type Sig, uint, vec } from "../../../hdl/index.js";
import { errorUnless, fourLevels, VALUE_BITS, value, wordIn } from "./legal.js";

export const w2Decoder = () =>
  defineModule(
    "w2_decoder",
    { in: wordIn(8), out: { value: vec(value, 4), error: bool }, doc: "Four codes of two bits." },
    ({ word }) => ({
      value: [0, 1, 2, 3].map((i) => fourLevels(word.slice(2 * i + 1, 2 * i)).as(`code_${i}`)),
      error: lit(bool, 0),
    }),
  );

/** A digit of base 3 off the top: at each step the rest is below 3·place. */
const split = (
  rest: Sig<"u", number>,
  place: number,
  name: string,
): { digit: Sig<"u", number>; rest: Sig<"u", number> } => {
  const two = rest.ge(2 * place).as(`${name}_is_2`);
  const some = rest.ge(place).as(`${name}_is_not_0`);
  const width = place === 1 ? 1 : Math.ceil(Math.log2(place));
  const taken = mux(two, lit(uint(rest.width), 2 * place), mux(some, lit(uint(rest.width), place), 0));
  return { digit: mux(two, lit(uint(2), 2), some.extend(2)), rest: rest.subMod(taken).wrap(width) };
};

/** Compare and subtract 81, 27, 9 and 3: what TerEffic's decoder and ternfpga's unpacker do with a table. */
export const ternary5Decoder = () =>
  defineModule(
    "ternary5_decoder",
    {
      in: wordIn(8),
      out: { value: vec(value, 5), error: bool },
      doc: "Five ternary codes of a byte, base 3.",
    },
    ({ word, valid }) => {
      const digits: Sig<"u", number>[] = [];
      let rest: Sig<"u", number> = word;
      for (const i of [4, 3, 2, 1]) {
        const step = split(rest, 3 ** i, `digit_${i}`);
        digits.unshift(step.digit);
        rest = step.rest.as(`below_${3 ** i}`);
      }
      digits.unshift(rest);
      return {
        value: digits.map((d, i) => d.toSigned().sub(1).resize(VALUE_BITS).as(`code_${i}`)),
        error: errorUnless(word.lt(243), valid, "a byte of five ternary codes is 0 to 242"),
      };
    },
  );
