/**
 * How a wide memory port lies over several AXI ports. A beat of `beatBits` is cut into as many slices as there are channels;
 * slice c of every beat lies in channel c's memory, at beat · sliceBits / 8 from channel c's pointer. A slice is several words
 * of a channel, or several slices lie in one word.
 */
import { fail } from "../../hdl/index.js";
import { isPowerOfTwo, sizeOf } from "./ports.js";

export interface Split {
  /** Width of a beat of the memory port. */
  readonly beatBits: number;
  /** Bits of the address of a beat, and of a request's count of beats. */
  readonly addressBits: number;
  readonly countBits: number;
  readonly channels: number;
  /** Width of a channel's words. */
  readonly dataBits: number;
}
const NIBBLE = 4;
const log2 = (n: number): number => Math.round(Math.log2(n));

export const sliceBits = (s: Split): number => s.beatBits / s.channels;
/** Words of a channel that make its slice; 1 where a word holds several. */
export const wordsPerBeat = (s: Split): number => Math.max(1, sliceBits(s) / s.dataBits);
/** Beats that a word holds a slice of; 1 where a slice has several words. */
export const beatsPerWord = (s: Split): number => Math.max(1, s.dataBits / sliceBits(s));
/** Bits of the number of a word in its channel. */
export const wordBits = (s: Split): number => s.addressBits + log2(wordsPerBeat(s)) - log2(beatsPerWord(s));
/** What a write is cut into: words, or slices where these are smaller. */
export const pieceBits = (s: Split): number => Math.min(sliceBits(s), s.dataBits);
/** What a channel delivers: a slice, or a word of several. */
export const deliveredBits = (s: Split): number => Math.max(sliceBits(s), s.dataBits);
export const channelBits = (s: Split): number => Math.max(1, log2(s.channels));
export const shiftOf = (s: Split): number => sizeOf(s.dataBits);

export const checkSplit = (s: Split): void => {
  if (!isPowerOfTwo(s.channels) || s.channels > 32)
    fail(`a memory port is split over 1, 2, 4, 8, 16 or 32 AXI masters; these are ${s.channels}`);
  if (!isPowerOfTwo(s.beatBits)) fail(`a split beat is a power of two wide; this one has ${s.beatBits} bits`);
  if (sliceBits(s) < 2 * NIBBLE)
    fail(
      `${s.channels} AXI masters leave ${sliceBits(s)} bits of a beat of ${s.beatBits} for each; a byte is the least: at most ${s.beatBits / 8} masters`,
    );
};

/** The end of a module's name. */
export const splitName = (s: Split): string => `${s.beatBits}over${s.channels}x${s.dataBits}`;
