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
  type Sig,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { quantJob, SEMAPHORE_BITS } from "./jobs.js";
import { elementBits, tokWidth } from "./memories.js";
import { vectorScale } from "./scaler.js";
import { activationWrite } from "./stream.js";
import { bitLength, mantissa16, reciprocalGuess, refineReciprocal } from "./reciprocal.js";

export const quantiser = (c: AcceleratorConfig) =>
  defineModule(
    "quantiser",
    {
      in: {
        job: stream(quantJob(c)),
        granted: bool, // every semaphore that the job waits for is there
        maximum: uint(32), // statistics at (statSlot, statTok)
        quad: uint(128), // vector memory, one cycle after `word`
        scaleRead: { slot: uint(log2(c.slots)), tok: uint(tokWidth(c)) },
      },
      out: {
        want: uint(SEMAPHORE_BITS),
        take: bool,
        signal: uint(SEMAPHORE_BITS),
        stat: { slot: uint(log2(c.slots)), tok: uint(tokWidth(c)) },
        word: uint(elementBits(c) - 2),
        write: activationWrite(c),
        scale: vectorScale, // S at scaleRead
        idle: bool,
        trace: { act: { valid: bool, data: uint(32) } },
      },
      doc: "Quantiser: int32 vector to int8 activations by its largest magnitude (contract section 3).",
    },
    ({ job: jobs, granted, maximum, quad, scaleRead }) => {
      const next = queue("u_jobs", quantJob(c), jobs, 4);
      const state = enumReg("state", ["idle", "norm", "guess", "refine", "run", "drain"]);
      const job = next.payload;
      const start = state.is("idle").and(next.valid).and(granted).as("start");

      // M, its mantissa and r = (127·recip(m)) >> 7
      const peak = reg("peak", uint(32));
      const zero = reg("zero", bool);
      const length = reg("length", uint(6));
      const mantissa = reg("mantissa", uint(16));
      const guess = reg("guess", uint(16));
      const product = reg("product", uint(32));
      const factor = reg("factor", uint(16));
      const scales = new Mem("scales", vectorScale, c.slots * c.tokens, {
        readDuringWrite: "old",
        style: "distributed",
      });
      const scaleAt = (slot: Sig<"u", number>, tok: Sig<"u", number>): Sig<"u", number> =>
        c.tokens === 1 ? slot : cat(tok, slot);
      const reciprocal = refineReciprocal(guess, product).as("reciprocal");
      const exponent = length.toSigned().sub(16).wrap(6);
      scales.write(state.is("refine"), scaleAt(job.slot, job.tok), {
        m: mux(zero, 0, mantissa),
        e: mux(zero, 0, exponent),
      } as never);

      // four elements a cycle: word, normalised, product, code
      const word = reg("word", uint(elementBits(c) - 2));
      const remaining = reg("remaining", uint(11));
      const reading = state.is("run").as("reading");
      const lastWord = remaining.eq(1).as("last_word");
      const act = reg("act_word", uint(log2(c.actWords)));
      const lane = reg("act_quad", uint(3));
      const normalised = delay(
        Array.from({ length: 4 }, (_, i) => {
          const v = quad.slice(32 * i + 31, 32 * i).asSigned() as Sig<"s", number>;
          return v.shl(16).dshr(length).wrap(17).as(`normalised_${i}`);
        }),
        1,
      );
      const scaled = delay(
        normalised.map((n, i) => n.mul(factor.toSigned()).as(`scaled_${i}`)),
        1,
      );
      const codes = scaled.map(
        (p, i) => mux(zero, 0, p.roundShr(24).clamp(-127, 127).resize(8)).as(`code_${i}`) as Sig<"s", number>,
      );
      const data = cat(...codes.map((q) => q.asUnsigned()).reverse()).as("codes");
      const valid = delayValid(reading, 3, "write_valid");
      const ended = delayValid(reading.and(lastWord), 3, "write_last");

      match(state, {
        idle: () =>
          when(start, () => {
            peak.set(maximum);
            word.set(job.src.slice(elementBits(c) - 1, 2));
            remaining.set(job.elements.slice(12, 2));
            act.set(job.act);
            lane.set(0);
            state.go("norm");
          }),
        norm: () => {
          const l = bitLength(peak).as("peak_length");
          length.set(l);
          zero.set(peak.orR().not());
          mantissa.set(mantissa16(peak, l));
          state.go("guess");
        },
        guess: () => {
          const r0 = reciprocalGuess(mantissa).as("first_guess");
          guess.set(r0);
          product.set(mantissa.mul(r0));
          state.go("refine");
        },
        refine: () => {
          factor.set(reciprocal.mul(127).shr(7).resize(16));
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
        when(lane.eq(7), () => act.set(act.addMod(1)));
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
        scale: scales.readAsync(scaleAt(scaleRead.slot, scaleRead.tok)) as never,
        idle: state.is("idle").and(next.valid.not()),
        trace: { act: { valid, data } },
      };
    },
  );
