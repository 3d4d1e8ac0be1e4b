/** Semaphores: counters that units wait for at the head of their queues. */
import { allOf, bool, cat, defineModule, lit, mux, reg, type Sig, uint, when } from "../hdl/index.js";
import { toksBits } from "../engines/port.js";
import { SEMAPHORES, type Semaphore } from "../isa/instruction.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { SEMAPHORE_BITS } from "../units/jobs.js";

type U = Sig<"u", number>;
type Bool = Sig<"u", 1>;
const COUNT_BITS = 6;

export const semaphores = (c: AcceleratorConfig) => {
  const waiter = { want: uint(SEMAPHORE_BITS), take: bool };
  return defineModule(
    "semaphores",
    {
      in: {
        restart: bool,
        stream: { ...waiter, amount: uint(toksBits(c)) },
        quant: waiter,
        softmax: waiter,
        epilogue: { mask: uint(SEMAPHORE_BITS), amount: uint(toksBits(c)) },
        score: uint(SEMAPHORE_BITS),
        quantSignal: uint(SEMAPHORE_BITS),
        softmaxSignal: uint(SEMAPHORE_BITS),
        probRelease: bool,
      },
      out: {
        streamGranted: bool,
        streamMissing: uint(SEMAPHORE_BITS),
        quantGranted: bool,
        softmaxGranted: bool,
      },
      doc: "Semaphores: a unit starts its job when all it wants are there.",
    },
    ({ restart, stream, quant, softmax, epilogue, score, quantSignal, softmaxSignal, probRelease }) => {
      const names = (Object.keys(SEMAPHORES) as Semaphore[]).sort(
        (a, b) => SEMAPHORES[a].bit - SEMAPHORES[b].bit,
      );
      const missing: Record<"stream" | "quant" | "softmax", Bool[]> = { stream: [], quant: [], softmax: [] };
      for (const name of names) {
        const { bit, initial } = SEMAPHORES[name];
        const count = reg(name, uint(COUNT_BITS), { reset: initial });
        const one = (v: U): U => v.bit(bit).extend(COUNT_BITS) as U;
        const many = (v: U, amount: U): U => mux(v.bit(bit), amount.extend(COUNT_BITS), 0) as U;
        const given = many(epilogue.mask, epilogue.amount)
          .addMod(one(score))
          .addMod(one(quantSignal))
          .addMod(one(softmaxSignal))
          .addMod(name === "probFree" ? probRelease.extend(COUNT_BITS) : 0)
          .as(`${name}_given`) as U;
        const taken = mux(stream.take, many(stream.want, stream.amount), 0)
          .addMod(mux(quant.take, one(quant.want), 0))
          .addMod(mux(softmax.take, one(softmax.want), 0))
          .as(`${name}_taken`) as U;
        count.set(count.addMod(given).subMod(taken));
        when(restart, () => count.set(initial));
        missing.stream.push(stream.want.bit(bit).and(count.lt(stream.amount.extend(COUNT_BITS))) as Bool);
        missing.quant.push(quant.want.bit(bit).and(count.eq(0)) as Bool);
        missing.softmax.push(softmax.want.bit(bit).and(count.eq(0)) as Bool);
      }
      const none = (bits: Bool[]): Bool => allOf(bits.map((b) => b.not() as Bool));
      const zeros = lit(uint(SEMAPHORE_BITS - names.length), 0);
      return {
        streamGranted: none(missing.stream),
        streamMissing: cat(zeros, ...[...missing.stream].reverse()),
        quantGranted: none(missing.quant),
        softmaxGranted: none(missing.softmax),
      } as never;
    },
  );
};
