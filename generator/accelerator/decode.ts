/** Fields of an instruction word as signals, by the table of the instruction set. */
import type { Sig } from "../hdl/index.js";
import { BASE_BITS, BASE_REGISTERS, FIELDS, type Field, OPS, type Op } from "../isa/instruction.js";
import { type Bits, type Bool, range } from "../units/signals.js";

export type FieldWidth<F extends Field> = (typeof FIELDS)[F][1];

export const fieldOf = <F extends Field>(word: Bits, name: F): Sig<"u", FieldWidth<F>> => {
  const low: number = FIELDS[name][0];
  const width: FieldWidth<F> = FIELDS[name][1];
  return word.slice(low + width - 1, low).resize(width);
};

/** Increment (or value) of each base register but the first. */
export const incrementsOf = (word: Bits): Bits[] => {
  const [low] = FIELDS.increments;
  return range(BASE_REGISTERS - 1).map((i) =>
    word.slice(low + BASE_BITS * (i + 2) - 1, low + BASE_BITS * (i + 1)),
  );
};

/** Which operation an instruction is. */
export const operationOf = (op: Bits): Record<Op, Bool> => {
  const is = (name: Op): Bool => op.eq(OPS.indexOf(name)).as(`is_${name}`);
  return {
    halt: is("halt"),
    loop: is("loop"),
    end: is("end"),
    base: is("base"),
    next: is("next"),
    load: is("load"),
    emb: is("emb"),
    mv: is("mv"),
    quant: is("quant"),
    softmax: is("softmax"),
  };
};
