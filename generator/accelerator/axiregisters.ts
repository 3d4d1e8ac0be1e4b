/** Registers of isa/registers.ts as hardware: storage of what the host writes, and one answer for what it reads. */
import { cat, lit, type Of, reg, select, type Sig, uint, when } from "../hdl/index.js";
import type { Flags, Register, RegisterMap } from "../isa/registers.js";
import type { liteWrite } from "../library/axi/lite.js";

type Bool = Sig<"u", 1>;
type Bits = Sig<"u", number>;
const WORD = 32;
const BYTE = 8;

/** A write to a register, taken in this cycle. */
export interface HostWrite {
  readonly taken: Bool;
  /** Number of the word in the map. */
  readonly payload: Of<ReturnType<typeof liteWrite>>;
}

/** The new value of a word: bytes without strobe keep the old one. */
const merged = (old: Bits, { payload: { data, strobe } }: HostWrite): Bits =>
  cat(
    ...Array.from({ length: Math.ceil(old.width / BYTE) }, (_, i) => {
      const hi = Math.min(old.width, BYTE * (i + 1)) - 1;
      return select(strobe.bit(i), [old.slice(hi, BYTE * i), data.slice(hi, BYTE * i)]);
    }).reverse(),
  );

const hits = (w: HostWrite, offset: number): Bool => w.taken.and(w.payload.word.eq(offset / 4));

/** Pointers and scalars: registers of the host, by name. */
export const stored = (map: RegisterMap, w: HostWrite): ReadonlyMap<string, Bits> =>
  new Map(
    map.registers.flatMap((r) => {
      if (r.kind !== "pointer" && r.kind !== "scalar") return [];
      const words = Array.from({ length: r.width / WORD }, (_, i) => {
        const word = reg(`${r.name}${r.width === WORD ? "" : i === 0 ? "_low" : "_high"}`, uint(WORD), {
          reset: 0,
        });
        when(hits(w, r.offset + 4 * i), () => word.set(merged(word, w)));
        return word;
      });
      return [[r.name, cat(...words.reverse())] as const];
    }),
  );

/** The bits that the host has written in a word of flags; `word` says which word is meant, bit by bit. */
export const written = (
  map: RegisterMap,
  w: HostWrite,
  register: string,
  field: string,
): { readonly hit: Bool; readonly bit: Bool } => {
  const { offset, bit } = fieldOf(map, register, field);
  const strobe = w.payload.strobe.bit(Math.floor(bit / BYTE));
  return { hit: hits(w, offset).and(strobe), bit: w.payload.data.bit(bit) };
};

const flagsOf = (map: RegisterMap, register: string): Flags => {
  const r = map.registers.find((x) => x.name === register);
  if (r?.kind !== "flags") throw new Error(`the map has no flags '${register}'`);
  return r;
};
const fieldOf = (map: RegisterMap, register: string, field: string): { offset: number; bit: number } => {
  const r = flagsOf(map, register);
  const f = r.fields.find((x) => x.name === field);
  if (f === undefined) throw new Error(`the flags '${register}' have no '${field}'`);
  return { offset: r.offset, bit: f.bit };
};

/** What a register reads as. */
export type Readable = (r: Register) => Bits;

/** Flags as a word: each field where it lies, zeros elsewhere. */
export const flagWord = (
  map: RegisterMap,
  register: string,
  fields: Readonly<Record<string, Bool>>,
): Bits => {
  const r = flagsOf(map, register);
  const bits = Array.from({ length: WORD }, (_, i): Bits => {
    const field = r.fields.find((f) => f.bit === i);
    if (field === undefined || field.access === "command") return lit(uint(1), 0);
    const value = fields[field.name];
    if (value === undefined) throw new Error(`nobody says what '${register}.${field.name}' is`);
    return value;
  });
  return cat(...bits.reverse());
};

/** The 32 bits at a word of the map; 0 where there is no register. */
export const answerOf = (map: RegisterMap, word: Bits, value: Readable): Bits =>
  select(
    word,
    map.registers.flatMap((r): [number, Bits][] => {
      const bits = value(r);
      const low: [number, Bits] = [r.offset / 4, bits.slice(Math.min(WORD, bits.width) - 1, 0).resize(WORD)];
      if (r.width === WORD) return [low];
      const high = bits.width <= WORD ? lit(uint(WORD), 0) : bits.slice(bits.width - 1, WORD).resize(WORD);
      return [low, [r.offset / 4 + 1, high]];
    }),
    lit(uint(WORD), 0),
  );
