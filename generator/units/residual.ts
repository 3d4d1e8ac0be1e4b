/** Residual stream: read, add, saturate, write; and on the way y, its magnitude and the sum of squares. Contract section 2. */
import { bool, defineModule, delay, Mem, mux, reg, sint, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import { tokWidth } from "./memories.js";
import { ofToken, past, pastValid, withToken } from "./signals.js";
import { squares, squaresPerToken } from "./squares.js";
import { ELEMENT_BITS, TRACE_ROW_BITS, TRACE_TOK_BITS } from "./widths.js";

/** Cycles from a result to its y. */
export const RESIDUAL_LATENCY = 6;
const GAIN_BITS = 16;
/** y = rshr(x·g, 15). */
const GAIN_SHIFT = 15;

/**
 * One element a cycle: x = sat(x + d, 32), or x = d for an embedding; y = sat(rshr(x·g, 15), 32) comes out RESIDUAL_LATENCY
 * cycles later, and SS, s take x. x lies in block RAM, int32, elements of a token together. Contract section 2.
 */
export const residual = (c: AcceleratorConfig) =>
  defineModule(
    "residual",
    {
      in: {
        d: {
          valid: bool,
          value: sint(ELEMENT_BITS),
          row: uint(rowBits(c)),
          tok: uint(tokWidth(c)),
          embed: bool,
        },
        gain: sint(GAIN_BITS), // gain RAM at the element's row, one cycle later
        squaresTok: uint(tokWidth(c)),
      },
      out: {
        y: sint(ELEMENT_BITS), // RESIDUAL_LATENCY cycles after d
        squares, // of token `squaresTok`
        saturated: bool,
        trace: {
          residual: {
            valid: bool,
            value: sint(ELEMENT_BITS),
            tok: uint(TRACE_TOK_BITS),
            row: uint(TRACE_ROW_BITS),
          },
        },
      },
      doc: "Residual stream (contract section 2): x += d; y = x·g; sum of squares per token.",
    },
    ({ d, gain, squaresTok }) => {
      const address = past(withToken(c, d.tok, d.row.resize(log2(c.residualElements / c.tokens))), "address");
      const x = new Mem("x", sint(ELEMENT_BITS), c.residualElements, {
        readDuringWrite: "old",
        style: "block",
      });
      const valid = pastValid(d.valid, "valid");
      const row = past(d.row, "row");
      const tok = past(d.tok, "tok");

      // 1: old x; 2: new x; 3: x·g, z and s; 4: y and z²; 5: sums; 6
      const old = x.read(address(0));
      const added = delay(d.value, 1, "d");
      const embed = delay(d.embed, 1, "embed");
      const sum = old.add(added).as("sum");
      const clipped = sum.sat(ELEMENT_BITS);
      const fresh = mux(embed, added, clipped).as("x_new");
      x.write(valid(1), address(1), fresh);

      const present = delay(fresh, 1, "x_q");
      const product = delay(present.mul(delay(gain, 1, "gain_q")), 1, "x_gain");
      const rounded = product.roundShr(GAIN_SHIFT).as("y_rounded");
      const y = rounded.sat(ELEMENT_BITS);
      const sums = squaresPerToken(c, present, valid(2), delay(d.row.eq(0), 2, "first"), tok(2));

      const saturated = reg("saturated_q", bool, { reset: 0 });
      when(valid(1).and(embed.not()).and(sum.ne(clipped)), () => saturated.set(1));
      when(valid(3).and(rounded.ne(y)), () => saturated.set(1));
      return {
        y: delay(y, RESIDUAL_LATENCY - 3, "y"),
        squares: ofToken(squaresTok, sums),
        saturated,
        trace: {
          residual: { valid: valid(2), value: present, tok: tok(2).resize(TRACE_TOK_BITS), row: row(2) },
        },
      };
    },
  );
