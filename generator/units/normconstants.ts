/** E of the norms that only some models have: registers that a LOAD of `norms` fills (isa/README.md). Contract section 4. */
import { cat, defineModule, reg, uint, vec, when } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits } from "../isa/config.js";
import { NORM_WORDS } from "../isa/instruction.js";
import { type ConstantWrite, constantWrite } from "./constants.js";
import { otherNorms } from "./jobs.js";
import type { Bits } from "./signals.js";
import { SQUARES_BITS } from "./widths.js";

const WORD = 32;

/** Registers for `bits` bits from a word of the LOAD on. */
const constant = (
  c: AcceleratorConfig,
  write: ConstantWrite,
  name: string,
  word: number,
  bits: number,
): Bits => {
  const perBeat = beatBits(c) / WORD;
  const parts = Array.from({ length: Math.ceil(bits / WORD) }, (_, i) => {
    const part = reg(`${name}_${i}`, uint(Math.min(WORD, bits - WORD * i)));
    const [beat, place] = [Math.floor((word + i) / perBeat), (word + i) % perBeat];
    when(write.enable.and(write.beat.eq(beat)), () =>
      part.set(write.data.slice(WORD * place + part.width - 1, WORD * place)),
    );
    return part;
  });
  return cat(...parts.reverse());
};

/** One E for each of `otherNorms`, in their order. */
export const normConstants = (c: AcceleratorConfig) =>
  defineModule(
    "norm_constants",
    {
      in: { write: constantWrite(c) },
      out: { epsilon: vec(uint(SQUARES_BITS), otherNorms(c).length) },
      doc: "Constants of norms: E of each (contract section 4).",
    },
    ({ write }) => ({
      epsilon: otherNorms(c).map((norm) =>
        constant(c, write, `epsilon_${norm}`, NORM_WORDS[norm], SQUARES_BITS),
      ),
    }),
  );
