/** E (and K_knorm) of the norms that only some models have: registers that a LOAD of `norms` fills (isa/README.md). Contract sections 4 and 5a. */
import { cat, defineModule, type Of, reg, type Sig, sint, uint, vec, when } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, where } from "../isa/config.js";
import { NORM_WORDS } from "../isa/instruction.js";
import { type ConstantWrite, constantWrite } from "./constants.js";
import { otherNorms } from "./jobs.js";
import { SCALE_MANTISSA_BITS, SQUARES_BITS } from "./widths.js";

const WORD = 32;
/** K's exponent, as the instruction word has it. */
const SCALE_EXPONENT_FIELD = 10;

/** Registers for `bits` bits from a word of the LOAD on. */
const constant = <W extends number>(
  c: AcceleratorConfig,
  write: ConstantWrite,
  name: string,
  word: number,
  bits: W,
): Sig<"u", W> => {
  const perBeat = beatBits(c) / WORD;
  const parts = Array.from({ length: Math.ceil(bits / WORD) }, (_, i) => {
    const part = reg(`${name}_${i}`, uint(Math.min(WORD, bits - WORD * i)));
    const [beat, place] = [Math.floor((word + i) / perBeat), (word + i) % perBeat];
    when(write.enable.and(write.beat.eq(beat)), () =>
      part.set(write.data.slice(WORD * place + part.width - 1, WORD * place)),
    );
    return part;
  });
  return cat(...parts.reverse()).resize(bits);
};

/** E and K_knorm of the norm of keys, which the cache writer computes. */
export const keyNormConstants = {
  epsilon: uint(SQUARES_BITS),
  m: uint(SCALE_MANTISSA_BITS),
  e: sint(SCALE_EXPONENT_FIELD),
};

const keyConstants = (c: AcceleratorConfig, write: ConstantWrite): Of<typeof keyNormConstants> => ({
  epsilon: constant(c, write, "epsilon_key", NORM_WORDS.key, SQUARES_BITS),
  m: constant(c, write, "key_m", NORM_WORDS.keyScale, SCALE_MANTISSA_BITS),
  e: constant(c, write, "key_e", NORM_WORDS.keyScale + 1, SCALE_EXPONENT_FIELD).asSigned(),
});

/** One E for each of `otherNorms`, in their order; those of keys where they have a norm. */
export const normConstants = (c: AcceleratorConfig) =>
  defineModule(
    "norm_constants",
    {
      in: { write: constantWrite(c) },
      out: {
        epsilon: vec(uint(SQUARES_BITS), otherNorms(c).length),
        key: vec(keyNormConstants, where(c.features.qkNorm)),
      },
      doc: "Constants of norms: E of each (contract section 4).",
    },
    ({ write }) => ({
      epsilon: otherNorms(c).map((norm) =>
        constant(c, write, `epsilon_${norm}`, NORM_WORDS[norm], SQUARES_BITS),
      ),
      key: c.features.qkNorm ? [keyConstants(c, write)] : [],
    }),
  );
