/**
 * Sparse DSP chain: FlightLLM (arXiv 2401.03868), CSD-Chain, on beats of two-bit fields. Every row has a chain of 16 multipliers:
 *
 *   2:4     one cycle per beat: the 16 kept weights, each with the activation that its index picks
 *   dense   two cycles per beat: 16 columns, then the other 16, added in the reduction node
 *
 * so 2:4 does twice the columns per cycle in the same hardware, chosen by the code of each beat. With two or more tokens, pairs of
 * them share each weight in one multiplier; a token alone is the matrix-vector mode.
 */
import {
  bool,
  defineModule,
  lit,
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
import { range } from "../digits.js";
import { engineGroups, type Family, GROUP_SUM_BITS, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { type Chain, chainSums, checkChain } from "../sparse/chain.js";
import { assertQuads, MULTIPLIERS, rowOnChain, TWO_OF_FOUR } from "../sparse/fields.js";
import { exactDepth, sumBits } from "../sparse/link.js";
import { jobShape, jobsOf, lanesOf, sideShape } from "../sparse/pairs.js";
import { GROUP_OF_MULTIPLIERS } from "../sparse/patterns.js";

const chainOf = (c: AcceleratorConfig, family: Family): Chain => ({
  columns: GROUP,
  multipliers: MULTIPLIERS,
  patterns: [TWO_OF_FOUR],
  tokens: lanesOf(c),
  family,
  // DSP slices add along their cascade for nothing; in the fabric a cascade is one DSP group
  span: family === "fabric" ? GROUP_OF_MULTIPLIERS : MULTIPLIERS,
});

/** Of pairs of tokens; a token alone takes two cycles for a dense beat. */
const cyclesPerBeat = (c: AcceleratorConfig, code: BeatCode): number =>
  code === "n24" || lanesOf(c) === 2 ? 1 : 2;

const build = (c: AcceleratorConfig, family: Family) => {
  checkKernelRows(c);
  const chain = chainOf(c, family);
  checkChain(chain);
  const rows = range(c.rows);
  const is = (job: Of<ReturnType<typeof jobShape>>, code: BeatCode) =>
    job.code.eq(beatCode(code)).as(`code_is_${code}`);

  return defineModule(
    `sparse_chain_kernel_${lanes(c)}x${chain.tokens}_${family}`,
    {
      ...kernelPorts(c),
      doc: `Sparse DSP chain: ${c.rows} row(s) of ${MULTIPLIERS} multipliers, ${chain.tokens} token(s) at once.`,
    },
    ({ beat }) => {
      const jobs = jobsOf(c, beat);
      const job = jobs.payload;
      const sparse = is(job, "n24");
      const second = reg("second_phase", bool, { reset: 0 });
      const end = sparse.or(second).as("last_phase");
      assertQuads(c, job.weights, jobs.valid.and(sparse));
      const phases = source(
        { ...jobShape(c), second: bool, end: bool },
        { ...job, second, end },
        jobs.valid,
        "phases",
      );
      jobs.consume(phases.ready.and(end));
      when(phases.fire, () => second.set(end.not()));

      const sum = sint(sumBits(GROUP));
      const doneShape = {
        sums: vec(vec(sum, c.rows), chain.tokens),
        side: vec(sideShape(c), chain.tokens),
        two: bool,
        w4: bool,
        second: bool,
        end: bool,
      };
      const done = phases.pipe(doneShape, (p, cut, stages) => {
        const w4 = is(p, "w4");
        const perRow = rows.map((r) => {
          const isU = is(p, "ternary")
            .or(r % 2 === 0 ? w4 : lit(bool, 0))
            .as(`value_is_u_${r}`);
          const row = rowOnChain(c, p, r, { sparse: is(p, "n24"), second: p.second, isU });
          return chainSums({ ...chain, name: `row_${r}_` }, row, cut, stages);
        });
        const sums = range(chain.tokens).map((t) => perRow.map((s) => s[t]![0]!.resize(sum.width)));
        return { sums, side: p.side, two: p.two, w4, second: p.second, end: p.end };
      });

      // Reduction nodes: the sums of the first phase wait for those of the second.
      const p = done.payload;
      const first = regOf("first_phase", vec(vec(sum, c.rows), chain.tokens));
      when(done.fire.and(p.end.not()), () => setAll(first, p.sums));
      const results = p.sums.map((sums, t) => {
        const dots = sums.map((s, r) => mux(p.second, first[t]![r]!.addMod(s), s).as(`dot_${t}_${r}`));
        const groups = dots.map((dot, r) => {
          const high = r % 2 === 0 ? dots[r + 1] : undefined;
          const group = high === undefined ? dot : mux(p.w4, dot.add(high.shl(1)), dot); // Σu0·a + 2·Σ(2·u1 + 1)·a
          return group.resize(GROUP_SUM_BITS).as(`group_${t}_${r}`);
        });
        return { groups, ...p.side[t]! };
      });

      const shape = engineGroups(c);
      if (results.length === 1) {
        const groups = source(shape, results[0]!, done.valid.and(p.end), "groups");
        done.consume(p.end.not().or(groups.ready));
        return { groups };
      }
      // The second token waits while the first one goes out, and goes out during the first phase of what follows.
      const waits = reg("second_token_waits", bool, { reset: 0 });
      const token = regOf("second_token", shape);
      const groups = source(shape, mux(waits, token, results[0]!), waits.or(done.valid.and(p.end)), "groups");
      const taken = done.consume(p.end.not().or(groups.ready.and(waits.not()))).and(p.end);
      when(groups.ready, () => waits.set(taken.and(p.two)));
      when(taken, () => setAll(token, results[1]!));
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
    depth: MULTIPLIERS,
    reason: `weights of -3..3 as they are; a lane of 18 bits would sum ${exactDepth(18)} products exactly, of 17 bits ${exactDepth(17)}: no overflow adjust`,
    minus128: lanesOf(c) === 1 ? "exact" : "refused",
  }),
  cyclesPerBeat,
  build,
};
