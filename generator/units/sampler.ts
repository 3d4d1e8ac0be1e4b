/** Greedy sampler: the lowest index among the largest logits. Contract section 8. */
import { bool, defineModule, reg, sint, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, rowBits } from "../isa/config.js";
import { ELEMENT_BITS } from "./widths.js";

/** int32 logits in row order, one a cycle; `token` is the choice, valid in the cycle after the last. Contract section 8. */
export const sampler = (c: AcceleratorConfig) =>
  defineModule(
    "sampler",
    {
      in: { logit: { valid: bool, value: sint(ELEMENT_BITS), row: uint(rowBits(c)), last: bool } },
      out: { valid: bool, token: uint(rowBits(c)) },
      doc: "Greedy sampler: argmax of the logits, the lowest index on ties.",
    },
    ({ logit }) => {
      const best = reg("best", sint(ELEMENT_BITS));
      const index = reg("index", uint(rowBits(c)));
      const valid = reg("valid_q", bool, { reset: 0 });
      const better = logit.row.eq(0).or(logit.value.gt(best)).as("better");
      when(logit.valid.and(better), () => {
        best.set(logit.value);
        index.set(logit.row);
      });
      valid.set(logit.valid.and(logit.last));
      return { valid, token: index };
    },
  );
