/**
 * The DSP48 slice of 7-series and UltraScale+, the part that the kernels use (UG479 figure 2-1, UG579 figure 2-1):
 * A and B with up to two registers and a cascade, pre-adder D ± A, multiplier, four-input ALU with SIMD and the P cascade.
 * Outside of this subset, and tied off: resets, carries (in, cascade, select), pattern detector, logic functions of the
 * ALU, wide XOR, the rounding constant (0), the pre-adder on B.
 */
import { bool, fail, type Given, type Of, sint, uint } from "../../hdl/index.js";

/** What differs between the generations. */
export interface Generation {
  readonly primitive: "DSP48E1" | "DSP48E2";
  /** Bits of A, of 30, that reach pre-adder and multiplier; width of D. */
  readonly multiplicand: 25 | 27;
  readonly opmodeBits: 7 | 9;
}
export const DSP48E1: Generation = { primitive: "DSP48E1", multiplicand: 25, opmodeBits: 7 };
export const DSP48E2: Generation = { primitive: "DSP48E2", multiplicand: 27, opmodeBits: 9 };

export type Simd = "ONE48" | "TWO24" | "FOUR12";

/** Registers by their number; what is left out has the value in parentheses. */
export interface Dsp48Options {
  /** A and B (1), and how many of their registers the cascade out passes (all). */
  readonly a?: 0 | 1 | 2;
  readonly b?: 0 | 1 | 2;
  readonly aCascade?: 0 | 1 | 2;
  readonly bCascade?: 0 | 1 | 2;
  /** Where A and B come from ("direct"); "cascade" is ACIN, BCIN. */
  readonly aFrom?: "direct" | "cascade";
  readonly bFrom?: "direct" | "cascade";
  /** The multiplicand is A, or D ± A with the registers of D and of the sum (none). */
  readonly preAdder?: { readonly d: 0 | 1; readonly ad: 0 | 1 };
  /** Product register (1); no multiplier at all, as SIMD needs. */
  readonly m?: 0 | 1;
  readonly multiplier?: boolean;
  readonly c?: 0 | 1;
  readonly p?: 0 | 1;
  /** Registers of OPMODE, ALUMODE and INMODE (0). */
  readonly control?: 0 | 1;
  readonly simd?: Simd;
}

export interface Dsp48Config {
  readonly generation: Generation;
  readonly a: number;
  readonly b: number;
  readonly aCascade: number;
  readonly bCascade: number;
  readonly aFrom: "direct" | "cascade";
  readonly bFrom: "direct" | "cascade";
  readonly preAdder: boolean;
  readonly d: number;
  readonly ad: number;
  readonly m: number;
  readonly multiplier: boolean;
  readonly c: number;
  readonly p: number;
  readonly control: number;
  readonly simd: Simd;
}

const cascaded = (name: "A" | "B", registers: number, passed: number): void => {
  const legal = registers === 2 ? [1, 2] : [registers];
  if (!legal.includes(passed))
    fail(
      `the ${name} cascade of a slice with ${registers} ${name} register(s) passes ${legal.join(" or ")} of them, not ${passed}`,
    );
};

/** Options with everything filled in; refuses what the slice cannot do. */
export const dsp48Config = (generation: Generation, o: Dsp48Options): Dsp48Config => {
  const { a = 1, b = 1, simd = "ONE48", multiplier = true, preAdder } = o;
  const config = {
    generation,
    a,
    b,
    aCascade: o.aCascade ?? a,
    bCascade: o.bCascade ?? b,
    aFrom: o.aFrom ?? "direct",
    bFrom: o.bFrom ?? "direct",
    preAdder: preAdder !== undefined,
    d: preAdder?.d ?? 0,
    ad: preAdder?.ad ?? 0,
    m: multiplier ? (o.m ?? 1) : 0,
    multiplier,
    c: o.c ?? 1,
    p: o.p ?? 1,
    control: o.control ?? 0,
    simd,
  } as const;
  cascaded("A", a, config.aCascade);
  cascaded("B", b, config.bCascade);
  if (multiplier && simd !== "ONE48")
    fail(
      `${generation.primitive}: the multiplier needs all 48 bits of the ALU; SIMD ${simd} goes with \`multiplier: false\``,
    );
  if (!multiplier && preAdder !== undefined)
    fail(
      `${generation.primitive}: the pre-adder leads only to the multiplier; with \`multiplier: false\` leave \`preAdder\` out`,
    );
  if (!multiplier && o.m === 1)
    fail(`${generation.primitive}: a product register without multiplier; leave \`m\` out`);
  return config;
};

/** Whether X may be A:B: beside a multiplier some registers must keep the two paths apart (UG579, warning 8 of the vendor's model). */
export const takesAB = ({ a, b, m, p, multiplier }: Dsp48Config): boolean =>
  !multiplier || ((a + b > 0 || (m === 1 && p === 1)) && m + p > 0);

/** Verilog parameters, as the vendor's primitive has them. */
export const dsp48Parameters = (c: Dsp48Config): Record<string, string | number> => ({
  ACASCREG: c.aCascade,
  ADREG: c.ad,
  ALUMODEREG: c.control,
  ...(c.generation === DSP48E2 ? { AMULTSEL: c.preAdder ? "AD" : "A" } : {}),
  AREG: c.a,
  A_INPUT: c.aFrom.toUpperCase(),
  BCASCREG: c.bCascade,
  BREG: c.b,
  B_INPUT: c.bFrom.toUpperCase(),
  CARRYINREG: 0,
  CARRYINSELREG: 0,
  CREG: c.c,
  DREG: c.d,
  INMODEREG: c.control,
  MREG: c.m,
  OPMODEREG: c.control,
  PREG: c.p,
  ...(c.generation === DSP48E1 ? { USE_DPORT: c.preAdder ? "TRUE" : "FALSE" } : {}),
  USE_MULT: c.multiplier ? "MULTIPLY" : "NONE",
  USE_SIMD: c.simd,
});

/** Clock enables: each stands for the register of its name, CTRL and ALUMODE and INMODE for the control registers. */
const enables = {
  CEA1: bool,
  CEA2: bool,
  CEAD: bool,
  CEALUMODE: bool,
  CEB1: bool,
  CEB2: bool,
  CEC: bool,
  CECTRL: bool,
  CED: bool,
  CEINMODE: bool,
  CEM: bool,
  CEP: bool,
};
/** Inputs outside of the subset: always 0. */
const tied = {
  CARRYCASCIN: bool,
  CARRYIN: bool,
  CARRYINSEL: uint(3),
  CECARRYIN: bool,
  MULTSIGNIN: bool,
  RSTA: bool,
  RSTALLCARRYIN: bool,
  RSTALUMODE: bool,
  RSTB: bool,
  RSTC: bool,
  RSTCTRL: bool,
  RSTD: bool,
  RSTINMODE: bool,
  RSTM: bool,
  RSTP: bool,
};

export const dsp48Inputs = (g: Generation) => ({
  A: sint(30),
  ACIN: sint(30),
  ALUMODE: uint(4),
  B: sint(18),
  BCIN: sint(18),
  C: sint(48),
  D: sint(g.multiplicand as number),
  INMODE: uint(5),
  OPMODE: uint(g.opmodeBits as number),
  PCIN: sint(48),
  ...enables,
  ...tied,
});
export const dsp48Outputs = { ACOUT: sint(30), BCOUT: sint(18), P: sint(48), PCOUT: sint(48) };

type Inputs = ReturnType<typeof dsp48Inputs>;
type Enable = Given<typeof bool>;
/** What an instance is given: only what it uses; `enable` is the clock enable of every register not named on its own. */
export type Dsp48Connections = Partial<Omit<Given<Inputs>, keyof typeof tied>> & { readonly enable: Enable };
export type Dsp48Outputs = Of<typeof dsp48Outputs>;

/** The connections with everything else tied off. */
export const dsp48Connected = (given: Dsp48Connections): Given<Inputs> => {
  const { enable, ...named } = given;
  return {
    ...zeros,
    ...all(enable),
    ...named,
  };
};
const zeros = {
  A: 0,
  ACIN: 0,
  ALUMODE: 0,
  B: 0,
  BCIN: 0,
  C: 0,
  D: 0,
  INMODE: 0,
  OPMODE: 0,
  PCIN: 0,
  CARRYCASCIN: 0,
  CARRYIN: 0,
  CARRYINSEL: 0,
  CECARRYIN: 0,
  MULTSIGNIN: 0,
  RSTA: 0,
  RSTALLCARRYIN: 0,
  RSTALUMODE: 0,
  RSTB: 0,
  RSTC: 0,
  RSTCTRL: 0,
  RSTD: 0,
  RSTINMODE: 0,
  RSTM: 0,
  RSTP: 0,
} as const;
const all = (enable: Enable) => ({
  CEA1: enable,
  CEA2: enable,
  CEAD: enable,
  CEALUMODE: enable,
  CEB1: enable,
  CEB2: enable,
  CEC: enable,
  CECTRL: enable,
  CED: enable,
  CEINMODE: enable,
  CEM: enable,
  CEP: enable,
});

/** A name that belongs to these options: black boxes of equal parameters are one definition. */
export const dsp48Name = (c: Dsp48Config): string =>
  [
    c.generation.primitive,
    `a${c.a}${c.aCascade}${c.aFrom[0]}`,
    `b${c.b}${c.bCascade}${c.bFrom[0]}`,
    `c${c.c}`,
    c.preAdder ? `d${c.d}${c.ad}` : "",
    c.multiplier ? `m${c.m}` : "alu",
    `p${c.p}`,
    c.control === 1 ? "r" : "",
    c.simd === "ONE48" ? "" : c.simd,
  ]
    .filter((part) => part !== "")
    .join("_");
