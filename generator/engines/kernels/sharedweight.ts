/**
 * Shared weight: the activations of two tokens in one multiplier, since both meet the same digit (FlightLLM, arXiv 2401.03868, CSD-Chain;
 * AMD WP486). One lies in the upper part of the wide operand, the pre-adder puts the other into the lower part, the digit u is the
 * second operand, and a cascade sums all 32 columns: the lanes hold them (dsp/packing.ts). Half of the rows are multiplied in each of
 * two cycles:
 *
 *   two tokens   R rows x 2 tokens x 32 in two cycles on R/2 x 32 multipliers: one cycle per beat, 2 products per multiplier
 *   one token    matrix-vector mode: two cycles per beat, 1 product per multiplier
 */
import {
  bool,
  defineModule,
  mux,
  reg,
  regOf,
  setAll,
  sint,
  source,
  uint,
  vec,
  when,
} from "../../hdl/index.js";
import { BEAT_CODE_BITS } from "../../isa/codes.js";
import { type AcceleratorConfig, lanes } from "../../isa/config.js";
import { activationSum, digit, groupSums, range, type Signed } from "../digits.js";
import { type Product, SLICES } from "../dsp/cascade.js";
import { packedDots, type Unpack } from "../dsp/dots.js";
import { type Packing, packing, sumBits } from "../dsp/packing.js";
import { engineGroups, type Family, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP } from "../port.js";
import { jobShape, jobsOf, lanesOf, sideShape } from "../sparse/pairs.js";

const LARGEST = 2 * 127;

export const tokenPacking = (family: Family, tokens: number): Packing =>
  packing({
    operand: SLICES[family].multiplicand,
    lanes: tokens,
    value: 8, // -127 with a borrow behind it is -128
    largest: LARGEST,
    wanted: GROUP,
  });

/** The activations of one or two tokens and their digit. */
export const tokenProduct = (pack: Packing, [a0, a1]: readonly Signed[], u: Signed): Product =>
  a1 === undefined
    ? { multiplicand: a0!, multiplier: u }
    : { multiplicand: a1.shl(pack.spacing), addend: a0!.extend(pack.spacing + 8), multiplier: u };

/** `unpack` is for tests. */
export const buildSharedWeight = (c: AcceleratorConfig, family: Family, unpack?: Unpack) => {
  checkKernelRows(c);
  const tokens = lanesOf(c);
  const pack = tokenPacking(family, tokens);
  const half = Math.ceil(c.rows / 2);
  const dot = sint(sumBits(GROUP, LARGEST));
  const total = sint(sumBits(GROUP, 127));

  return defineModule(
    `shared_weight_kernel_${lanes(c)}x${tokens}_${family}`,
    {
      ...kernelPorts(c),
      doc: `Shared weight: ${half} row(s) of ${GROUP} multipliers for ${c.rows} rows, ${tokens} token(s) at once.`,
    },
    ({ beat }) => {
      const jobs = jobsOf(c, beat);
      const second = reg("second_half", bool, { reset: 0 });
      const halves = source(
        { ...jobShape(c), second: bool },
        { ...jobs.payload, second },
        jobs.valid,
        "halves",
      );
      jobs.consume(halves.ready.and(second));
      when(halves.fire, () => second.set(second.not()));

      const beside = {
        totals: vec(total, tokens),
        side: vec(sideShape(c), tokens),
        code: uint(BEAT_CODE_BITS),
        two: bool,
      };
      const done = halves.pipe(
        { ...beside, dots: vec(vec(dot, half), tokens), second: bool },
        (p, cut, stages) => {
          // u in two's complement is its field u + 2 with the top bit inverted
          const digits = range(half).map((r) =>
            range(GROUP).map((i) => {
              const first = digit(c, p.weights, r, i);
              const other = half + r < c.rows ? digit(c, p.weights, half + r, i) : first;
              return mux(p.second, other, first).xor(2).asSigned().as(`u_${r}_${i}`);
            }),
          );
          const perRow = digits.map((us, r) =>
            packedDots(
              { family, name: `row_${r}`, packing: pack, ...(unpack && { unpack }) },
              (column, at) =>
                tokenProduct(
                  pack,
                  p.act.map((act) => at(act[column]!)),
                  at(us[column]!),
                ),
              cut,
              stages,
            ),
          );
          return {
            ...{ code: p.code, two: p.two, side: p.side, second: p.second },
            dots: range(tokens).map((t) => perRow.map((lane) => lane[t]!.resize(dot.width))),
            totals: p.act.map((act) => activationSum(act, cut).resize(total.width)),
          };
        },
      );

      // The sums of the first half wait for those of the second.
      const p = done.payload;
      const first = regOf("first_half", vec(vec(dot, half), tokens));
      when(done.fire.and(p.second.not()), () => setAll(first, p.dots));
      const results = range(tokens).map((t) => ({
        dots: [...first[t]!, ...p.dots[t]!].slice(0, c.rows),
        total: p.totals[t]!,
        code: p.code,
        ...p.side[t]!,
      }));
      const shape = { dots: vec(dot, c.rows), total, code: uint(BEAT_CODE_BITS), ...sideShape(c) };
      const complete = done.valid.and(p.second).as("complete");
      const grouped = (one: ReturnType<typeof source<typeof shape>>) =>
        one.pipe(engineGroups(c), ({ dots, total: sum, code, ...side }, cut) => ({
          ...side,
          groups: groupSums(code, dots, sum).map((g) => cut(g)),
        }));

      if (results.length === 1) {
        const one = source(shape, results[0]!, complete, "token");
        done.consume(p.second.not().or(one.ready));
        return { groups: grouped(one) };
      }
      // The second token waits while the first one leaves, and leaves during the first half of what follows.
      const waits = reg("second_token_waits", bool, { reset: 0 });
      const token = regOf("second_token", shape);
      const one = source(shape, mux(waits, token, results[0]!), waits.or(complete), "token");
      const taken = done.consume(p.second.not().or(one.ready.and(waits.not()))).and(p.second);
      when(one.ready, () => waits.set(taken.and(p.two)));
      when(taken, () => setAll(token, results[1]!));
      return { groups: grouped(one) };
    },
  );
};

export const sharedWeight: Kernel = {
  name: "shared-weight",
  title: "two tokens in one multiplier, sharing the weight",
  source: "FlightLLM, arXiv 2401.03868, CSD-Chain; AMD WP486",
  codes: ["w2", "w4", "ternary"],
  families: ["xcup", "xc7", "ecp5", "fabric"],
  exactness: (c) => {
    const { spacing, depth } = tokenPacking("xcup", lanesOf(c));
    return {
      depth,
      reason: `|u·a| <= ${LARGEST}, so lanes of ${spacing} bits hold the sum of all ${GROUP} columns`,
      minus128: "refused",
    };
  },
  cyclesPerBeat: (c) => (lanesOf(c) === 2 ? 1 : 2),
  build: (c, family) => buildSharedWeight(c, family),
};
