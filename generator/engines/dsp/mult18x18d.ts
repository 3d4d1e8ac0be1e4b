/**
 * MULT18X18D of ECP5 (Lattice FPGA-TN-02205): one signed 18 x 18 multiplier with registers of its operands, of the product inside
 * and of the output, one clock and one enable. Outside of this subset: shift chains, C, unsigned operands, resets. Pins are bits.
 */
import {
  blackbox,
  bool,
  cat,
  defineModule,
  type Given,
  type Of,
  reg,
  type Sig,
  sint,
  when,
} from "../../hdl/index.js";
import { range } from "../digits.js";

export interface Mult18Options {
  /** Registers of both operands (1), of the product (1), of the output (0). */
  readonly ab?: 0 | 1;
  readonly product?: 0 | 1;
  readonly out?: 0 | 1;
}
type Config = Required<Mult18Options>;
type Signed = Sig<"s", number>;
type Bits = Readonly<Record<string, typeof bool>>;

const bits = (name: string, n: number): Bits =>
  Object.fromEntries(range(n).map((i) => [`${name}${i}`, bool]));
const inputs: Bits = {
  ...bits("A", 18),
  ...bits("B", 18),
  SIGNEDA: bool,
  SIGNEDB: bool,
  SOURCEA: bool,
  SOURCEB: bool,
  CE0: bool,
  RST0: bool,
};
const outputs: Bits = bits("P", 36);
const word = (pins: Of<Bits>, name: string, n: number): Signed =>
  cat(...range(n).map((i) => pins[`${name}${n - 1 - i}`]!)).asSigned();
const spread = (name: string, value: Signed): Given<Bits> =>
  Object.fromEntries(range(value.width).map((i) => [`${name}${i}`, value.bit(i)]));

const modelOf = (k: Config, name: string) =>
  defineModule(
    `${name}_model`,
    {
      in: inputs,
      out: outputs,
      doc: "MULT18X18D, the modes that Gateloom uses: for simulation, not for synthesis.",
    },
    (pins) => {
      const registered = (on: number, label: string, value: Signed): Signed => {
        if (on === 0) return value;
        const r = reg(label, sint(value.width));
        when(pins.CE0!, () => r.set(value));
        return r;
      };
      const a = registered(k.ab, "a", word(pins, "A", 18));
      const b = registered(k.ab, "b", word(pins, "B", 18));
      const product = registered(k.product, "product", a.mul(b));
      return spread("P", registered(k.out, "p", product).as("p_value"));
    },
  );

const clocked = (of: string, on: number): Record<string, string> => ({
  [`REG_${of}_CLK`]: on === 1 ? "CLK0" : "NONE",
  [`REG_${of}_CE`]: "CE0",
  [`REG_${of}_RST`]: "RST0",
});

/** The primitive with these options; `.inst` wants every port. */
export const mult18x18dOf = (options: Mult18Options) => {
  const k = { ab: options.ab ?? 1, product: options.product ?? 1, out: options.out ?? 0 };
  const name = `MULT18X18D_ab${k.ab}_p${k.product}_o${k.out}`;
  return blackbox({
    name,
    primitive: "MULT18X18D",
    in: inputs,
    out: outputs,
    clock: "CLK0",
    parameters: {
      ...clocked("INPUTA", k.ab),
      ...clocked("INPUTB", k.ab),
      ...clocked("PIPELINE", k.product),
      ...clocked("OUTPUT", k.out),
      GSR: "DISABLED",
    },
    model: modelOf(k, name),
  });
};

export const mult18x18d = (
  name: string,
  options: Mult18Options,
  x: { readonly enable: Given<typeof bool>; readonly a: Signed; readonly b: Signed },
): Signed =>
  word(
    mult18x18dOf(options).inst(name, {
      ...spread("A", x.a.extend(18)),
      ...spread("B", x.b.extend(18)),
      SIGNEDA: 1,
      SIGNEDB: 1,
      SOURCEA: 0,
      SOURCEB: 0,
      CE0: x.enable,
      RST0: 0,
    }),
    "P",
    36,
  );
