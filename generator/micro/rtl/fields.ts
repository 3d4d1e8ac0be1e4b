/** The microinstruction as signals: its word taken apart, and a field compared with its codes. */
import { anyOf, type Sig, type Ty, uint } from "../../hdl/index.js";
import { bitsOf, type Code, type Field, FIELDS, IMM_BITS, TARGET_BITS } from "../machine.js";

export type Bool = Sig<"u", 1>;
export type Bits = Sig<"u", number>;
export type Int = Sig<"s", number>;

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A field's port: its code. */
export const field = (f: Field): Ty<"u", number> => uint<number>(bitsOf(f));

export type Instruction = Readonly<Record<Field | "imm" | "target", Bits>>;

/** The fields lie in the word in the order of FIELDS, lowest first; then `imm`, then `target`. */
export const fieldsOf = (word: Bits): Instruction => {
  let at = 0;
  const take = (bits: number): Bits => {
    at += bits;
    return word.slice(at - 1, at - bits);
  };
  const coded = Object.fromEntries((Object.keys(FIELDS) as Field[]).map((f) => [f, take(bitsOf(f))]));
  return { ...(coded as Record<Field, Bits>), imm: take(IMM_BITS), target: take(TARGET_BITS) };
};

/** Whether a field has one of these codes. */
export const has = <F extends Field>(f: F, code: Bits, ...codes: readonly Code<F>[]): Bool =>
  anyOf(codes.map((c) => code.eq((FIELDS[f] as readonly string[]).indexOf(c))));
/** The number of a code, for `select`. */
export const numberOf = <F extends Field>(f: F, code: Code<F>): number =>
  (FIELDS[f] as readonly string[]).indexOf(code);
