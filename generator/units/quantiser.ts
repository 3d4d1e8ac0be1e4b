/** Quantiser: int32 vector to int8 activations, four elements a cycle. Contract section 3. */
import {
  bool,
  cat,
  defineModule,
  delay,
  delayValid,
  enumReg,
  match,
  Mem,
  mux,
  reg,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { quantJob, SEMAPHORE_BITS } from "./jobs.js";
import { elementBits, QUAD, QUAD_BITS, slotAndToken, tokWidth } from "./memories.js";
import { vectorScale } from "./scaler.js";
import { activationWrite } from "./stream.js";
import { bitLength, mantissa16, reciprocalGuess, refineReciprocal } from "./reciprocal.js";
import { type Bits, type Bool, type Int, range } from "./signals.js";
import { ELEMENT_BITS, SCALE_MANTISSA_BITS } from "./widths.js";

const MOST = 127; // |q| at most
const CODE_BITS = 8;
const LENGTH_BITS = 6; // bitlen of 32 bits
const NORMALISED_BITS = 17;
/** r = (127·recip(m)) >> 7; q = rshr(n·r, 24). */
const FACTOR_SHIFT = 7;
const CODE_SHIFT = 24;
/** Quads in an activation word. */
const QUADS_PER_WORD = 8;
/** Cycles from a word's address to its codes. */
const CODE_LATENCY = 3;

/** M's norm16 and r, a step in each of three states: the numbers that all elements of a vector share. */
const normalisation = () => {
  const peak = reg("peak", uint(ELEMENT_BITS));
  const zero = reg("zero", bool);
  const length = reg("length", uint(LENGTH_BITS));
  const mantissa = reg("mantissa", uint(SCALE_MANTISSA_BITS));
  const guess = reg("guess", uint(SCALE_MANTISSA_BITS));
  const product = reg("product", uint(2 * SCALE_MANTISSA_BITS));
  const factor = reg("factor", uint(SCALE_MANTISSA_BITS));
  const reciprocal = refineReciprocal(guess, product).as("reciprocal");
  const exponent = length.toSigned().sub(SCALE_MANTISSA_BITS).wrap(LENGTH_BITS);
  return {
    length,
    zero,
    factor,
    /** S. */
    scale: { m: mux(zero, 0, mantissa), e: mux(zero, 0, exponent) },
    start: (maximum: Bits): void => peak.set(maximum),
    norm: (): void => {
      const l = bitLength(peak).as("peak_length");
      length.set(l);
      zero.set(peak.orR().not());
      mantissa.set(mantissa16(peak, l));
    },
    guess: (): void => {
      const r0 = reciprocalGuess(mantissa).as("first_guess");
      guess.set(r0);
      product.set(mantissa.mul(r0));
    },
    refine: (): void => factor.set(reciprocal.mul(MOST).shr(FACTOR_SHIFT).resize(SCALE_MANTISSA_BITS)),
  };
};

/** Codes of four elements, two registers behind them: normalised, times r, rounded. */
const codesOf = (quad: Bits, { length, factor, zero }: { length: Bits; factor: Bits; zero: Bool }): Int[] => {
  const normalised = delay(
    range(QUAD).map((i) => {
      const v = quad.slice(ELEMENT_BITS * (i + 1) - 1, ELEMENT_BITS * i).asSigned();
      return v.shl(SCALE_MANTISSA_BITS).dshr(length).wrap(NORMALISED_BITS).as(`normalised_${i}`);
    }),
    1,
  );
  const scaled = delay(
    normalised.map((n, i) => n.mul(factor.toSigned()).as(`scaled_${i}`)),
    1,
  );
  return scaled.map((p, i) =>
    mux(zero, 0, p.roundShr(CODE_SHIFT).clamp(-MOST, MOST).resize(CODE_BITS)).as(`code_${i}`),
  );
};

/**
 * One vector a job, `elements` of them from `src` on: its largest magnitude M (from the statistics) gives the scale S, its
 * elements q = clamp(rshr(n·r, 24), -127, 127) go to the activations. 9 + elements/4 cycles from `take` to the signal; S is
 * there from `refine` on, read without delay. Contract section 3.
 */
export const quantiser = (c: AcceleratorConfig) => {
  const slotAndTok = { slot: uint(log2(c.slots)), tok: uint(tokWidth(c)) };
  return defineModule(
    "quantiser",
    {
      in: {
        job: stream(quantJob(c)),
        granted: bool, // every semaphore that the job waits for is there
        maximum: uint(ELEMENT_BITS), // statistics at `stat`, same cycle
        quad: uint(QUAD_BITS), // vector memory, one cycle after `word`
        scaleRead: slotAndTok,
      },
      out: {
        want: uint(SEMAPHORE_BITS),
        take: bool,
        signal: uint(SEMAPHORE_BITS),
        stat: slotAndTok,
        word: uint(elementBits(c) - log2(QUAD)),
        write: activationWrite(c),
        scale: vectorScale, // S at scaleRead, same cycle
        idle: bool,
        trace: { act: { valid: bool, data: uint(QUAD * CODE_BITS) } },
      },
      doc: "Quantiser: int32 vector to int8 activations by its largest magnitude (contract section 3).",
    },
    ({ job: jobs, granted, maximum, quad, scaleRead }) => {
      const next = queue("u_jobs", quantJob(c), jobs, 4);
      const job = next.payload;
      const state = enumReg("state", ["idle", "norm", "guess", "refine", "run", "drain"]);
      const start = state.is("idle").and(next.valid).and(granted).as("start");

      const vector = normalisation();
      const scales = new Mem("scales", vectorScale, c.slots * c.tokens, {
        readDuringWrite: "old",
        style: "distributed",
      });
      scales.write(state.is("refine"), slotAndToken(c, job), vector.scale);

      const word = reg("word", uint(elementBits(c) - log2(QUAD)));
      const remaining = reg("remaining", uint(job.elements.width - log2(QUAD)));
      const reading = state.is("run").as("reading");
      const lastWord = remaining.eq(1).as("last_word");
      const act = reg("act_word", uint(log2(c.actWords)));
      const lane = reg("act_quad", uint(log2(QUADS_PER_WORD)));
      const codes = codesOf(quad, vector);
      const data = cat(...codes.map((q) => q.asUnsigned()).reverse()).as("codes");
      const valid = delayValid(reading, CODE_LATENCY, "write_valid");
      const ended = delayValid(reading.and(lastWord), CODE_LATENCY, "write_last");

      match(state, {
        idle: () =>
          when(start, () => {
            vector.start(maximum);
            word.set(job.src.slice(elementBits(c) - 1, log2(QUAD)));
            remaining.set(job.elements.slice(job.elements.width - 1, log2(QUAD)));
            act.set(job.act);
            lane.set(0);
            state.go("norm");
          }),
        norm: () => {
          vector.norm();
          state.go("guess");
        },
        guess: () => {
          vector.guess();
          state.go("refine");
        },
        refine: () => {
          vector.refine();
          state.go("run");
        },
        run: () => {
          word.set(word.addMod(1));
          remaining.set(remaining.subMod(1));
          when(lastWord, () => state.go("drain"));
        },
        drain: () => when(ended, () => state.go("idle")),
      });
      when(valid, () => {
        lane.set(lane.addMod(1));
        when(lane.eq(QUADS_PER_WORD - 1), () => act.set(act.addMod(1)));
      });
      const done = state.is("drain").and(ended).as("done");
      next.consume(done);

      return {
        want: mux(state.is("idle").and(next.valid), job.wait, 0),
        take: start,
        // the last write lands at this edge: whoever starts on the signal reads it
        signal: mux(done, job.signal, 0),
        stat: { slot: job.slot, tok: job.tok },
        word,
        write: { enable: valid, word: act, quad: lane, data },
        scale: scales.readAsync(slotAndToken(c, scaleRead)),
        idle: state.is("idle").and(next.valid.not()),
        trace: { act: { valid, data } },
      };
    },
  );
};
