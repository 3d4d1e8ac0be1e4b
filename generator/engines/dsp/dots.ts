/** Dot products of a whole group in packed lanes: cascades as deep as the lanes allow, their lanes added in the fabric. */
import type { Cut, Stages } from "../../hdl/index.js";
import { fours, range, type Signed } from "../digits.js";
import type { Family } from "../kernel.js";
import { GROUP } from "../port.js";
import { cascade, type Product } from "./cascade.js";
import { offset, type Packing, packedBits, sumBits, unpacked } from "./packing.js";

/** Products of a cascade: a power of two, so that the cascades of a group are equally long. */
export const cascadeDepth = (p: Packing): number => 2 ** Math.floor(Math.log2(Math.min(p.depth, GROUP)));

/** From the sum of a cascade to its lanes; tests put a wrong one here. */
export type Unpack = (p: Packing, sum: Signed) => Signed[];

/** One dot product per lane; `product(column, at)` is that of a column. */
export const packedDots = (
  o: {
    readonly family: Family;
    readonly name: string;
    readonly packing: Packing;
    readonly unpack?: Unpack;
  },
  product: (column: number, at: <T>(x: T) => T) => Product,
  cut: Cut,
  stages: Stages,
): Signed[] => {
  const { family, name, packing, unpack = unpacked } = o;
  const products = cascadeDepth(packing);
  const lanesOfCascades = range(GROUP / products).map((k) => {
    const one = {
      family,
      name: `${name}_${k}`,
      width: packedBits(packing, products),
      products,
      start: offset(packing),
    };
    const sum = cascade(one, (n, at) => product(products * k + n, at), cut, stages);
    return unpack(packing, sum).map((lane, l) => lane.as(`${name}_${k}_lane_${l}`));
  });
  return range(packing.lanes).map((l) => {
    let sums = lanesOfCascades.map((lanes) => lanes[l]!);
    for (let level = 1; sums.length > 1; level++) {
      const shorter = sums.length % 4 === 0 ? fours(sums) : [sums[0]!.add(sums[1]!)];
      sums = shorter.map((s, i) => cut(s.as(`${name}_lane_${l}_level_${level}_${i}`)));
    }
    return sums[0]!.resize(sumBits(GROUP, packing.largest));
  });
};
