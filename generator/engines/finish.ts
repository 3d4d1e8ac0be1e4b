/** The second half of every engine: group sums × mantissa, accumulated per row and token into row sums (contract section 4). */
import {
  defineModule,
  lit,
  Mem,
  mux,
  reg,
  regOf,
  setAll,
  sint,
  source,
  stream,
  when,
  bool,
} from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { range } from "./digits.js";
import { engineGroups } from "./kernel.js";
import { engineSums, engineTag, SUM_BITS } from "./port.js";

/** 8-bit codes are 16·h + l: two beats of digits on the same activations. */
const DIGIT_BITS = 4;

/** Registers from group sums to row sums. */
export const FINISH_LATENCY = 2;

/** Groups of one row block and one token come in order, `first` to `last`; tokens take turns group by group. */
export const finish = (c: AcceleratorConfig) =>
  defineModule(
    "finish",
    {
      in: { groups: stream(engineGroups(c)) },
      out: { sums: stream(engineSums(c)) },
      doc: `Mantissas and accumulators: ${c.rows} rows, ${c.tokens} token(s).`,
    },
    ({ groups }) => {
      const scaledShape = { ...engineGroups(c), groups: engineSums(c).sums };
      const scaled = groups.pipe(scaledShape, (p, cut) => ({
        ...p,
        groups: p.groups.map((g, r) =>
          cut(g.mul(p.mantissa[r]!.toSigned()).as(`scaled_${r}`)).extend(SUM_BITS),
        ),
      }));
      const done = reg("sums_valid_r", bool, { reset: 0 });
      const total = range(c.rows).map((r) => reg(`total_${r}`, sint(SUM_BITS)));
      const tagOut = regOf("total_tag", engineTag(c));
      const sums = source(engineSums(c), { sums: total, tag: tagOut }, done);
      const enable = done.not().or(sums.ready).as("enable");
      const accumulate = scaled.consume(enable).as("accumulate");
      const { first, last, tag } = scaled.payload;
      const none = lit(sint(SUM_BITS), 0);
      const [high] = tag.high;
      const products = scaled.payload.groups.map((product) =>
        high === undefined ? product : mux(high, product.shl(DIGIT_BITS).wrap(SUM_BITS), product),
      );
      for (const [r, product] of products.entries()) {
        const t = total[r]!;
        if (c.tokens === 1) {
          when(accumulate, () => t.set(mux(first, none, t).addMod(product).wrap(SUM_BITS)));
          continue;
        }
        const partial = new Mem(`partial_${r}`, sint(SUM_BITS), c.tokens, {
          style: "distributed",
          readDuringWrite: "old",
        });
        const next = mux(first, none, partial.readAsync(tag.tok)).addMod(product).wrap(SUM_BITS);
        partial.write(accumulate, tag.tok, next);
        when(accumulate, () => t.set(next));
      }
      when(enable, () => {
        done.set(scaled.valid.and(last));
        setAll(tagOut, tag);
      });
      return { sums };
    },
  );
