/**
 * SB_MAC16 of iCE40 UltraPlus (Lattice FPGA-TN-02007, figure 2) in the three ways of the micro machine: two signed 8 x 8 multipliers
 * with their accumulators (two lanes), and the lower and upper half of a signed 32 x unsigned 16 multiplier without a register behind it.
 * Synthesise without `-dsp`: Yosys' ice40_dsp rewires instantiated slices.
 */
import { blackbox, bool, cat, defineModule, mux, reg, sint, uint, when } from "../../hdl/index.js";
import type { Bits, Bool, Int } from "./fields.js";

const tied = {
  CHOLD: bool,
  DHOLD: bool,
  IRSTTOP: bool,
  IRSTBOT: bool,
  ORSTTOP: bool,
  ORSTBOT: bool,
  ADDSUBTOP: bool,
  ADDSUBBOT: bool,
  CI: bool,
  ACCUMCI: bool,
  SIGNEXTIN: bool,
};
const inputs = {
  CE: bool,
  A: uint(16),
  B: uint(16),
  C: uint(16),
  D: uint(16),
  AHOLD: bool,
  BHOLD: bool,
  OHOLDTOP: bool,
  OHOLDBOT: bool,
  OLOADTOP: bool,
  OLOADBOT: bool,
  ...tied,
};
const outputs = { O: uint(32) };
/** Pins that no use here moves. */
export const MAC16_TIED = {
  CE: 1,
  CHOLD: 0,
  DHOLD: 0,
  IRSTTOP: 0,
  IRSTBOT: 0,
  ORSTTOP: 0,
  ORSTBOT: 0,
  ADDSUBTOP: 0,
  ADDSUBBOT: 0,
  CI: 0,
  ACCUMCI: 0,
  SIGNEXTIN: 0,
} as const;

const registers = (pins: { A: Bits; B: Bits; AHOLD: Bool; BHOLD: Bool }): { a: Bits; b: Bits } => {
  const a = reg("a", uint(16));
  const b = reg("b", uint(16));
  when(pins.AHOLD.not(), () => a.set(pins.A));
  when(pins.BHOLD.not(), () => b.set(pins.B));
  return { a, b };
};

const common = {
  NEG_TRIGGER: 0,
  C_REG: 0,
  D_REG: 0,
  A_REG: 1,
  B_REG: 1,
  TOP_8x8_MULT_REG: 0,
  BOT_8x8_MULT_REG: 0,
  PIPELINE_16x16_MULT_REG1: 0,
  PIPELINE_16x16_MULT_REG2: 0,
} as const;

/**
 * Two lanes: halves of A times halves of B, all signed bytes, into 16-bit accumulators O[31:16] and O[15:0]. OLOAD takes C and D; OHOLD keeps.
 * A and B have registers: a product is in O two edges behind its factors.
 */
export const macPair = blackbox({
  name: "SB_MAC16_pair",
  primitive: "SB_MAC16",
  in: inputs,
  out: outputs,
  clock: "CLK",
  parameters: {
    ...common,
    TOPOUTPUT_SELECT: 1,
    TOPADDSUB_LOWERINPUT: 1,
    TOPADDSUB_UPPERINPUT: 0,
    TOPADDSUB_CARRYSELECT: 0,
    BOTOUTPUT_SELECT: 1,
    BOTADDSUB_LOWERINPUT: 1,
    BOTADDSUB_UPPERINPUT: 0,
    BOTADDSUB_CARRYSELECT: 0,
    MODE_8x8: 1,
    A_SIGNED: 1,
    B_SIGNED: 1,
  },
  model: defineModule(
    "SB_MAC16_pair_model",
    {
      in: inputs,
      out: outputs,
      doc: "SB_MAC16 as two accumulating multipliers: for simulation, not for synthesis.",
    },
    (pins) => {
      const { a, b } = registers(pins);
      const half = (name: string, hi: number, load: Bool, loaded: Bits, hold: Bool): Int => {
        const o = reg(name, sint(16));
        const product = a
          .slice(hi, hi - 7)
          .asSigned()
          .mul(b.slice(hi, hi - 7).asSigned());
        const next = mux(load, loaded.asSigned(), o.addMod(product));
        when(hold.not(), () => o.set(next.wrap(16)));
        return o;
      };
      const top = half("q", 15, pins.OLOADTOP, pins.C, pins.OHOLDTOP);
      const bottom = half("s", 7, pins.OLOADBOT, pins.D, pins.OHOLDBOT);
      return { O: cat(top, bottom) };
    },
  ),
});

const multiplier = (signed: boolean) => {
  const name = `SB_MAC16_${signed ? "upper" : "lower"}`;
  const select = signed ? 0 : 3;
  return blackbox({
    name,
    primitive: "SB_MAC16",
    in: inputs,
    out: outputs,
    clock: "CLK",
    parameters: {
      ...common,
      TOPOUTPUT_SELECT: select,
      TOPADDSUB_LOWERINPUT: 2,
      TOPADDSUB_UPPERINPUT: 1,
      TOPADDSUB_CARRYSELECT: 2,
      BOTOUTPUT_SELECT: select,
      BOTADDSUB_LOWERINPUT: 2,
      BOTADDSUB_UPPERINPUT: 1,
      BOTADDSUB_CARRYSELECT: 0,
      MODE_8x8: 0,
      A_SIGNED: signed ? 1 : 0,
      B_SIGNED: 0,
    },
    model: defineModule(
      `${name}_model`,
      {
        in: inputs,
        out: outputs,
        doc: `SB_MAC16 as a multiplier of a ${signed ? "signed" : "n unsigned"} and an unsigned factor: for simulation, not for synthesis.`,
      },
      (pins) => {
        const { a, b } = registers(pins);
        if (!signed) return { O: a.mul(b) };
        const product = a.asSigned().mul(b.toSigned()).wrap(32);
        const sum = product.addMod(cat(pins.C, pins.D).asSigned());
        return { O: mux(pins.OLOADTOP, cat(pins.C, pins.D), sum.asUnsigned()) };
      },
    ),
  });
};
/** A times B, both unsigned, 32 bits; registers of A and B. */
export const macLower = multiplier(false);
/** A (signed) times B (unsigned) plus {C, D}, 32 bits; registers of A and B. */
export const macUpper = multiplier(true);
