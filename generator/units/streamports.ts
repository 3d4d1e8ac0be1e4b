/** What flows in and out of the stream unit beside jobs and beats. */
import { bool, uint, vec } from "../hdl/index.js";
import { GROUP, MANTISSA_BITS } from "../engines/port.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import { NORM_WORD_COUNT } from "../isa/instruction.js";
import { hasNorms, ramBits } from "./jobs.js";

const LARGEST_ENTRY_BITS = 32;
/** Bits of the index of a probability word. */
export const probabilityWordBits = (c: AcceleratorConfig): number => Math.max(1, log2(c.context / GROUP));
/** Bits of the index of a word of activations or probabilities. */
export const wordBits = (c: AcceleratorConfig): number => Math.max(log2(c.actWords), probabilityWordBits(c));
/** Bits of the index of a beat in a constant RAM. */
export const loadBeatBits = (c: AcceleratorConfig): number => {
  // entries of 32 bits; gains take 16
  const entries = Math.max(
    ...[c.gainEntries / 2, c.kmeanEntries, c.ropeEntries],
    c.features.subNorms ? c.subGainEntries / 2 : 0,
    hasNorms(c) ? NORM_WORD_COUNT : 0,
    c.features.bias ? c.biasEntries : 0,
    c.features.qkNorm ? c.headDim : 0,
  );
  return Math.max(1, Math.ceil(Math.log2((LARGEST_ENTRY_BITS * entries) / beatBits(c))));
};

/** Four of the 32 int8 of an activation word. */
export const activationWrite = (c: AcceleratorConfig) => ({
  enable: bool,
  word: uint(log2(c.actWords)),
  quad: uint(3),
  data: uint(32),
});
/** Asks for a word of 32 probabilities and its μ; the answer comes in the next cycle and stays until the next enable. */
export const probabilityRead = (c: AcceleratorConfig) => ({
  enable: bool,
  buffer: bool,
  word: uint(probabilityWordBits(c)),
});
export const probabilityWord = { p: vec(uint(7), GROUP), mantissa: uint(MANTISSA_BITS) };
/** One beat of a LOAD, for the constant RAM `ram`. */
export const constantLoad = (c: AcceleratorConfig) => ({
  enable: bool,
  ram: uint(ramBits(c)),
  beat: uint(loadBeatBits(c)),
  data: uint(beatBits(c)),
});
