/** Cycle-accurate model of the DSP48 subset (dsp48.ts), read from the left of the figure to the right. */
import {
  assertAlways,
  cat,
  defineModule,
  lit,
  type ModuleDef,
  mux,
  type Of,
  reg,
  type Sig,
  select,
  sint,
  uint,
  when,
} from "../../hdl/index.js";
import { type Dsp48Config, dsp48Inputs, dsp48Name, dsp48Outputs, takesAB } from "./dsp48.js";

type Signed = Sig<"s", number>;
type Word = Sig<"u", number>;
type Bool = Sig<"u", 1>;
type Pins = Of<ReturnType<typeof dsp48Inputs>>;
type Model = ModuleDef<ReturnType<typeof dsp48Inputs>, typeof dsp48Outputs>;

const LANE_BITS = { ONE48: 48, TWO24: 24, FOUR12: 12 } as const;
const zero = (): Signed => lit(sint(48), 0);

const register = (name: string, value: Signed, enable: Bool): Signed => {
  const r = reg(name, sint(value.width));
  when(enable, () => r.set(value));
  return r;
};
const control = (k: Dsp48Config, name: string, value: Word, enable: Bool): Word => {
  if (k.control === 0) return value;
  const r = reg(name, uint(value.width));
  when(enable, () => r.set(value));
  return r;
};

/** A or B: up to two registers; what leads on, the first register for INMODE, and what the cascade passes. */
const operand = (
  name: string,
  registers: number,
  cascade: number,
  value: Signed,
  ce1: Bool,
  ce2: Bool,
): { last: Signed; first: Signed; out: Signed } => {
  const first = registers === 2 ? register(`${name}1`, value, ce1) : value;
  const last = registers === 0 ? value : register(`${name}2`, first, ce2);
  return { last, first, out: registers === 2 && cascade === 1 ? first : last };
};

export const dsp48Model = (k: Dsp48Config): Model =>
  defineModule(
    `${dsp48Name(k)}_model`,
    {
      in: dsp48Inputs(k.generation),
      out: dsp48Outputs,
      doc: `${k.generation.primitive}, the modes that Gateloom uses: for simulation, not for synthesis.`,
    },
    (pins) => {
      const wide = k.generation.multiplicand;
      const inmode = control(k, "inmode", pins.INMODE, pins.CEINMODE);
      const a = operand(
        "a",
        k.a,
        k.aCascade,
        k.aFrom === "cascade" ? pins.ACIN : pins.A,
        pins.CEA1,
        pins.CEA2,
      );
      const b = operand(
        "b",
        k.b,
        k.bCascade,
        k.bFrom === "cascade" ? pins.BCIN : pins.B,
        pins.CEB1,
        pins.CEB2,
      );
      const c = k.c === 0 ? pins.C : register("c", pins.C, pins.CEC);
      const d = k.d === 0 ? pins.D : register("d", pins.D, pins.CED);

      // pre-adder and multiplier
      const none = lit(sint(wide), 0);
      const chosen = k.a === 2 ? mux(inmode.bit(0), a.first, a.last) : a.last;
      const aGated = mux(inmode.bit(1), none, chosen.wrap(wide)).as("a_gated");
      const dGated = mux(inmode.bit(2), d, none).as("d_gated");
      const sum = mux(inmode.bit(3), dGated.sub(aGated), dGated.add(aGated)).wrap(wide).as("ad_sum");
      const multiplicand = !k.preAdder ? aGated : k.ad === 0 ? sum : register("ad", sum, pins.CEAD);
      const multiplier = k.b === 2 ? mux(inmode.bit(4), b.first, b.last) : b.last;
      const product = multiplicand.mul(multiplier).as("product");
      const m = !k.multiplier ? null : k.m === 0 ? product : register("m", product, pins.CEM);

      // the adder of four operands, Z ± (W + X + Y)
      const p = k.p === 1 ? reg("p", sint(48)) : null;
      const opmode = control(k, "opmode", pins.OPMODE, pins.CECTRL);
      const alumode = control(k, "alumode", pins.ALUMODE, pins.CEALUMODE);
      const ab = cat(a.last, b.last).asSigned();
      const next = lanewise(
        LANE_BITS[k.simd],
        alumode,
        operands(k, opmode, pins, {
          ab,
          c,
          m,
          p: p ?? zero(),
        }),
      ).as("p_next");
      if (p !== null) when(pins.CEP, () => p.set(next));
      const result = p ?? next;
      checkModes(k, inmode, opmode, alumode);
      return { ACOUT: a.out, BCOUT: b.out, P: result, PCOUT: result };
    },
  );

interface Sources {
  readonly ab: Signed;
  readonly c: Signed;
  readonly m: Signed | null;
  readonly p: Signed;
}
/** Multiplexers X, Y, Z and W (only UltraScale+); the rounding constant of W is 0 here. */
const operands = (k: Dsp48Config, opmode: Word, pins: Pins, from: Sources): Signed[] => {
  const m = from.m?.extend(48) ?? zero();
  const x = select(opmode.slice(1, 0), [zero(), m, from.p, from.ab]).as("x");
  const y = select(opmode.slice(3, 2), [zero(), zero(), lit(sint(48), -1), from.c]).as("y");
  const z = select(
    opmode.slice(6, 4),
    [
      [1, pins.PCIN],
      [2, from.p],
      [3, from.c],
      [5, pins.PCIN.shr(17).extend(48)],
      [6, from.p.shr(17).extend(48)],
    ],
    zero(),
  ).as("z");
  if (k.generation.opmodeBits === 7) return [z, x, y];
  const w = select(opmode.slice(8, 7), [zero(), from.p, zero(), from.c]).as("w");
  return [z, x, y, w];
};

/** In lanes that pass no carry: ALUMODE[0] inverts Z, ALUMODE[1] the sum. */
const lanewise = (bits: number, alumode: Word, [z, ...others]: Signed[]): Signed => {
  const lanes: Word[] = [];
  for (let lo = 0; lo < 48; lo += bits) {
    const at = (v: Signed): Word => v.slice(lo + bits - 1, lo);
    const first = mux(alumode.bit(0), at(z!).not(), at(z!));
    const sum = others.reduce((s, v) => s.addMod(at(v)), first);
    lanes.unshift(mux(alumode.bit(1), sum.not(), sum));
  }
  return cat(...lanes).asSigned();
};

/** What a parameter cannot refuse, since control words may change while it runs. */
const checkModes = (k: Dsp48Config, inmode: Word, opmode: Word, alumode: Word): void => {
  const product = opmode.slice(1, 0).eq(1);
  const productLegal = k.multiplier
    ? product.eq(opmode.slice(3, 2).eq(1))
    : product.or(opmode.slice(3, 2).eq(1)).not();
  assertAlways("opmode_product", productLegal, "OPMODE[3:0]: a product is 0101, and needs the multiplier");
  assertAlways(
    "opmode_z",
    opmode.slice(6, 4).ne(4).and(opmode.slice(6, 4).ne(7)),
    "OPMODE[6:4]: not modelled",
  );
  assertAlways("alumode_logic", alumode.slice(3, 2).eq(0), "ALUMODE: logic functions are not modelled");
  if (k.p === 0)
    assertAlways(
      "opmode_feedback",
      opmode.slice(1, 0).ne(2).and(opmode.slice(6, 4).ne(2)).and(opmode.slice(6, 4).ne(6)),
      "OPMODE: P fed back needs its register",
    );
  if (!takesAB(k)) assertAlways("opmode_ab", opmode.slice(1, 0).ne(3), "OPMODE: A:B needs registers");
  if (k.a < 2) assertAlways("inmode_a1", inmode.bit(0).not(), "INMODE[0]: A1 needs two A registers");
  if (k.b < 2) assertAlways("inmode_b1", inmode.bit(4).not(), "INMODE[4]: B1 needs two B registers");
};
