/** The norms before o and down, of models that have them: gains on the epilogue's way to the vector memory. Contract section 6a. */
import { bool, defineModule, delay, delayValid, mux, type Of, reg, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, countBits, log2 } from "../isa/config.js";
import { constantRam, constantWrite } from "./constants.js";
import { SEMAPHORE_BITS } from "./jobs.js";
import { statisticsUpdate, tokWidth, vectorElement } from "./memories.js";
import { magnitude } from "./reciprocal.js";
import { type Int, ofToken } from "./signals.js";
import { squares, squaresPerToken } from "./squares.js";
import { ELEMENT_BITS } from "./widths.js";

/** Cycles from a write of the epilogue to the same write behind this unit. */
export const SUBNORM_LATENCY = 3;
const GAIN_BITS = 16;
/** y = rshr(v·g, ...): of the attention output (24 bits) and of h. */
const OUTPUT_SHIFT = 7;
const HIDDEN_SHIFT = 15;

/** What the epilogue writes to the vector memory, and says with it. */
export const vectorWritten = (c: AcceleratorConfig) => ({
  vector: vectorElement(c),
  update: statisticsUpdate(c),
  signal: { mask: uint(SEMAPHORE_BITS), amount: uint(countBits(c.tokens)) },
});

/**
 * Every write comes out SUBNORM_LATENCY cycles later: those with `normed` as y = sat(rshr(v·g, 7 or 15), 32), and SS, s
 * of their token take v, anew with `restart`; the others as they are. Contract section 6a.
 */
export const subnorm = (c: AcceleratorConfig) =>
  defineModule(
    "subnorm",
    {
      in: {
        x: vectorWritten(c),
        normed: bool,
        hidden: bool, // h, not the attention output
        index: uint(log2(c.subGainEntries)), // of the gain
        load: constantWrite(c),
        squaresTok: uint(tokWidth(c)),
      },
      out: { written: vectorWritten(c), squares, saturated: bool },
      doc: "Gain and sum of squares of the norms before o and down (contract section 6a).",
    },
    ({ x: { vector, update, signal }, normed, hidden, index, load, squaresTok }) => {
      const { element } = constantRam(c, "subgain", c.subGainEntries, GAIN_BITS, GAIN_BITS).inst("u_gain", {
        write: load,
        index,
      });
      // 1: value and gain; 2: product and z; 3: y and z²; the sum one later
      const value = delay(vector.value, 1, "value");
      const isHidden = delay(hidden, 1, "is_hidden");
      const product = delay(value.mul(element.asSigned()), 1, "v_gain");
      const rounded: Int = mux(
        delay(isHidden, 1, "product_hidden"),
        product.roundShr(HIDDEN_SHIFT),
        product.roundShr(OUTPUT_SHIFT),
      ).as("y_rounded");
      const y = rounded.sat(ELEMENT_BITS);
      const plain = delay(value, 1, "plain");
      const isNormed = delay(normed, 2, "is_normed");
      const out = delay(mux(isNormed, y, plain), 1, "y");

      const there = delayValid(vector.enable.and(normed), 1, "normed_valid");
      const saturated = reg("saturated_q", bool, { reset: 0 });
      when(delayValid(there, 1, "product_valid").and(rounded.ne(y)), () => saturated.set(1));

      const last = SUBNORM_LATENCY;
      const written: Of<ReturnType<typeof vectorElement>> = {
        enable: delayValid(vector.enable, last, "write"),
        element: delay(vector.element, last, "element"),
        value: out,
      };
      const said: Of<ReturnType<typeof statisticsUpdate>> = {
        enable: delayValid(update.enable, last, "update"),
        slot: delay(update.slot, last, "slot"),
        tok: delay(update.tok, last, "tok"),
        magnitude: magnitude(out).resize(ELEMENT_BITS),
        restart: delay(update.restart, last, "restart"),
      };
      const sums = squaresPerToken(
        c,
        value,
        there,
        delay(update.restart, 1, "first"),
        delay(update.tok, 1, "value_tok"),
      );
      return {
        written: {
          vector: written,
          update: said,
          signal: {
            mask: delay(signal.mask, last, "signal_mask", { reset: 0 }),
            amount: delay(signal.amount, last, "signal_amount"),
          },
        },
        squares: ofToken(squaresTok, sums),
        saturated,
      };
    },
  );
