/** Sizes of LUT-LLM's published design (arXiv 2511.06174, its repository's configuration). */
import { fail } from "../../hdl/index.js";
import { GROUP } from "../port.js";

/** Elements that one centroid stands for: two. */
export const PAIRS = GROUP / 2;
export const ACTIVATION_CENTROIDS = 64;
export const WEIGHT_CENTROIDS = 16;
export const ACTIVATION_INDEX_BITS: number = 6;
export const WEIGHT_INDEX_BITS = 4;
/** Of a table entry, signed. */
export const ENTRY_BITS = 8;
/** Of the sum of 16 entries. */
export const LOOKUP_SUM_BITS = ENTRY_BITS + 4;

export const checkPower = (what: string, n: number, lo: number, hi: number): void => {
  if (!Number.isInteger(Math.log2(n)) || n < lo || n > hi)
    fail(`${what} is a power of two, ${lo} to ${hi}; this one is ${n}`);
};
