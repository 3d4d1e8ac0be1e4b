/**
 * The sparse DSP chain of FlightLLM (arXiv 2401.03868, "configurable sparse DSP chain", CSD-Chain):
 *
 *   - a chain of multipliers, one per column, in DSP groups (DG) of two;
 *   - sparse MUX: in a pattern N:M each multiplier picks its activation among M, by an index;
 *   - a row of N:M keeps N/M of the columns: so many multipliers are its segment, and M/N rows are done at once;
 *   - Z-MUX: where a segment begins, the chain starts again from zero instead of the sum so far;
 *   - reduction node (RN): where a segment ends, its sum leaves the chain.
 *
 * No overflow adjust unit: weights are -3..3, so a lane of 18 bits sums 344 products exactly (link.ts).
 */
import {
  allOf,
  assertAlways,
  bool,
  type Cut,
  defineModule,
  fail,
  lit,
  mux,
  type Of,
  select,
  type Sig,
  sint,
  type Stages,
  type Stream,
  stream,
  sum,
  uint,
  vec,
} from "../../hdl/index.js";
import { range, type Signed } from "../digits.js";
import { cascadeSums } from "../dsp/cascade.js";
import type { Family } from "../kernel.js";
import { linkOf, sumBits } from "./link.js";
import { blockOf, checkPatterns, type Pattern, patternName, segment } from "./patterns.js";

export interface Chain {
  /** Columns of a row. */
  readonly columns: number;
  /** As many as columns unless told: then a dense row takes one cycle, and M/N rows of N:M do. */
  readonly multipliers?: number;
  /** Chosen at run time by their number in this list. */
  readonly patterns: readonly Pattern[];
  /** Activation vectors that share the weights: 1 (matrix times vector) or 2. */
  readonly tokens: 1 | 2;
  readonly family: Family;
  /** Multipliers in one cascade; reduction nodes add the cascades of a longer row. All of them unless told. */
  readonly span?: number;
  /** In front of the names of its signals, where a module has several. */
  readonly name?: string;
}
type Bool = Sig<"u", 1>;

const bitsFor = (count: number): number => Math.max(1, Math.ceil(Math.log2(count)));
const multipliers = (c: Chain): number => c.multipliers ?? c.columns;
const cascade = (c: Chain): number => c.span ?? multipliers(c);
/** Rows that a chain does per cycle. */
export const rowsPerCycle = (c: Chain, p: Pattern): number => multipliers(c) / segment(c.columns, p);
const mostRows = (c: Chain): number => Math.max(...c.patterns.map((p) => rowsPerCycle(c, p)));

/**
 * Row j of pattern N:M has as many multipliers as it keeps columns, from the j-th segment on; N of them in turn share a block of M columns and their
 * indices ascend.
 */
export const chainIn = (c: Chain) => ({
  pattern: uint(bitsFor(c.patterns.length)),
  value: vec(sint(3), multipliers(c)), // -3..3
  index: vec(uint(bitsFor(Math.max(...c.patterns.map((p) => p.m)))), multipliers(c)),
  act: vec(vec(sint(8), c.columns), c.tokens),
});
/** Sums [token][row]; those of rows that the pattern does not have mean nothing. */
export const chainOut = (c: Chain) => ({ sums: vec(vec(sint(sumBits(c.columns)), mostRows(c)), c.tokens) });
type ChainIn = Of<ReturnType<typeof chainIn>>;
type ChainOut = Of<ReturnType<typeof chainOut>>;

export const checkChain = (c: Chain): void => {
  checkPatterns(c.columns, c.patterns);
  const { depth } = linkOf(c.family);
  const [count, span] = [multipliers(c), cascade(c)];
  const segments = c.patterns.map((p) => segment(c.columns, p));
  const longest = Math.max(...segments);
  for (const [k, p] of c.patterns.entries())
    if (count % segments[k]! !== 0)
      fail(
        `${patternName(p)} keeps ${segments[k]} of ${c.columns} columns; ${count} multipliers are no multiple, ${longest} are`,
      );
  if (longest > depth)
    fail(
      `a sum of ${depth} products is exact on ${c.family}; instead of ${c.columns} columns take two chains`,
    );
  if (!(span >= 2 && count % span === 0 && segments.every((s) => s % span === 0 || span % s === 0)))
    fail(
      `cascades of ${span} multipliers do not cut ${count} into whole segments; ${Math.min(...segments)} would work`,
    );
  if (!Number.isInteger(Math.log2(longest / span)) && longest > span)
    fail(
      `cascades are added four by four: ${longest / span} of ${span} are no power of two; ${longest} would work`,
    );
};

/** Whether the pattern is one of those that `has` is true of. */
const patternIs = (c: Chain, pattern: Sig<"u", number>, has: (p: Pattern) => boolean): Bool =>
  select(
    pattern,
    c.patterns.map((p): Bool => lit(bool, has(p) ? 1 : 0)),
  );

/** The sparse MUX of multiplier i: patterns that choose from the same block share it. */
const sparseMux = (c: Chain, p: ChainIn, token: number, i: number): Signed => {
  const act = p.act[token]!;
  const blocks = new Map<string, Signed>();
  const ofPattern = c.patterns.map((pattern) => {
    const { m } = pattern;
    const first = m * blockOf(c.columns, pattern, i);
    const key = `${first}:${m}`;
    const known = blocks.get(key);
    if (known !== undefined) return known;
    const block = act.slice(first, first + m);
    const index = p.index[i]!;
    const choice = m === 1 ? block[0]! : select(index.slice(Math.log2(m) - 1, 0), block);
    blocks.set(key, choice);
    return choice;
  });
  return select(p.pattern, ofPattern).as(`${c.name ?? ""}act_${token}_of_${i}`);
};

/** The chain as a part of a pipeline: sums [token][row]. */
export const chainSums = (c: Chain, p: ChainIn, cut: Cut, stages: Stages): Signed[][] => {
  const link = linkOf(c.family);
  const span = cascade(c);
  const name = (of: string): string => `${c.name ?? ""}${of}`;
  const begins = (i: number) => (q: Pattern) => i % segment(c.columns, q) === 0;
  const pattern = cut(p.pattern.as("pattern"));
  if (link.lane !== null) return reduce(c, pattern, sliceSums(c, p, link.lane, pattern, cut, stages), cut);
  const sums: Signed[][] = []; // after each multiplier, one for each operand
  for (const i of range(multipliers(c))) {
    const place = i % span;
    // Multiplier i of a cascade works i cycles after the first, on the same beat.
    const chosen = range(c.tokens).map((token) => stages.at(cut(sparseMux(c, p, token, i)), place + 1));
    const weight = stages.at(cut(p.value[i]!.as(name(`weight_${i}`))), place + 1);
    const products = link
      .operands(chosen, cut)
      .map((x, k) => cut(link.multiply(x, weight).as(name(`product_${k}_of_${i}`))));
    const starts = place > 0 && c.patterns.some(begins(i));
    const restart = patternIs(c, pattern, begins(i)).as(name(`restart_${i}`));
    sums.push(
      products.map((product, k) => {
        const before = place === 0 ? lit(sint(2), 0) : sums[i - 1]![k]!;
        const zMux = starts
          ? mux(restart, lit(sint(before.width), 0), before).as(name(`z_mux_${k}_of_${i}`))
          : before;
        const total = link.accumulate(zMux, product);
        return cut(total.resize(link.width(c.tokens, place + 1)).as(name(`sum_${k}_of_${i}`)));
      }),
    );
  }
  return reduce(c, pattern, sums, cut);
};

/** The chain in DSP slices: the pre-adder puts two tokens side by side, the Z multiplexer of the slice restarts the sum. */
const sliceSums = (
  c: Chain,
  p: ChainIn,
  lane: number,
  pattern: Sig<"u", number>,
  cut: Cut,
  stages: Stages,
): Signed[][] => {
  const span = cascade(c);
  const name = (of: string): string => `${c.name ?? ""}${of}`;
  const begins = (i: number) => (q: Pattern) => i % segment(c.columns, q) === 0;
  return range(multipliers(c) / span).flatMap((k) =>
    cascadeSums(
      {
        family: c.family,
        name: name(`dsp_${k}`),
        width: linkOf(c.family).width(c.tokens, span),
        products: span,
        age: 1,
      },
      (n, at) => {
        const i = k * span + n;
        const [a0, a1] = range(c.tokens).map((token) => cut(sparseMux(c, p, token, i)));
        const multiplier = at(cut(p.value[i]!.as(name(`weight_${i}`))));
        const restarts = n > 0 && c.patterns.some(begins(i));
        const restart = restarts
          ? { restart: patternIs(c, pattern, begins(i)).as(name(`restart_${i}`)) }
          : {};
        return a1 === undefined
          ? { multiplicand: at(a0!), multiplier, ...restart }
          : { multiplicand: at(a1).shl(lane), addend: at(a0!), multiplier, ...restart };
      },
      cut,
      stages,
    ).map((sum) => [sum]),
  );
};

/** Reduction nodes: where segments end; a segment of several cascades is their sum, four by four. */
const reduce = (c: Chain, pattern: Sig<"u", number>, sums: readonly Signed[][], cut: Cut): Signed[][] => {
  const link = linkOf(c.family);
  const span = cascade(c);
  const width = sumBits(c.columns);
  const left = new Map<number, Signed[]>();
  const leaving = (i: number, token: number): Signed => {
    const known =
      left.get(i) ??
      link.extract(sums[i]!, c.tokens).map((s, t) => cut(s.as(`${c.name ?? ""}left_${t}_at_${i}`)));
    left.set(i, known);
    return known[token]!;
  };
  const nodes = new Map<string, Signed>();
  const cascades = (first: number, count: number, token: number): Signed => {
    if (count === 1) return leaving((first + 1) * span - 1, token);
    const key = `${token}_${first}_to_${first + count - 1}`;
    const part = 4 ** Math.ceil(Math.log2(count) / 2 - 1); // parts that rows of other patterns share
    const parts = range(count / part).map((k) => cascades(first + k * part, part, token));
    const node = nodes.get(key) ?? cut(sum(parts).as(`${c.name ?? ""}cascades_${key}`));
    nodes.set(key, node);
    return node;
  };
  const rowOf = (q: Pattern, row: number, token: number): Signed => {
    const long = segment(c.columns, q);
    const total =
      long <= span ? leaving((row + 1) * long - 1, token) : cascades((row * long) / span, long / span, token);
    return total.resize(width);
  };
  return range(c.tokens).map((token) =>
    range(mostRows(c)).map((row) => {
      const having = c.patterns.flatMap((q, k): [number, Signed][] =>
        row < rowsPerCycle(c, q) ? [[k, rowOf(q, row, token)]] : [],
      );
      const [, other] = having[0]!;
      const total = having.length === 1 ? other : select(pattern, having.slice(1), other);
      return cut(total.as(`${c.name ?? ""}total_${token}_${row}`));
    }),
  );
};

/** What a checker of the stream would say: indices are in their block and ascend. */
const assertIndices = (c: Chain, beat: Stream<ReturnType<typeof chainIn>>): Bool => {
  const { pattern, index } = beat.payload;
  const legal = c.patterns.map((q): Bool => {
    const indices = range(multipliers(c)).flatMap((i): Bool[] => [
      ...(q.m < 2 ** index[i]!.width && q.m > 1 ? [index[i]!.lt(q.m)] : []),
      ...(i % q.n === 0 ? [] : [index[i - 1]!.lt(index[i]!)]),
    ]);
    return indices.length === 0 ? lit(bool, 1) : allOf(indices);
  });
  const error = beat.valid.and(select(pattern, legal).not()).as("indices_are_corrupt");
  assertAlways("indices_ascend", error.not(), "the indices of a block ascend and stay in it");
  return error;
};

/** A chain on its own: beats of kept values and their indices. `error`: the beat that is offered has corrupt indices. */
export const sparseChain = (c: Chain) => {
  checkChain(c);
  const names = c.patterns.map((p) => patternName(p).replace(":", "of")).join("_");
  const span = c.span === undefined ? "" : `_by${c.span}`;
  return defineModule(
    `sparse_chain_${multipliers(c)}of${c.columns}x${c.tokens}_${names}_${c.family}${span}`,
    {
      in: { beat: stream(chainIn(c)) },
      out: { rows: stream(chainOut(c)), error: bool },
      doc: `Sparse chain of ${multipliers(c)} multipliers: ${c.patterns.map(patternName).join(", ")}; ${c.tokens} token(s).`,
    },
    ({ beat }) => ({
      error: assertIndices(c, beat),
      rows: beat.pipe(chainOut(c), (p, cut, stages): ChainOut => ({ sums: chainSums(c, p, cut, stages) })),
    }),
  );
};
