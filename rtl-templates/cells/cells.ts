import { render } from "../render.js";

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, "0");

/** Verilog models of DP16KD, MULT18X18D and EHXPLLL, which Yosys does not ship. */
export const ecp5Cells = (): string =>
  render("cells/ecp5.v", {
    slots: upTo(64).map(hex),
    address: upTo(14),
    addressDown: upTo(14).reverse(),
    data: upTo(18),
    dataDown: upTo(18).reverse(),
    product: upTo(36),
    productDown: upTo(36).reverse(),
  });

/** A port and where its bits lie in the recorded word. */
export interface Field {
  readonly name: string;
  readonly hi: number;
  readonly lo: number;
}
export interface PieceBench {
  readonly top: string;
  readonly inputs: readonly Field[];
  readonly outputs: readonly Field[];
  readonly cycles: number;
}
const bitsOf = (fields: readonly Field[]): number => Math.max(...fields.map(({ hi }) => hi)) + 1;

/** Bench for a module with one clock; reads given.mem, wanted.mem and counts.mem, a word a cycle. */
export const pieceBench = ({ top, inputs, outputs, cycles }: PieceBench): string =>
  render("cells/piece.v", {
    ...{ top, inputs, outputs },
    ...{ inputTop: bitsOf(inputs) - 1, outputTop: bitsOf(outputs) - 1, outputBits: bitsOf(outputs) },
    lastCycle: cycles - 1,
  });

export interface SerialBench {
  readonly top: string;
  /** Clock cycles of a bit. */
  readonly divider: number;
  /** Cycles until the chip is ready. */
  readonly patience: number;
  /** Bytes sent (sent.mem), and bytes that come back. */
  readonly sent: number;
  readonly wanted: number;
  /** Cycles after which it is over. */
  readonly most: number;
}
/** Bench for a board's top level. */
export const serialBench = ({ sent, ...context }: SerialBench): string =>
  render("cells/serial.v", { ...context, lastSent: sent - 1 });
