/** The scaler's bookkeeping: jobs that may begin, and two sets of T, of which one is computed while the other is used. */
import { assertAlways, bool, cat, Mem, reg, uint, when } from "../hdl/index.js";
import { tokBits, toksBits } from "../engines/port.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { scale } from "./scalerports.js";
import type { Bits, Bool, Int } from "./signals.js";

const CREDIT_BITS = 3;
const SETS = 2;

/** One credit per started job, taken by the job's first token. A job may begin in the cycle in which it is started; what is `free` needs none. */
export const startCredits = (started: Bool) => {
  const credits = reg("credits", uint(CREDIT_BITS), { reset: 0 });
  return {
    allow: (free: Bool): Bool => free.or(credits.ne(0)).or(started),
    spend: (spent: Bool): void => {
      when(started.and(spent.not()), () => credits.set(credits.addMod(1)));
      when(spent.and(started.not()), () => credits.set(credits.subMod(1)));
      assertAlways(
        "scaler_credits",
        credits
          .ne(2 ** CREDIT_BITS - 1)
          .or(started.not())
          .or(spent),
        "jobs start faster than the scaler takes them",
      );
    },
  };
};

/** T of every token of two jobs. */
export const scaleSets = (c: AcceleratorConfig, retire: Bool) => {
  const complete = reg("complete", uint(2), { reset: 0 }); // sets that are ready or in use
  const writeSet = reg("write_set", bool, { reset: 0 });
  const readSet = reg("read_set", bool, { reset: 0 });
  const sets = new Mem("sets", scale, SETS * 2 ** tokBits(c), {
    readDuringWrite: "old",
    style: "distributed",
  });
  return {
    full: complete.bit(1),
    /** The set is complete with its last token, `done`. */
    store: (storing: Bool, done: Bool, tok: Bits, m: Bits, e: Int): void => {
      when(done, () => writeSet.set(writeSet.not()));
      when(retire, () => readSet.set(readSet.not()));
      when(done.and(retire.not()), () => complete.set(complete.addMod(1)));
      when(retire.and(done.not()), () => complete.set(complete.subMod(1)));
      assertAlways(
        "scaler_retire",
        retire.not().or(complete.ne(0)),
        "the row scaler retires a set that is not complete",
      );
      sets.write(storing, cat(writeSet, tok), { m: m.wrap(scale.m.width), e: e.wrap(scale.e.width) });
    },
    /** T of a token, and whether it is there: `computed` tokens of the set at work are. */
    read: (tok: Bits, computed: Bits) => ({
      t: sets.readAsync(cat(readSet, tok)),
      known: complete.ne(0).or(tok.resize(toksBits(c) + 1).lt(computed.resize(toksBits(c) + 1))),
    }),
  };
};
