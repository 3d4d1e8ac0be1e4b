import { render } from "../render.js";

/** The peer of every engine in the table: plain Verilog with `*`, for the same rows, columns and two-bit weights. */
export interface NaivePeer {
  readonly top: string;
  readonly text: string;
  /** Clocks from a beat to its sums; naive.test.ts measures it. */
  readonly latency: number;
}

const WEIGHT_BITS = 2;
const ACT_BITS = 8;
const SUM_BITS = 16;
const LATENCY = 2;

export const naivePeer = (rows: number, columns: number): NaivePeer => {
  const top = `naive_dot_${rows * columns}`;
  const text = render("report/naive.v", {
    top,
    rows,
    columns,
    latency: LATENCY,
    sumBits: SUM_BITS,
    sumMsb: SUM_BITS - 1,
    weightsMsb: WEIGHT_BITS * rows * columns - 1,
    actMsb: ACT_BITS * columns - 1,
    sumsMsb: SUM_BITS * rows - 1,
  });
  return { top, text, latency: LATENCY };
};
