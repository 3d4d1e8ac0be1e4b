/** LOAD data: int16 (gain) or 32-bit words (kmean, rope), packed from the least significant bits. */
import { beatBytes } from "./beats.js";

const packWords = (
  count: number,
  bytes: number,
  rows: number,
  write: (view: DataView, i: number) => void,
): Uint8Array => {
  const beat = beatBytes(rows);
  const out = new Uint8Array(Math.ceil((count * bytes) / beat) * beat);
  const view = new DataView(out.buffer);
  for (let i = 0; i < count; i++) write(view, i);
  return out;
};

/** Beats of `count` entries of `bytes` bytes. */
export const constantBeats = (count: number, bytes: number, rows: number): number =>
  Math.ceil((count * bytes) / beatBytes(rows));

export const packGain = (gain: Int16Array, rows: number): Uint8Array =>
  packWords(gain.length, 2, rows, (view, i) => view.setInt16(2 * i, gain[i]!, true));

export const packWords32 = (words: Int32Array | Uint32Array, rows: number): Uint8Array =>
  packWords(words.length, 4, rows, (view, i) => view.setUint32(4 * i, words[i]! >>> 0, true));
