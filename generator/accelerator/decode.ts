/** Fields of an instruction word as signals, by the table of the instruction set. */
import type { Sig } from "../hdl/index.js";
import { BASE_BITS, BASE_REGISTERS, FIELDS, type Field } from "../isa/instruction.js";

type U = Sig<"u", number>;

export const fieldOf = (word: U, name: Field): U => {
  const [low, width] = FIELDS[name];
  return word.slice(low + width - 1, low) as U;
};

/** Increment (or value) of each base register but the first. */
export const incrementsOf = (word: U): U[] => {
  const [low] = FIELDS.increments;
  return Array.from(
    { length: BASE_REGISTERS - 1 },
    (_, i) => word.slice(low + BASE_BITS * (i + 2) - 1, low + BASE_BITS * (i + 1)) as U,
  );
};
