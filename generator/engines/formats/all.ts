/** Every weight format there is; the shared ones at the patterns that the table shows. */
import { ternary5, w2Format } from "./dense.js";
import type { WeightFormat } from "./format.js";
import { sharedFormat } from "./shared.js";
import { n24Index, n24Position, ternary24 } from "./sparse24.js";

export const WEIGHT_FORMATS: readonly WeightFormat[] = [
  w2Format,
  ternary5,
  n24Index,
  n24Position,
  ternary24,
  sharedFormat({ n: 2, m: 4, v: 4 }),
  sharedFormat({ n: 4, m: 8, v: 4 }),
  sharedFormat({ n: 8, m: 16, v: 8 }),
];
