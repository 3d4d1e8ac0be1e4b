/**
 * SB_MAC16 of iCE40 UltraPlus (Lattice FPGA-TN-02007, figure 2) as one signed 16 x 16 multiplier with its 32-bit adder: alone, with
 * {C, D} added, or accumulating. Outside of this subset, and tied off: 8 x 8 modes, unsigned operands, subtraction, holds, resets,
 * carries. Synthesise chains of it without `-dsp`: Yosys' ice40_dsp (0.23, 0.55) rewires {C, D} of instantiated slices.
 */
import {
  blackbox,
  bool,
  cat,
  defineModule,
  fail,
  type Given,
  mux,
  reg,
  type Sig,
  sint,
  uint,
  when,
} from "../../hdl/index.js";

export interface SbMac16Options {
  /** Registers of A and B (1), of the product (1; the partial products, then the sum of them), of C and D (1), of the output (1). */
  readonly ab?: 0 | 1;
  readonly product?: 0 | 1 | 2;
  readonly cd?: 0 | 1;
  readonly out?: 0 | 1;
  /** What the adder adds to the product ("cd"); "output" accumulates. OLOADTOP and OLOADBOT together: {C, D} instead of the sum. */
  readonly adds?: "nothing" | "cd" | "output";
}

const tied = {
  AHOLD: bool,
  BHOLD: bool,
  CHOLD: bool,
  DHOLD: bool,
  IRSTTOP: bool,
  IRSTBOT: bool,
  ORSTTOP: bool,
  ORSTBOT: bool,
  ADDSUBTOP: bool,
  ADDSUBBOT: bool,
  OHOLDTOP: bool,
  OHOLDBOT: bool,
  CI: bool,
  ACCUMCI: bool,
  SIGNEXTIN: bool,
};
const inputs = {
  CE: bool,
  A: sint(16),
  B: sint(16),
  C: uint(16),
  D: uint(16),
  OLOADTOP: bool,
  OLOADBOT: bool,
  ...tied,
};
const outputs = { O: sint(32) };
/** Everything outside of the subset, at 0. */
export const SB_MAC16_TIED = {
  AHOLD: 0,
  BHOLD: 0,
  CHOLD: 0,
  DHOLD: 0,
  IRSTTOP: 0,
  IRSTBOT: 0,
  ORSTTOP: 0,
  ORSTBOT: 0,
  ADDSUBTOP: 0,
  ADDSUBBOT: 0,
  OHOLDTOP: 0,
  OHOLDBOT: 0,
  CI: 0,
  ACCUMCI: 0,
  SIGNEXTIN: 0,
} as const;

type Signed = Sig<"s", number>;
type Config = Required<SbMac16Options>;

const modelOf = (k: Config, name: string) =>
  defineModule(
    `${name}_model`,
    {
      in: inputs,
      out: outputs,
      doc: "SB_MAC16, the modes that Gateloom uses: for simulation, not for synthesis.",
    },
    (pins) => {
      const registered = (on: boolean, label: string, value: Signed): Signed => {
        if (!on) return value;
        const r = reg(label, sint(value.width));
        when(pins.CE, () => r.set(value));
        return r;
      };
      const a = registered(k.ab === 1, "a", pins.A);
      const b = registered(k.ab === 1, "b", pins.B);
      const partial = registered(k.product > 0, "partial", a.mul(b));
      const product = registered(k.product > 1, "product", partial);
      if (k.adds === "nothing") return { O: product };
      const cd = registered(k.cd === 1, "cd", cat(pins.C, pins.D).asSigned());
      const o = k.out === 1 ? reg("o", sint(32)) : null;
      const sum = (k.adds === "output" && o !== null ? o : cd).addMod(product);
      const next = mux(pins.OLOADTOP, cd, sum).as("o_next");
      if (o === null) return { O: next };
      when(pins.CE, () => o.set(next));
      return { O: o };
    },
  );

const parametersOf = (k: Config): Record<string, string | number> => {
  const select = k.adds === "nothing" ? 3 : k.out;
  const upper = k.adds === "cd" ? 1 : 0;
  return {
    NEG_TRIGGER: 0,
    C_REG: k.cd,
    A_REG: k.ab,
    B_REG: k.ab,
    D_REG: k.cd,
    TOP_8x8_MULT_REG: k.product > 0 ? 1 : 0,
    BOT_8x8_MULT_REG: k.product > 0 ? 1 : 0,
    PIPELINE_16x16_MULT_REG1: k.product > 0 ? 1 : 0,
    PIPELINE_16x16_MULT_REG2: k.product > 1 ? 1 : 0,
    TOPOUTPUT_SELECT: select,
    TOPADDSUB_LOWERINPUT: 2,
    TOPADDSUB_UPPERINPUT: upper,
    TOPADDSUB_CARRYSELECT: 2,
    BOTOUTPUT_SELECT: select,
    BOTADDSUB_LOWERINPUT: 2,
    BOTADDSUB_UPPERINPUT: upper,
    BOTADDSUB_CARRYSELECT: 0,
    MODE_8x8: 0,
    A_SIGNED: 1,
    B_SIGNED: 1,
  };
};

const configOf = (o: SbMac16Options): Config => {
  const adds = o.adds ?? "cd";
  const out = o.out ?? (adds === "nothing" ? 0 : 1);
  if (adds === "nothing" && out === 1)
    fail(
      "SB_MAC16: the output register stands behind the adder; without it, register the product (`product`)",
    );
  if (adds === "output" && out === 0)
    fail("SB_MAC16: to accumulate, it needs its output register (`out: 1`)");
  return { ab: o.ab ?? 1, product: o.product ?? 1, cd: o.cd ?? 1, out, adds };
};

/** The primitive with these options; `.inst` wants every port. */
export const sbMac16Of = (options: SbMac16Options) => {
  const k = configOf(options);
  const name = `SB_MAC16_ab${k.ab}_p${k.product}_cd${k.cd}_o${k.out}_${k.adds}`;
  return blackbox({
    name,
    primitive: "SB_MAC16",
    in: inputs,
    out: outputs,
    clock: "CLK",
    parameters: parametersOf(k),
    model: modelOf(k, name),
  });
};

/** What an instance is given: `addend` is {C, D}, `load` takes it instead of the sum. */
export interface SbMac16Connections {
  readonly enable: Given<typeof bool>;
  readonly a: Signed;
  readonly b: Signed;
  readonly addend?: Signed;
  readonly load?: Given<typeof bool>;
}

export const sbMac16 = (name: string, options: SbMac16Options, x: SbMac16Connections): Signed => {
  const addend = x.addend?.extend(32).asUnsigned();
  return sbMac16Of(options).inst(name, {
    ...SB_MAC16_TIED,
    CE: x.enable,
    A: x.a.extend(16),
    B: x.b.extend(16),
    C: addend?.slice(31, 16) ?? 0,
    D: addend?.slice(15, 0) ?? 0,
    OLOADTOP: x.load ?? 0,
    OLOADBOT: x.load ?? 0,
  }).O;
};
