/**
 * Sparse DSP chain: FlightLLM (arXiv 2401.03868), CSD-Chain, on beats of two-bit fields. Two rows share a chain of 32 multipliers:
 *
 *   2:4     one cycle per beat: 16 kept weights of each row, the chain starting again in its middle
 *   dense   two cycles per beat: 32 columns of the even rows, then of the odd ones
 *
 * so 2:4 does twice the columns per cycle in the same hardware, chosen by the code of each beat. With two or more tokens, pairs of
 * them share each weight in one multiplier; a token alone is the matrix-vector mode.
 */
import {
  bool,
  defineModule,
  mux,
  type Of,
  reg,
  regOf,
  setAll,
  sint,
  source,
  vec,
  when,
} from "../../hdl/index.js";
import { type BeatCode, beatCode } from "../../isa/codes.js";
import { type AcceleratorConfig, lanes } from "../../isa/config.js";
import { range, type Signed } from "../digits.js";
import { engineGroups, type Family, GROUP_SUM_BITS, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { type Chain, chainSums, checkChain } from "../sparse/chain.js";
import { assertQuads, PATTERNS, rowPair } from "../sparse/fields.js";
import { exactDepth, sumBits } from "../sparse/link.js";
import { jobShape, jobsOf, lanesOf, sideShape } from "../sparse/pairs.js";
import { GROUP_OF_MULTIPLIERS } from "../sparse/patterns.js";

const chainOf = (c: AcceleratorConfig, family: Family): Chain => ({
  columns: GROUP,
  patterns: PATTERNS,
  tokens: lanesOf(c),
  family,
  // DSP slices add along their cascade for nothing; in the fabric a cascade is one DSP group
  span: family === "fabric" ? GROUP_OF_MULTIPLIERS : GROUP,
});

const cyclesPerBeat = (c: AcceleratorConfig, code: BeatCode): number =>
  code === "n24" || lanesOf(c) === 2 ? 1 : 2;

const build = (c: AcceleratorConfig, family: Family) => {
  checkKernelRows(c);
  const chain = chainOf(c, family);
  checkChain(chain);
  const tokens = range(chain.tokens);
  const rowPairs = range(Math.ceil(c.rows / 2));
  const is = (job: Of<ReturnType<typeof jobShape>>, code: BeatCode) =>
    job.code.eq(beatCode(code)).as(`code_is_${code}`);

  return defineModule(
    `sparse_chain_kernel_${lanes(c)}x${chain.tokens}_${family}`,
    {
      ...kernelPorts(c),
      doc: `Sparse DSP chain: ${rowPairs.length} chain(s) of ${GROUP} multipliers for ${c.rows} rows, ${chain.tokens} token(s) at once.`,
    },
    ({ beat }) => {
      const jobs = jobsOf(c, beat);
      const job = jobs.payload;
      const sparse = is(job, "n24");
      const odd = reg("odd_rows", bool, { reset: 0 });
      const end = sparse.or(odd).as("last_phase");
      assertQuads(c, job.weights, jobs.valid.and(sparse));

      const phases = source(
        { ...jobShape(c), odd: bool, end: bool },
        { ...job, odd, end },
        jobs.valid,
        "phases",
      );
      jobs.consume(phases.ready.and(end));
      when(phases.fire, () => odd.set(end.not()));

      const row = sint(sumBits(GROUP));
      const doneShape = {
        sums: vec(vec(vec(row, 2), chain.tokens), rowPairs.length),
        side: vec(sideShape(c), chain.tokens),
        two: bool,
        sparse: bool,
        w4: bool,
        end: bool,
      };
      const done = phases.pipe(doneShape, (p, cut, stages) => {
        const isSparse = is(p, "n24");
        const w4 = is(p, "w4");
        const plain = is(p, "ternary").or(w4.and(p.odd.not())).as("value_is_u");
        const sums = rowPairs.map((j) => {
          const pair = rowPair(c, p, j, { sparse: isSparse, odd: p.odd, plain });
          return chainSums({ ...chain, name: `pair_${j}_` }, pair, cut, stages);
        });
        return { sums, side: p.side, two: p.two, sparse: isSparse, w4, end: p.end };
      });

      // sums of the even rows wait for those of the odd ones
      const p = done.payload;
      const even = regOf("even_row", vec(vec(row, chain.tokens), rowPairs.length));
      when(done.fire.and(p.end.not()), () =>
        setAll(
          even,
          p.sums.map((pair) => pair.map(([sum]) => sum)),
        ),
      );
      const groupsOf = (t: number) =>
        rowPairs
          .flatMap((j): Signed[] => {
            const [first, second] = [p.sums[j]![t]![0]!, p.sums[j]![t]![1]!];
            const low = even[j]![t]!;
            const pair = low.add(first.shl(1)).wrap(GROUP_SUM_BITS); // 2·Σ(2·u1 + 1)·a + Σu0·a
            return [
              mux(p.sparse, first.resize(GROUP_SUM_BITS), mux(p.w4, pair, low.resize(GROUP_SUM_BITS))),
              mux(p.sparse, second, first).resize(GROUP_SUM_BITS),
            ];
          })
          .slice(0, c.rows)
          .map((g, r) => g.resize(GROUP_SUM_BITS).as(`group_${t}_${r}`));
      const results = tokens.map((t) => ({ groups: groupsOf(t), ...p.side[t]! }));

      if (chain.tokens === 1) {
        const groups = source(engineGroups(c), results[0]!, done.valid.and(p.end), "groups");
        done.consume(p.end.not().or(groups.ready));
        return { groups };
      }
      const second = reg("second_token", bool, { reset: 0 });
      const groups = source(
        engineGroups(c),
        mux(second, results[1]!, results[0]!),
        done.valid.and(p.end),
        "groups",
      );
      const all = second.or(p.two.not()).as("last_token");
      done.consume(p.end.not().or(groups.ready.and(all)));
      when(groups.fire, () => second.set(all.not()));
      return { groups };
    },
  );
};

export const sparseChainKernel: Kernel = {
  name: "sparse-chain",
  title: "sparse DSP chain, 2:4 and dense in the same multipliers",
  source: "FlightLLM, arXiv 2401.03868, CSD-Chain",
  codes: ["w2", "w4", "ternary", "n24"],
  families: ["fabric", "xcup", "xc7"],
  exactness: (c) => ({
    depth: GROUP,
    reason: `weights of -3..3 as they are; a lane of 18 bits sums ${exactDepth(18)} products exactly, of 17 bits ${exactDepth(17)}: no overflow adjust`,
    minus128: lanesOf(c) === 1 ? "exact" : "refused",
  }),
  cyclesPerBeat,
  build,
};
