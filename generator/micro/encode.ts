/** A microinstruction as a word and as text: the bit layout that machine.ts states. */
import { bitsOf, FIELDS, type Field, IMM_BITS, type Micro, TARGET_BITS } from "./machine.js";

export const FIELD_NAMES = Object.keys(FIELDS) as readonly Field[];

/** Lowest bit of every coded field, then of `imm` and `target`. */
export const POSITIONS: { readonly [F in Field | "imm" | "target"]: number } = (() => {
  const at: Partial<Record<Field | "imm" | "target", number>> = {};
  let bit = 0;
  for (const field of FIELD_NAMES) {
    at[field] = bit;
    bit += bitsOf(field);
  }
  return { ...at, imm: bit, target: bit + IMM_BITS } as Record<Field | "imm" | "target", number>;
})();

export function encode(micro: Micro): bigint {
  let word = 0n;
  for (const field of FIELD_NAMES) {
    const code = codes(field).indexOf(micro[field] ?? codes(field)[0]!);
    word |= BigInt(code) << BigInt(POSITIONS[field]);
  }
  word |= BigInt(micro.imm ?? 0) << BigInt(POSITIONS.imm);
  return word | (BigInt(micro.target ?? 0) << BigInt(POSITIONS.target));
}

/** The microinstruction of a word, without the fields that do nothing. Throws a RangeError for a code that is none. */
export function decode(word: bigint): Micro {
  const micro: Record<string, string | number> = {};
  for (const field of FIELD_NAMES) {
    const code = Number(bits(word, POSITIONS[field], bitsOf(field)));
    const name = codes(field)[code];
    if (name === undefined) throw new RangeError(`field ${field} has no code ${code}`);
    if (code > 0) micro[field] = name;
  }
  const imm = Number(bits(word, POSITIONS.imm, IMM_BITS));
  const target = Number(bits(word, POSITIONS.target, TARGET_BITS));
  if (imm > 0) micro.imm = imm;
  if (target > 0) micro.target = target;
  return micro as Micro;
}

/** One line for people: the fields that do something, in their order. */
export function describe(micro: Micro, target?: string): string {
  const parts = FIELD_NAMES.flatMap((field) => {
    const code = micro[field];
    return code === undefined || code === codes(field)[0] ? [] : [`${field}:${code}`];
  });
  if (usesImm(micro)) parts.push(`imm=${micro.imm ?? 0}`);
  if (usesTarget(micro)) parts.push(`-> ${target ?? micro.target ?? 0}`);
  return parts.length === 0 ? "(nothing)" : parts.join(" ");
}

/** Fields that look at `imm`, each with the bits of it that they take. */
export function immUses(micro: Micro): readonly { readonly field: Field; readonly mask: number }[] {
  const uses: { field: Field; mask: number }[] = [];
  if (micro.vr === "imm") uses.push({ field: "vr", mask: 0x3ff });
  if (micro.vw === "imm") uses.push({ field: "vw", mask: 0x3ff });
  if (micro.my === "imm") uses.push({ field: "my", mask: 0xffff });
  if (micro.q === "floorImm" || micro.q === "roundImm") uses.push({ field: "q", mask: 0x3f });
  if (micro.tb !== undefined && micro.tb !== "none") uses.push({ field: "tb", mask: 0x3ff });
  const mask = miscMask(micro);
  if (mask > 0) uses.push({ field: "misc", mask });
  return uses;
}

function miscMask({ misc }: Micro): number {
  if (misc === undefined || !misc.endsWith("=imm")) return 0;
  if (misc === "seek=imm") return 0x3fff;
  return misc === "ar=imm" || misc === "aw=imm" ? 0x1ff : 0x3ff;
}

const usesImm = (micro: Micro): boolean => immUses(micro).length > 0;

/** Whether `seq` goes to `target`. */
export const usesTarget = ({ seq }: Micro): boolean =>
  seq !== undefined && seq !== "next" && seq !== "ret" && seq !== "wait";

const codes = (field: Field): readonly string[] => FIELDS[field];

const bits = (word: bigint, from: number, count: number): bigint =>
  (word >> BigInt(from)) & ((1n << BigInt(count)) - 1n);
