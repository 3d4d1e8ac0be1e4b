/** Semaphores: counters that units wait for at the head of their queues. */
import { allOf, bool, cat, defineModule, mux, reg, uint, when } from "../hdl/index.js";
import { toksBits } from "../engines/port.js";
import { SEMAPHORES } from "../isa/instruction.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { SEMAPHORE_NAMES } from "../units/activity.js";
import { SEMAPHORE_BITS } from "../units/jobs.js";
import type { Bits, Bool } from "../units/signals.js";

const COUNT_BITS = 6;

/** `amount` if the semaphore's bit is set in a mask. */
const many = (mask: Bits, bit: number, amount: Bits): Bits =>
  mux(mask.bit(bit), amount.extend(COUNT_BITS), 0);
const one = (mask: Bits, bit: number): Bits => mask.bit(bit).extend(COUNT_BITS);
const none = (bits: readonly Bool[]): Bool => allOf(bits.map((b) => b.not()));

/**
 * A counter of 6 bits per semaphore (isa/instruction.ts). Three units wait: each shows the mask it wants, learns in the same
 * cycle whether all are there, and takes them. The stream unit wants `amount` of each, the others one. What is given in a
 * cycle counts from the next. `restart` puts every counter to its initial value.
 */
export const semaphores = (c: AcceleratorConfig) => {
  const mask = uint(SEMAPHORE_BITS);
  const amount = uint(toksBits(c));
  const waiter = { want: mask, take: bool };
  return defineModule(
    "semaphores",
    {
      in: {
        restart: bool,
        stream: { ...waiter, amount },
        quant: waiter,
        softmax: waiter,
        epilogue: { mask, amount },
        score: mask,
        quantSignal: mask,
        softmaxSignal: mask,
        probRelease: bool,
      },
      out: { streamGranted: bool, streamMissing: mask, quantGranted: bool, softmaxGranted: bool },
      doc: "Semaphores: a unit starts its job when all it wants are there.",
    },
    ({ restart, stream, quant, softmax, epilogue, score, quantSignal, softmaxSignal, probRelease }) => {
      const counters = SEMAPHORE_NAMES.map((name) => {
        const { bit, initial } = SEMAPHORES[name];
        const count = reg(name, uint(COUNT_BITS), { reset: initial });
        const given = many(epilogue.mask, bit, epilogue.amount)
          .addMod(one(score, bit))
          .addMod(one(quantSignal, bit))
          .addMod(one(softmaxSignal, bit))
          .addMod(name === "probFree" ? probRelease.extend(COUNT_BITS) : 0)
          .as(`${name}_given`);
        const taken = mux(stream.take, many(stream.want, bit, stream.amount), 0)
          .addMod(mux(quant.take, one(quant.want, bit), 0))
          .addMod(mux(softmax.take, one(softmax.want, bit), 0))
          .as(`${name}_taken`);
        count.set(count.addMod(given).subMod(taken));
        when(restart, () => count.set(initial));
        return {
          stream: stream.want.bit(bit).and(count.lt(stream.amount.extend(COUNT_BITS))),
          quant: quant.want.bit(bit).and(count.eq(0)),
          softmax: softmax.want.bit(bit).and(count.eq(0)),
        };
      });
      const streamMissing = counters.map((missing) => missing.stream);
      return {
        streamGranted: none(streamMissing),
        streamMissing: cat(...[...streamMissing].reverse()).resize(SEMAPHORE_BITS),
        quantGranted: none(counters.map((missing) => missing.quant)),
        softmaxGranted: none(counters.map((missing) => missing.softmax)),
      };
    },
  );
};
