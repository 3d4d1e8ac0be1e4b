/** Scales as they flow: of matrices, of quantised vectors, and what softmax gives for one. Contract sections 0, 3, 4, 6. */
import { sint, uint } from "../hdl/index.js";
import { tokBits, toksBits } from "../engines/port.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { normSelect } from "./jobs.js";
import { squares } from "./squares.js";
import { SCALE_MANTISSA_BITS, SQUARES_BITS } from "./widths.js";

export const SCALE_EXPONENT_BITS = 12;
/** m·2^e, m = 0 or 2^15 <= m < 2^16. */
export const scale = { m: uint(SCALE_MANTISSA_BITS), e: sint(SCALE_EXPONENT_BITS) };
/** Scales of quantised vectors, contract section 3. */
export const vectorScale = { m: uint(SCALE_MANTISSA_BITS), e: sint(6) };
/** Softmax -> scaler: the sum SE and the largest exponent Emax of a head, one per values job. */
export const softmaxSum = { sum: uint(40), emax: sint(16) };

/** The part of a result job that says what its T is. */
export const scaleJob = (c: AcceleratorConfig) => ({
  scaling: uint(2), // SCALINGS
  scaleM: uint(SCALE_MANTISSA_BITS), // K
  scaleE: sint(10),
  scaleSlot: uint(log2(c.slots)),
  toks: uint(toksBits(c)),
  tok: uint(tokBits(c)),
  norm: normSelect(c), // NORMS
});
/** SS, s and E of one of the norms. */
export const normSum = { squares, epsilon: uint(SQUARES_BITS) };
