/** Greedy sampler: the lowest index among the largest logits. Contract section 8. */
import { bool, defineModule, reg, sint, uint, when } from "../hdl/index.js";

/** `token` is the choice, valid in the cycle after the last logit. */
export const sampler = () =>
  defineModule(
    "sampler",
    {
      in: { logit: { valid: bool, value: sint(32), row: uint(16), last: bool } },
      out: { valid: bool, token: uint(16) },
      doc: "Greedy sampler: argmax of the logits, the lowest index on ties.",
    },
    ({ logit }) => {
      const best = reg("best", sint(32));
      const index = reg("index", uint(16));
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
