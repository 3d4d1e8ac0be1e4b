/** For tests: options that between them use every mode of the DSP48 subset, and legal control words for them. */
import { between } from "../../library/testing.js";
import { type Drive, WARM_UP } from "./compare.testing.js";
import { type Dsp48Options, dsp48Config, type Generation, takesAB } from "./dsp48.js";

export const DSP48_SETS: readonly Dsp48Options[] = [
  {},
  { a: 2, b: 2, aCascade: 1, bCascade: 1 },
  { a: 2, b: 1, aCascade: 2, aFrom: "cascade", bFrom: "cascade" },
  { preAdder: { d: 1, ad: 1 } },
  { a: 2, preAdder: { d: 1, ad: 0 }, control: 1 },
  { a: 0, b: 0, c: 0, m: 0 },
  { m: 0, preAdder: { d: 0, ad: 1 } },
  { p: 0 },
  { multiplier: false, simd: "FOUR12" },
  { multiplier: false, simd: "TWO24", control: 1 },
  { multiplier: false, a: 2, b: 2 },
];

const TIED = [
  "CARRYCASCIN",
  "CARRYIN",
  "CARRYINSEL",
  "CECARRYIN",
  "MULTSIGNIN",
  "RSTA",
  "RSTALLCARRYIN",
  "RSTALUMODE",
  "RSTB",
  "RSTC",
  "RSTCTRL",
  "RSTD",
  "RSTINMODE",
  "RSTM",
  "RSTP",
];

const ENABLES = ["A1", "A2", "AD", "ALUMODE", "B1", "B2", "C", "CTRL", "D", "INMODE", "M", "P"];
/** Everything is enabled, and P is the product or A:B. */
const LOAD = {
  ...Object.fromEntries(ENABLES.map((register) => [`CE${register}`, 1n])),
  ALUMODE: 0n,
  INMODE: 0n,
};

/** Every legal OPMODE, ALUMODE and INMODE of the options, at random. */
export const dsp48Drive = (generation: Generation, options: Dsp48Options): Drive => {
  const k = dsp48Config(generation, options);
  return (random, cycle) => {
    const tied = Object.fromEntries(TIED.map((pin) => [pin, 0n]));
    if (cycle < WARM_UP) return { ...tied, ...LOAD, OPMODE: k.multiplier ? 5n : 3n };
    const pick = (from: readonly number[]): number => from[between(random, 0, from.length - 1)]!;
    const product = k.multiplier && random() < 0.6;
    const fed = k.p === 1;
    const x = product ? 1 : pick([0, ...(fed ? [2] : []), ...(takesAB(k) ? [3] : [])]);
    const y = product ? 1 : pick([0, 2, 3]);
    const z = pick(fed ? [0, 1, 2, 3, 5, 6] : [0, 1, 3, 5]);
    const w = generation.opmodeBits === 9 ? pick(fed ? [0, 1, 2, 3] : [0, 2, 3]) : 0;
    const inmode =
      (k.a === 2 ? pick([0, 1]) : 0) |
      (random() < 0.2 ? 2 : 0) |
      (k.preAdder ? pick([0, 4, 8, 12]) : 0) |
      (k.b === 2 ? pick([0, 16]) : 0);
    return {
      OPMODE: BigInt(x | (y << 2) | (z << 4) | (w << 7)),
      ALUMODE: BigInt(pick([0, 0, 1, 2, 3])),
      INMODE: BigInt(inmode),
      ...tied,
    };
  };
};
