/** What lies in the flash: the stream of a model, and behind it the CRC by which the loader knows it (crc.ts). */
import { WORD_BITS } from "../machine.js";
import type { MicroContents } from "../rtl/micro.js";
import { CRC_BITS, crc32 } from "./crc.js";
import { identityOf } from "./link.js";

/** Words of `bits` as bytes, low first, each word in whole bytes. */
const bytesOf = (words: readonly bigint[], bits: number): Uint8Array => {
  const each = Math.ceil(bits / 8);
  const bytes = new Uint8Array(each * words.length);
  for (const [i, word] of words.entries())
    for (let k = 0; k < each; k++) bytes[each * i + k] = Number((word >> BigInt(8 * k)) & 255n);
  return bytes;
};

/** 32 bits that name the microprogram and its tables. */
export const programIdentity = ({ program, tables }: MicroContents): number =>
  crc32(bytesOf(tables, 16), crc32(bytesOf(program, WORD_BITS), 2 ** CRC_BITS - 1));

export interface FlashContents {
  readonly bytes: Uint8Array;
  /** By which the chip is known over its link: model and microprogram. */
  readonly id: number;
}

/** `words`: the stream, as the loader writes it from word 0 on. */
export const flashContents = (contents: MicroContents, words: readonly bigint[]): FlashContents => {
  const stream = bytesOf(words, 64);
  const crc = crc32(stream, programIdentity(contents));
  const bytes = new Uint8Array(stream.length + CRC_BITS / 8);
  bytes.set(stream);
  new DataView(bytes.buffer).setUint32(stream.length, crc, false);
  return { bytes, id: identityOf(crc) };
};
