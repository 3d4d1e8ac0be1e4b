/**
 * Zero skipping before an engine (Q-Sparse, arXiv 2407.10969): a beat whose 32 activations are all zero adds nothing to any
 * row sum, so it is dropped. Marks move with it: the first beat that stays becomes `first`, the last one that stays becomes
 * `last` and takes the tag of the beat that was; of a row block of zeros alone the last beat stays, so that its sums
 * come. One beat waits until it is known whether another of its row block follows.
 */
import {
  allOf,
  bool,
  defineModule,
  fail,
  reg,
  regOf,
  setAll,
  source,
  stream,
  when,
} from "../../hdl/index.js";
import { type AcceleratorConfig, lanes } from "../../isa/config.js";
import { checkKernelRows, engineBeat } from "../port.js";

export const skipZeros = (c: AcceleratorConfig) => {
  checkKernelRows(c);
  if (c.tokens !== 1)
    fail(
      `zero skipping takes one token at a time, not ${c.tokens}: tokens share a beat of weights, and their zeros differ; use tokens 1`,
    );
  return defineModule(
    `skip_zeros_${lanes(c)}`,
    {
      in: { beat: stream(engineBeat(c)) },
      out: { some: stream(engineBeat(c)) },
      doc: "Drops beats whose activations are all zero; sums stay what they are.",
    },
    ({ beat }) => {
      const x = beat.payload;
      const waits = reg("waits", bool, { reset: 0 });
      const held = regOf("held", engineBeat(c));
      const begun = reg("begun", bool, { reset: 0 }); // a beat of this row block stayed

      const zero = allOf(x.act.map((a) => a.eq(0))).as("zero");
      const open = waits.and(held.last.not()).as("open"); // the waiting beat is not known to be the last
      const dropped = zero.and(x.last.not().or(open)).as("dropped");
      const stays = beat.valid.and(dropped.not()).as("stays");
      const some = source(engineBeat(c), held, waits.and(held.last.or(stays)));
      const taken = beat.consume(dropped.or(waits.not()).or(some.ready)).as("taken");

      when(some.fire, () => waits.set(0));
      when(taken.and(dropped.not()), () => {
        waits.set(1);
        setAll(held, { ...x, first: begun.not() });
        begun.set(x.last.not());
      });
      when(taken.and(dropped).and(x.last), () => {
        held.last.set(1);
        setAll(held.tag, x.tag);
        begun.set(0);
      });
      return { some };
    },
  );
};
