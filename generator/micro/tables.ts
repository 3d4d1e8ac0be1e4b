/**
 * The table ROM: the tables of golden/contract, one behind the other, as 16-bit words. Two of them hold 2^16, which 16 bits
 * do not: EXP2 and SIGMOID lie there less 2^15.
 */
import { EXP2, INV16, LOG16, RECIP, RSQRT, SIGMOID, SINE } from "../../golden/contract/tables.js";
import { TABLE_WORDS } from "./machine.js";

const PARTS = {
  /** [128] by (m >> 8) & 127. */
  recip: RECIP,
  /** [128] by 64·odd + ((m >> 9) & 63). */
  rsqrt: RSQRT,
  /** [257] by phase >> 8, 0..2^14. */
  sine: SINE,
  /** [257] SIGMOID - 2^15, by |gate| >> 8. */
  sigmoid: SIGMOID.map((v) => v - 32768),
  /** [65] EXP2 - 2^15, by fraction >> 4. */
  exp2: EXP2.map((v) => v - 32768),
  /** [16] of a scale byte's f. */
  inv16: INV16,
  log16: LOG16,
} as const;

export type TableName = keyof typeof PARTS;

function place(): { readonly base: Readonly<Record<TableName, number>>; readonly words: readonly number[] } {
  const base: Record<TableName, number> = {
    recip: 0,
    rsqrt: 0,
    sine: 0,
    sigmoid: 0,
    exp2: 0,
    inv16: 0,
    log16: 0,
  };
  const words: number[] = [];
  for (const name of Object.keys(base) as TableName[]) {
    base[name] = words.length;
    words.push(...PARTS[name]);
  }
  if (words.length > TABLE_WORDS) throw new RangeError(`tables of ${words.length} words, not ${TABLE_WORDS}`);
  return { base, words: [...words, ...Array<number>(TABLE_WORDS - words.length).fill(0)] };
}

const placed = place();
/** Where each table begins. */
export const TABLE_BASE = placed.base;
/** All 1,024 words; those behind the last table are 0. */
export const TABLE_ROM = placed.words;
