/** Softmax: scores to 7-bit probabilities with a power of two per block of 32 slots. Contract section 6. */
import {
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  match,
  mux,
  type Of,
  reg,
  select,
  sint,
  source,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { GROUP, MANTISSA_BITS } from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { scoreValue } from "./epilogueports.js";
import { SEMAPHORE_BITS, softmaxJob } from "./jobs.js";
import { softmaxSum } from "./scaler.js";
import { type Bits, type Bool, type Int, range } from "./signals.js";
import { EXPONENT_BITS, PROBABILITY_BITS, passOver, SUM_BITS } from "./softmaxpass.js";
import { BUFFERS, fillScores } from "./softmaxscores.js";
import { probabilityRead, probabilityWord } from "./stream.js";
import { BLOCK } from "./widths.js";

/** μ of the block with the largest exponent is 2^14; of blocks that far below it, 0. */
const MOST_MU = MANTISSA_BITS - 1;

/** Probabilities of a block with its μ = 2^(14 - (Emax - E)), one cycle after the request. */
const wordReader = (
  request: Of<ReturnType<typeof probabilityRead>>,
  emaxes: readonly Int[],
  readWord: (at: Bits, enable: Bool) => Bits,
  readExponent: (at: Bits, enable: Bool) => Int,
): { p: Bits[]; mantissa: Bits } => {
  const at = cat(request.buffer, request.word);
  const word = readWord(at, request.enable);
  const exponent = readExponent(at, request.enable);
  const buffer = reg("read_buffer", uint(1));
  when(request.enable, () => buffer.set(request.buffer));
  const below = select(buffer, emaxes).sub(exponent).asUnsigned().as("below");
  const power = lit(uint(MANTISSA_BITS), 1 << MOST_MU).dshr(below.resize(4));
  return {
    p: range(GROUP).map((i) => word.slice(PROBABILITY_BITS * (i + 1) - 1, PROBABILITY_BITS * i)),
    mantissa: mux(below.gt(MOST_MU), 0, power).as("mu"),
  };
};

/**
 * Scores of a head (int24, 10 fraction bits) come while the head before is computed: two buffers of scores. A job passes over
 * them, one slot a cycle, slots + 7 cycles: 7-bit probabilities, E of each block of 32 slots, and for the scaler the sum SE and
 * Emax. Probabilities are read from two buffers in turn, one cycle after the request. Contract section 6.
 */
export const softmax = (c: AcceleratorConfig) =>
  defineModule(
    "softmax",
    {
      in: {
        job: stream(softmaxJob(c)),
        granted: bool,
        score: scoreValue(c),
        probabilityRead: probabilityRead(c),
      },
      out: {
        want: uint(SEMAPHORE_BITS),
        take: bool,
        signal: uint(SEMAPHORE_BITS),
        probability: probabilityWord,
        sum: stream(softmaxSum),
        idle: bool,
        trace: {
          prob: { valid: bool, data: uint(8) },
          probexp: { valid: bool, value: sint(EXPONENT_BITS) },
          probsum: { valid: bool, value: uint(SUM_BITS) },
        },
      },
      doc: "Softmax with block exponents (contract section 6): two score buffers in, two probability buffers out.",
    },
    ({ job: jobs, granted, score, probabilityRead: request }) => {
      const slotBits = log2(c.context);
      const next = queue("u_jobs", softmaxJob(c), jobs, 4);
      const scores = fillScores(c, score);
      const state = enumReg("state", ["idle", "run", "drain", "push"]);
      const set = reg("set", uint(1), { reset: 0 });
      const out = reg("out_set", uint(1), { reset: 0 });
      const live = reg("live", uint(slotBits + 1));
      const slot = reg("slot", uint(slotBits + 1));
      const lastSlot = reg("last_slot", uint(slotBits + 1));
      const start = state.is("idle").and(next.valid).and(granted).as("start");
      const pass = passOver(
        c,
        {
          start,
          running: state.is("run").as("running"),
          slot: slot.resize(slotBits),
          live: slot.lt(live),
          last: slot.eq(lastSlot),
          set,
          out,
        },
        scores,
      );

      match(state, {
        idle: () =>
          when(start, () => {
            live.set(next.payload.live);
            slot.set(0);
            // the last slot of the last block that has a live one
            const blocks = next.payload.live.add(BLOCK - 1).shr(log2(BLOCK));
            lastSlot.set(
              cat(blocks, lit(uint(log2(BLOCK)), 0))
                .subMod(1)
                .resize(slotBits + 1),
            );
            state.go("run");
          }),
        run: () => {
          slot.set(slot.addMod(1));
          when(slot.eq(lastSlot), () => state.go("drain"));
        },
        drain: () => when(pass.ends, () => state.go("push")),
        push: () => {
          /* left when the scaler's queue takes the sum */
        },
      });
      const result = source(softmaxSum, { sum: pass.sum, emax: pass.emax }, state.is("push"), "sum_of_head");
      const sums = queue("u_sums", softmaxSum, result, 2);
      const done = result.fire.as("done");
      when(done, () => {
        state.go("idle");
        set.set(set.not());
        out.set(out.not());
      });
      next.consume(done);

      const emaxes = range(BUFFERS).map((k) => {
        const emax = reg(`emax_${k}`, sint(EXPONENT_BITS));
        when(done.and(out.eq(k)), () => emax.set(pass.emax));
        return emax;
      });
      return {
        want: mux(state.is("idle").and(next.valid), next.payload.wait, 0),
        take: start,
        signal: mux(done, next.payload.signal, 0),
        probability: wordReader(request, emaxes, pass.readWord, pass.readExponent),
        sum: sums,
        idle: state.is("idle").and(next.valid.not()),
        trace: { ...pass.trace, probsum: { valid: done, value: pass.sum } },
      };
    },
  );
