/**
 * A systolic chain of multiply-adds, P_n = P_(n-1) + x_n·w_n or P_n = P_(n-1) + (x_n + d_n)·w_n, in the slices of a family: product n
 * starts one stage after product n - 1, so that every sum goes straight into the next slice. P_(-1) is a constant.
 *
 *   xcup, xc7   one slice a product, all registers inside, sums on the cascade PCOUT -> PCIN (UG579, figure 1-2; both families
 *               instantiated, so that they are one text: Yosys would infer the cascade of 7-series only, and of no other)
 *   ice40       one SB_MAC16 a product; it adds the sum of the one before, {C, D}; pre-adders in the fabric
 *   ecp5        one MULT18X18D a product; adders and pre-adders in the fabric
 *   fabric      shifts and adders
 *
 * All take the same number of stages.
 */
import { type Cut, fail, lit, mux, type Sig, sint, type Stages, sum, uint } from "../../hdl/index.js";
import { range, type Signed } from "../digits.js";
import type { Family } from "../kernel.js";
import type { Dsp48Connections, Dsp48Options, Dsp48Outputs } from "./dsp48.js";
import { dsp48e1 } from "./dsp48e1.js";
import { dsp48e2 } from "./dsp48e2.js";
import { mult18x18d } from "./mult18x18d.js";
import { sbMac16 } from "./sbmac16.js";

/** Bits of the operands and of the sum. */
export interface Slice {
  readonly name: string;
  readonly multiplicand: number;
  readonly multiplier: number;
  readonly sum: number;
}
export const SLICES: Readonly<Record<Family, Slice>> = {
  xcup: { name: "DSP48E2", multiplicand: 27, multiplier: 18, sum: 48 },
  xc7: { name: "DSP48E1", multiplicand: 25, multiplier: 18, sum: 48 },
  ice40: { name: "SB_MAC16", multiplicand: 16, multiplier: 16, sum: 32 },
  ecp5: { name: "MULT18X18D", multiplicand: 18, multiplier: 18, sum: 48 },
  fabric: { name: "the fabric", multiplicand: 27, multiplier: 18, sum: 48 },
};

/** (multiplicand + addend)·multiplier. */
export interface Product {
  readonly multiplicand: Signed;
  readonly addend?: Signed;
  readonly multiplier: Signed;
  /** 1: the sum starts again with this product (the Z multiplexer takes zero instead of the cascade). */
  readonly restart?: Sig<"u", 1>;
}
export interface Cascade {
  readonly family: Family;
  /** Of the instances: `name_0`, `name_1` ... */
  readonly name: string;
  /** Bits that hold every sum. */
  readonly width: number;
  readonly products: number;
  /** P before the first product (0). */
  readonly start?: bigint;
  /** Age of the operands of the first product (0). */
  readonly age?: number;
}

const check = (c: Cascade, p: Product): void => {
  const slice = SLICES[c.family];
  const fits = `${slice.name} multiplies ${slice.multiplicand} x ${slice.multiplier} bits and sums ${slice.sum}`;
  const multiplicand = Math.max(p.multiplicand.width, p.addend?.width ?? 0);
  if (multiplicand > slice.multiplicand || p.multiplier.width > slice.multiplier)
    fail(`cascade '${c.name}' multiplies ${multiplicand} x ${p.multiplier.width} bits; ${fits}`);
  if (c.width > slice.sum) fail(`cascade '${c.name}' sums ${c.width} bits; ${fits}`);
};

/**
 * The sum after each product. `product(n, at)` gives product n; `at` is a value of the age of the operands when that product
 * starts, one stage later with each.
 */
export const cascadeSums = (
  c: Cascade,
  product: (n: number, at: <T>(x: T) => T) => Product,
  cut: Cut,
  stages: Stages,
): Signed[] => {
  let before: Signed | null = null;
  let link: Dsp48Outputs | null = null;
  const sums: Signed[] = [];
  const first = c.age ?? 0;
  for (const n of range(c.products)) {
    const p = product(n, (x) => stages.at(x, first + n));
    check(c, p);
    const place: Place = { c, n, cut, stages, age: first + n + latency(1, p.addend !== undefined) };
    if (c.family === "xcup" || c.family === "xc7") {
      link = dsp48(place, p, link);
      before = link.P;
    } else {
      before = (c.family === "ice40" ? mac16 : adder)(place, preAdded(p, cut), before);
    }
    stages.aged(before, place.age);
    sums.push(before);
  }
  return sums.map((s) => s.resize(c.width));
};

/** The sum after the last product. */
export const cascade = (
  c: Cascade,
  product: (n: number, at: <T>(x: T) => T) => Product,
  cut: Cut,
  stages: Stages,
): Signed => {
  const last = cascadeSums(c, product, cut, stages).at(-1);
  return last === undefined ? fail(`cascade '${c.name}' has no products`) : last.as(`${c.name}_sum`);
};

/** What the Z multiplexer of a stage gives: nothing where the sum starts again. */
const carried = ({ stages, age }: Place, p: Product, before: Signed): Signed =>
  p.restart === undefined ? before : mux(stages.at(p.restart, age - 1), lit(sint(before.width), 0), before);

/** Stages from the operands of the first product to the sum. */
export const latency = (products: number, addends: boolean): number => products + 2 + (addends ? 1 : 0);

interface Place {
  readonly c: Cascade;
  readonly n: number;
  readonly cut: Cut;
  readonly stages: Stages;
  /** Of the sum. */
  readonly age: number;
}

const PRODUCT = 0b0101; // X and Y: the product
const Z_PCIN = 0b001_0000;
const Z_C = 0b011_0000;
const D_ADDS = 0b00100; // INMODE: the pre-adder adds D
const opmodeBits = (family: Family): number => (family === "xcup" ? 9 : 7);

const dsp48 = ({ c, n, stages, age }: Place, p: Product, before: Dsp48Outputs | null): Dsp48Outputs => {
  const slice: (name: string, o: Dsp48Options, i: Dsp48Connections) => Dsp48Outputs =
    c.family === "xcup" ? dsp48e2 : dsp48e1;
  const wide = SLICES[c.family].multiplicand;
  const starts = n === 0 && c.start !== undefined;
  const modes = PRODUCT | (starts ? Z_C : n === 0 ? 0 : Z_PCIN);
  const opmode =
    p.restart === undefined
      ? modes
      : mux(stages.at(p.restart, age - 1), lit(uint(opmodeBits(c.family)), PRODUCT), modes);
  return slice(
    `${c.name}_${n}`,
    p.addend === undefined ? { c: 0 } : { c: 0, b: 2, preAdder: { d: 1, ad: 1 } },
    {
      enable: stages.enable ?? 1,
      A: p.multiplicand.extend(30),
      B: p.multiplier.extend(18),
      ...(p.addend === undefined ? {} : { D: p.addend.extend(wide), INMODE: D_ADDS }),
      ...(starts ? { C: lit(sint(48), c.start) } : {}),
      ...(before === null ? {} : { PCIN: before.PCOUT }),
      OPMODE: opmode,
    },
  );
};

/** One stage: the sum of the pre-adder, and the multiplier beside it. */
const preAdded = (p: Product, cut: Cut): Product =>
  p.addend === undefined
    ? p
    : { ...p, multiplicand: cut(p.multiplicand.addMod(p.addend)), multiplier: cut(p.multiplier) };

const mac16 = (place: Place, p: Product, before: Signed | null): Signed => {
  const { c, n, stages } = place;
  return sbMac16(
    `${c.name}_${n}`,
    { cd: 0 },
    {
      enable: stages.enable ?? 1,
      a: p.multiplicand,
      b: p.multiplier,
      addend: before === null ? lit(sint(32), c.start ?? 0n) : carried(place, p, before),
    },
  );
};

const adder = (place: Place, p: Product, before: Signed | null): Signed => {
  const { c, n, cut, stages, age } = place;
  const product =
    c.family === "ecp5"
      ? stages.aged(
          mult18x18d(
            `${c.name}_${n}`,
            {},
            { enable: stages.enable ?? 1, a: p.multiplicand, b: p.multiplier },
          ),
          age - 1,
        )
      : cut(shiftAdd(cut(p.multiplicand), cut(p.multiplier)).as(`${c.name}_product_${n}`));
  const earlier = before === null ? lit(sint(c.width), c.start ?? 0n) : carried(place, p, before);
  return cut(earlier.resize(c.width).addMod(product.resize(c.width)).as(`${c.name}_sum_${n}`));
};

/** x·w: one shifted x per bit of w, the last one negative. */
const shiftAdd = (x: Signed, w: Signed): Signed => {
  const none = lit(sint(x.width), 0);
  const partial = range(w.width).map((i) => mux(w.bit(i), x, none).shl(i));
  const last = partial.pop()!;
  return (partial.length === 0 ? last.neg() : sum(partial).sub(last)).resize(x.width + w.width);
};
