/**
 * The dense engine: every lane multiplies a two-bit digit u in -2..1 (stored as u + 2) by an activation, by choosing among
 * 0, a, -a and -2a; wider weights are two digits in two lane rows. Contract section 4:
 *   w2: sum of c·a with c = 2u + 1:            2·dot + Σa           for each of R rows
 *   else: sum of c·a with c = 4·u1 + u0 + 2:   4·dot1 + dot0 + 2·Σa  for each of R/2 row pairs, in the even entries
 * Six registers from beat to sums; all of them stand still while finished sums wait.
 */
import {
  bool,
  defineModule,
  lit,
  Mem,
  mux,
  type Of,
  reg,
  regOf,
  select,
  setAll,
  type Shape,
  type Sig,
  sint,
  source,
  stream,
  sum,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, lanes } from "../isa/config.js";
import { checkRows, engineBeat, engineSums, engineTag, GROUP, MANTISSA_BITS, SUM_BITS } from "./port.js";

type Signed = Sig<"s", number>;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Two adder levels: sums of four neighbours. */
const fours = (xs: readonly Signed[]): Signed[] =>
  range(xs.length / 4).map((i) => sum(xs.slice(4 * i, 4 * i + 4)));

/** Registers from a beat to its sums. */
export const DENSE_LATENCY = 6;

export const denseEngine = (c: AcceleratorConfig) => {
  checkRows(c);
  const tagShape = engineTag(c);
  const mantissaShape = vec(uint(MANTISSA_BITS), c.rows);
  return defineModule(
    `dense_engine_${lanes(c)}x${c.tokens}`,
    {
      in: { beat: stream(engineBeat(c)) },
      out: { sums: stream(engineSums(c)) },
      doc: `Dense engine: ${c.rows} rows of ${c.cols} two-bit lanes, accumulators for ${c.tokens} token(s).`,
    },
    ({ beat }) => {
      const done = reg("sums_valid_r", bool, { reset: 0 });
      const total = range(c.rows).map((r) => reg(`total_${r}`, sint(SUM_BITS)));
      const tagOut = regOf("total_tag", tagShape);
      const sums = source(engineSums(c), { sums: total, tag: tagOut }, done);
      const enable = done.not().or(sums.ready).as("enable");
      beat.consume(enable);

      /** A register of the pipeline. */
      const hold = (name: string, value: Signed): Signed => {
        const r = reg(name, sint(value.width));
        when(enable, () => r.set(value));
        return r;
      };
      const holdOf = <S extends Shape>(name: string, shape: S, value: Of<S>): Of<S> => {
        const r = regOf(name, shape);
        when(enable, () => setAll(r, value));
        return r as unknown as Of<S>;
      };

      // What goes along, one copy per stage: mantissas as far as the product, the tag to the end.
      const { weights: beatWeights, act, mantissa: beatMantissa, tag: beatTag, first, last } = beat.payload;
      const flagShape = { first: bool, last: bool };
      let valid: Sig<"u", 1> = beat.valid;
      let flags: Of<typeof flagShape> = { first, last };
      let tag: Of<typeof tagShape> = beatTag;
      let mantissa: Of<typeof mantissaShape> = beatMantissa;
      const advance = (stage: string): void => {
        const present = reg(`${stage}_valid`, bool, { reset: 0 });
        const before = valid;
        when(enable, () => present.set(before));
        valid = present;
        flags = holdOf(stage, flagShape, flags);
        tag = holdOf(`${stage}_tag`, tagShape, tag);
      };

      // input: -a once per column, for all rows; a = -128 does not occur, so it fits 8 bits
      const weights = holdOf("weights", uint(beatWeights.width), beatWeights);
      const a = act.map((v, i) => hold(`act_${i}`, v));
      const negative = act.map((v, i) => hold(`negative_${i}`, v.neg().wrap(8)));
      advance("input");
      mantissa = holdOf("input_mantissa", mantissaShape, mantissa);

      // products and the first two adder levels
      const zero = lit(sint(9), 0);
      const digit = (row: number, column: number): Sig<"u", number> => {
        const at = 4 * (GROUP * (row >> 1) + column) + 2 * (row & 1);
        return weights.slice(at + 1, at);
      };
      const products = (row: number): Signed[] =>
        range(GROUP).map((i) =>
          select(digit(row, i), [negative[i]!.shl(1), negative[i]!.extend(9), zero, a[i]!.extend(9)]).as(
            `product_${row}_${i}`,
          ),
        );
      let rows = range(c.rows).map((r) => fours(products(r)).map((s, i) => hold(`dot4_${r}_${i}`, s)));
      let actSum = fours(a).map((s, i) => hold(`act4_${i}`, s));
      advance("product");
      mantissa = holdOf("product_mantissa", mantissaShape, mantissa);

      // levels three and four
      rows = rows.map((xs, r) => fours(xs).map((s, i) => hold(`dot16_${r}_${i}`, s)));
      actSum = fours(actSum).map((s, i) => hold(`act16_${i}`, s));
      advance("tree");
      mantissa = holdOf("tree_mantissa", mantissaShape, mantissa);

      // the last level, and digits to weights
      const dots = rows.map((xs, r) => sum(xs).as(`dot_${r}`));
      const all = sum(actSum).as("act_sum");
      const offset = mux(tag.wide, all.extend(all.width + 1), all.shl(1)).as("offset");
      const groups = dots.map((dot, r) => {
        if (r & 1) return hold(`group_${r}`, dot.shl(1).add(all).wrap(16));
        const digits = mux(tag.wide, dot.shl(1).resize(16), dot.add(dots[r + 1]!.shl(2)).wrap(16));
        return hold(`group_${r}`, digits.addMod(offset).wrap(16)); // at most 8·127·32 < 2^15
      });
      advance("group");
      mantissa = holdOf("group_mantissa", mantissaShape, mantissa);

      // times the mantissa
      const scaled = groups.map((g, r) => hold(`scaled_${r}`, g.mul(mantissa[r]!.toSigned())));
      advance("scaled");

      // accumulate; the registers of the output hold the sums of the token at hand
      const accumulate = enable.and(valid).as("accumulate");
      for (const [r, product] of scaled.entries()) {
        const t = total[r]!;
        if (c.tokens === 1) {
          when(accumulate, () =>
            t.set(
              mux(flags.first, lit(sint(SUM_BITS), 0), t)
                .addMod(product)
                .wrap(SUM_BITS),
            ),
          );
          continue;
        }
        const partial = new Mem(`partial_${r}`, sint(SUM_BITS), c.tokens, {
          style: "distributed",
          readDuringWrite: "old",
        });
        const next = mux(flags.first, lit(sint(SUM_BITS), 0), partial.readAsync(tag.tok))
          .addMod(product)
          .wrap(SUM_BITS);
        partial.write(accumulate, tag.tok, next);
        when(accumulate, () => t.set(next));
      }
      when(enable, () => {
        done.set(valid.and(flags.last));
        setAll(tagOut, tag);
      });
      return { sums };
    },
  );
};
