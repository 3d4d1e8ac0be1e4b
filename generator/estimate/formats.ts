/** The weight formats whose size stands in the table; shared ones at the patterns of the papers. */
import { ternary5, w2Format } from "../engines/formats/dense.js";
import { bitsPerWeight, type WeightFormat } from "../engines/formats/format.js";
import { sharedFormat } from "../engines/formats/shared.js";
import { n24Index, n24Position, ternary24 } from "../engines/formats/sparse24.js";

const FORMATS: readonly WeightFormat[] = [
  w2Format,
  ternary5,
  n24Index,
  n24Position,
  ternary24,
  sharedFormat({ n: 2, m: 4, v: 4 }),
  sharedFormat({ n: 4, m: 8, v: 4 }),
  sharedFormat({ n: 8, m: 16, v: 8 }),
];

export const formatSizes = (): { name: string; bitsPerWeight: number }[] =>
  FORMATS.map((f) => ({ name: f.name, bitsPerWeight: bitsPerWeight(f) }));
