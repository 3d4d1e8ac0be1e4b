/**
 * The matrix scale T of every job and token (contract sections 0, 1, 4 and 6), by one multiplier in at most ten cycles per
 * token. Two sets: that of the next job is computed while the row scaler still uses the present one.
 */
import {
  bool,
  defineModule,
  enumReg,
  match,
  mux,
  reg,
  select,
  stream,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { tokBits, toksBits } from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { NORMS } from "../isa/instruction.js";
import { otherNorms } from "./jobs.js";
import { computation, rootArgument, SCALER_STATES } from "./scalernumber.js";
import { normSum, SCALE_EXPONENT_BITS, scale, scaleJob, softmaxSum, vectorScale } from "./scalerports.js";
import { scaleSets, startCredits } from "./scalersets.js";
import { squares } from "./squares.js";
import { SQUARES_BITS } from "./widths.js";

export { SCALE_EXPONENT_BITS, scale, scaleJob, SQUARES_BITS, softmaxSum, vectorScale };

/**
 * T = (m, e) of each job's tokens: K, S·K, S·R(SS, s, E)·K, or recip(norm16(SE))·K·2^Emax, by the job's `scaling`.
 * 2, 3, 10 and 8 cycles a token. A job begins when its activations are complete (`started`). T of token `tok` is read in the
 * same cycle, `known` says whether it is there. Contract sections 0, 1, 4, 6.
 */
export const scaler = (c: AcceleratorConfig) =>
  defineModule(
    "scaler",
    {
      in: {
        job: stream(scaleJob(c)),
        started: bool, // the job's activations are complete; one pulse per job, in order
        scale: vectorScale, // S at scaleAddr, same cycle
        squares, // of token scaleAddr.tok, same cycle
        epsilonSum: uint(SQUARES_BITS),
        others: vec(normSum, otherNorms(c).length), // likewise, of the norms beyond the residual's
        softmax: stream(softmaxSum),
        tok: uint(tokBits(c)), // whose T the row scaler wants, from 0
        retire: bool, // the row scaler is done with the present job
      },
      out: { scaleAddr: { slot: uint(log2(c.slots)), tok: uint(tokBits(c)) }, t: scale, known: bool },
      doc: "Matrix scales T by table, Newton step and products, one multiplier.",
    },
    ({ job, started, scale: s, squares: residualSquares, epsilonSum, others, softmax, tok, retire }) => {
      const jobs = queue("jobs", scaleJob(c), job, 4);
      const head = jobs.payload;
      const state = enumReg("state", SCALER_STATES);
      const number = computation(head, state);
      const { is } = number;
      const sets = scaleSets(c, retire);
      const credits = startCredits(started);
      const index = reg("tok_index", uint(toksBits(c)), { reset: 0 }); // token within the job
      const local = index.wrap(tokBits(c));

      const residual = { squares: residualSquares, epsilon: epsilonSum };
      const taken = head.norm.reduce<typeof residual>(
        (first, norm) =>
          select(
            norm,
            otherNorms(c).map((name, i) => [NORMS.indexOf(name), others[i]!]),
            first,
          ),
        residual,
      );

      // a job begins with its `started`; further tokens follow without
      const first = index.eq(0);
      const begin = state
        .is("idle")
        .and(jobs.valid)
        .and(credits.allow(first.not()))
        .and(sets.full.not())
        .and(is.softmax.not().or(softmax.valid))
        .as("begin");
      credits.spend(begin.and(first).as("spent"));
      const last = index.add(1).eq(head.toks).as("last_tok");
      const storing = state.is("store").as("storing");
      match(state, {
        idle: () =>
          when(begin, () => {
            const root = rootArgument(taken, s);
            number.load(mux(is.norm, root.value, softmax.payload.sum), mux(is.norm, root.s, s));
            when(
              is.constant,
              () => state.go("store"),
              () =>
                when(
                  is.activation,
                  () => state.go("times_k"),
                  () => state.go("measure"),
                ),
            );
          }),
        measure: () => {
          number.measure();
          state.go("normalise");
        },
        normalise: () => {
          number.normalise();
          state.go("seed");
        },
        seed: () => {
          number.seed();
          state.go("square");
        },
        square: () => state.go("middle"),
        middle: () =>
          when(
            is.norm,
            () => state.go("correct"),
            () => state.go("times_k"),
          ),
        correct: () => state.go("times_s"),
        times_s: () => state.go("times_k"),
        times_k: () => {
          number.timesK();
          state.go("store");
        },
        store: () => {
          state.go("idle");
          index.set(mux(last, 0, index.addMod(1)));
        },
      });
      const done = storing.and(last).as("set_done");
      jobs.consume(done);
      softmax.consume(done.and(is.softmax));
      const { m, e } = number.result(softmax.payload.emax);
      sets.store(storing, done, local, m, e);
      return {
        scaleAddr: { slot: head.scaleSlot, tok: head.tok.addMod(local) },
        ...sets.read(tok, index),
      };
    },
  );
